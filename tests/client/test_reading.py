"""The commands that read, on the demo's sessions, against a real daemon."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from opensession.client.table import COMMANDS
from opensession.core.rpc.sessions import LOG_FIELDS
from tests.client.program import Cli, check_schema

LIMITER = "5e1f0c9a-7b1d-4c53-9f0e-3a6f2d8b7c41"
POLARS = "c0ffee12-90ab-4cde-8f01-23456789abcd"
CODEX = "019a4f2e-7c1d-7a30-b16f-c8e48bf2592c"


def test_log_in_a_repository_shows_that_repository_and_says_what_is_elsewhere(shared: Cli) -> None:
    """DECISIONS §11: log shows this repository by last activity, says on stderr what it left."""
    done = shared.run("log")

    assert re.findall(r"^[0-9a-f]{8}  (\S+)", done.stdout, re.M) == ["claude-code", "codex"]
    assert "Fix the off-by-one in the rate limiter" in done.stdout
    assert "only acme-api" in done.stderr
    assert "1 more elsewhere (--all)" in done.stderr


def test_log_where_nothing_was_done_says_so_and_where_to_look(shared: Cli, tmp_path: Path) -> None:
    done = shared.run("log", cwd=tmp_path)

    assert done.stdout == ""
    assert done.stderr == f"no sessions of {tmp_path} · 3 elsewhere (--all)\n"


def test_log_all_shows_every_project(shared: Cli) -> None:
    assert {row["id"] for row in shared.json("log", "--all", "--json")} == {LIMITER, POLARS, CODEX}


def test_log_json_is_as_documented(shared: Cli) -> None:
    rows = shared.json("log", "--all", "--format", "json")

    check_schema("log", rows)
    assert set(LOG_FIELDS) <= set(rows[0])
    limiter = next(row for row in rows if row["id"] == LIMITER)
    assert limiter["git_repo_name"] == "acme-api"
    assert limiter["has_errors"] is True
    assert len(limiter["files_modified"]) == 2
    assert limiter["total_cache_read_tokens"] > limiter["total_input_tokens"] > 0


def test_log_json_takes_fields_in_the_order_they_were_asked_for(shared: Cli) -> None:
    """DECISIONS §11: --json takes a following word only if it is made of field names."""
    rows = shared.json("log", "--all", "--json", "title,id", "-n", "1")

    assert [list(row) for row in rows] == [["title", "id"]]


def test_log_names_a_field_that_is_not_there(shared: Cli) -> None:
    error = json.loads(shared.fails(2, "log", "--json", "id,titel")[0])

    check_schema("error", error)
    assert error["error"]["message"] == "no such field: titel"
    assert error["error"]["next"] == "opensession log --json title"


def test_log_jq(shared: Cli) -> None:
    assert shared.ok("log", "--all", "--jq", "map(.tool) | unique | .[]").split() == [
        "claude-code",
        "codex",
    ]
    assert shared.json("log", "--all", "--json", "id", "--jq", "length") == 3
    assert "--jq" in shared.run("log", "--jq", ".[").stderr


def test_log_jsonl_and_markdown(shared: Cli) -> None:
    lines = shared.ok("log", "--all", "--format", "jsonl").splitlines()
    table = shared.ok("log", "--all", "--format", "markdown").splitlines()

    assert {json.loads(line)["id"] for line in lines} == {LIMITER, POLARS, CODEX}
    assert len(table) == 5
    assert table[1].startswith("|---")


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["--tool", "codex"], {CODEX}),
        (["--tool", "claude_code"], {LIMITER, POLARS}),
        (["--model", "*sonnet*"], {POLARS}),
        (["--touches", "src/rate-limit.js"], {LIMITER}),
        (["--grep", "middleware"], {CODEX}),
        (["--since", "1 day"], {LIMITER, CODEX}),
        (["--before", "1 day"], {POLARS}),
        (["--has-errors"], {LIMITER, CODEX}),
        (["--project", "etl"], {POLARS}),
        (["--project", "../etl"], {POLARS}),
        (["--since", "2099-01-01"], set()),
        (["-n", "1"], {LIMITER}),
    ],
)
def test_log_filters(shared: Cli, words: list[str], ids: set[str]) -> None:
    """No match is exit 0 with an empty list (DECISIONS §11)."""
    assert {row["id"] for row in shared.json("log", "--all", "--json", *words)} == ids


def test_an_unknown_agent_is_told_with_where_to_look(shared: Cli) -> None:
    said = shared.fails(2, "log", "--tool", "windsurf")

    assert said[0] == "opensession: no such agent: windsurf"
    assert said[1].startswith("next: opensession discover")


def test_a_time_that_is_none(shared: Cli) -> None:
    assert shared.fails(2, "log", "--since", "soonish")[0] == (
        "opensession: --since is not a time: soonish"
    )


def test_show_reads_like_a_conversation(shared: Cli) -> None:
    text = shared.ok("show", LIMITER)

    assert text.splitlines()[0] == "Fix the off-by-one in the rate limiter"
    assert "▌ " in text
    assert "-   return hits.length > limit;" in text
    assert "+   return hits.length >= limit;" in text
    assert re.search(r"run +npm test +.*exit 1", text)
    assert "(`--full`)" in text
    assert "acme_d3m0Tk4f9a8b7c6d5e3f2a1b" not in text


def test_show_is_head_unless_told(shared: Cli) -> None:
    assert shared.ok("show") == shared.ok("show", LIMITER)
    assert "auth middleware" in shared.ok("show", "HEAD^1").splitlines()[0]


def test_show_one_event_and_what_is_around_it(shared: Cli) -> None:
    seq = next(
        row["seq"]
        for row in map(json.loads, shared.ok("timeline", LIMITER, "--format", "jsonl").splitlines())
        if row["type"] == "ShellCommand"
    )
    text = shared.ok("show", f"{LIMITER}#{seq}")

    assert f"\n#{seq}\n" in text
    assert "AssertionError" in text
    assert len(text) < len(shared.ok("show", LIMITER, "--full"))


def test_show_in_full_leaves_nothing_out(shared: Cli) -> None:
    text = shared.ok("show", LIMITER, "--full")

    assert "(`--full`)" not in text
    assert "ℹ fail 1" in text
    assert "[redacted:" in text


def test_show_json_and_jsonl_hold_every_event(shared: Cli) -> None:
    whole = shared.json("show", LIMITER, "--json")
    lines = shared.ok("show", LIMITER, "--format", "jsonl").splitlines()

    assert whole["session"]["session"]["id"] == LIMITER
    assert whole["events"] == [json.loads(line) for line in lines]
    assert len(lines) == whole["session"]["session"]["event_count"]


def test_show_hail_is_a_hail_file(shared: Cli) -> None:
    lines = [json.loads(line) for line in shared.ok("show", CODEX, "--format", "hail").splitlines()]

    assert lines[0]["type"] == "header"
    assert lines[0]["version"] == "hail-1.0.0"
    assert lines[-1]["type"] == "stats"
    assert {line["type"] for line in lines[1:-1]} == {"event"}


def test_show_stream_and_markdown(shared: Cli) -> None:
    lines = [json.loads(x) for x in shared.ok("show", CODEX, "--format", "stream").splitlines()]
    text = shared.ok("show", CODEX, "--format", "markdown")

    assert {(line["version"], "@timestamp" in line) for line in lines} == {("0.1", True)}
    assert [line["type"] for line in lines[:2]] == ["session", "event"]
    assert text.startswith("# Review the auth middleware")
    assert "```diff" in text


def test_timeline_is_one_line_an_event(shared: Cli) -> None:
    text = shared.ok("timeline", CODEX).splitlines()
    events = shared.json("timeline", CODEX, "--json")

    assert len(text) == len(events)
    assert all(line.startswith("#") for line in text)
    assert any("exit 1" in line for line in text)
    assert {"seq", "timestamp", "type", "summary", "exit_code"} <= set(events[0])


@pytest.mark.parametrize("command", ["show", "timeline"])
def test_a_reference_that_names_nothing(shared: Cli, command: str) -> None:
    """DECISIONS §7: not found is exit 4, with what to do next."""
    said = shared.fails(4, command, "ffffffff")

    assert said[0].startswith("opensession: ")
    assert said[-1].startswith("next: opensession ")


def test_an_event_that_is_not_there(shared: Cli) -> None:
    assert "#9999" in shared.fails(4, "show", f"{LIMITER}#9999")[0]


def test_show_takes_one_session_only(shared: Cli) -> None:
    """DECISIONS §11: HEAD~N is the newest N; a command that takes one refuses N > 1."""
    assert shared.run("show", "HEAD~1").returncode == 0
    assert shared.run("show", "HEAD~2").returncode in (2, 5)


def test_search_groups_hits_by_session_and_marks_them(shared: Cli) -> None:
    done = shared.run("search", "rate limiter", "role:user", NO_COLOR="1")

    heading = done.stdout.splitlines()[0]
    assert heading.startswith("acme-api@main · ")
    assert heading.endswith("hit") or heading.endswith("hits")
    assert "«" in done.stdout
    assert re.search(r"  +#\d+ user ", done.stdout)
    assert "open one with `opensession show" in done.stderr


def test_a_filter_that_is_none_is_said(shared: Cli) -> None:
    said = shared.run("search", "limiter", "role:nobody").stderr
    assert "role:nobody is no filter, and was looked for as words (role: user, assistant" in said
    assert "is no filter" not in shared.run("search", "limiter", "role:user").stderr


def test_search_json_is_as_documented(shared: Cli) -> None:
    found = shared.json("search", "limiter", "--json", "--limit", "2")

    check_schema("search", found)
    assert len(found["hits"]) == 2 < found["total"]


def test_search_looks_everywhere_and_project_dot_narrows(shared: Cli) -> None:
    """DECISIONS §11: search looks everywhere, `project:.` narrows."""
    everywhere = shared.json("search", "tests", "--json")
    here = shared.json("search", "导入", "project:.", "--json")

    assert POLARS not in {hit["session_id"] for hit in here["hits"]}
    assert {hit["session_id"] for hit in shared.json("search", "导入", "--json")["hits"]} == {
        POLARS
    }
    assert everywhere["total"] > 0


def test_search_for_an_exact_text_and_an_expression(shared: Cli) -> None:
    exact = shared.json("search", "-F", "hits.length >= limit", "--json")
    expression = shared.json("search", "-E", r"hits\.length >=? limit", "--json")

    assert exact["matched"] == "substring"
    assert {hit["session_id"] for hit in exact["hits"]} == {LIMITER}
    assert expression["matched"] == "regex"
    assert expression["total"] >= exact["total"]


def test_search_without_a_hit_is_no_failure(shared: Cli) -> None:
    done = shared.run("search", "zyxwvut")

    assert (done.returncode, done.stdout) == (0, "")
    assert "no hits" in done.stderr


@pytest.mark.parametrize("words", [["-E", "("], ["--regex", "--substring", "x"], ["   "], []])
def test_a_search_that_makes_no_sense(shared: Cli, words: list[str]) -> None:
    assert shared.fails(2, "search", *words)[-1].startswith("next: ")


def test_stats_json_is_as_documented(shared: Cli) -> None:
    found = shared.json("stats", "--period", "all", "--format", "json")

    check_schema("stats", found)
    assert found["total_sessions"] == 3
    assert found["estimated_cost_microdollars"] > 0
    assert {row["tool"] for row in found["by_tool"]} == {"claude-code", "codex"}


def test_stats_text(shared: Cli) -> None:
    text = shared.ok("stats", "--period", "all")

    for part in ("3 sessions", "% cached", "by agent", "by model", "opus-4.5", "most edited"):
        assert part in text
    assert (
        shared.json("stats", "--project", "etl", "--period", "all", "--json")["total_sessions"] == 1
    )


def test_status_json_is_as_documented(shared: Cli) -> None:
    found = shared.json("daemon", "status", "--json")

    check_schema("status", found)
    assert found["agents"]["claude-code"]["sessions"] == 2
    assert found["agents"]["codex"]["sessions"] == 1


def test_status_says_in_words_what_is_watched_and_kept(shared: Cli) -> None:
    text = shared.ok("daemon", "status")

    assert text.startswith("● running")
    for part in ("watching", "claude-code 2 sessions", "fresh", "kept", "private", "network"):
        assert part in text


def test_health(shared: Cli) -> None:
    found = shared.json("daemon", "health", "--json")

    assert found["healthy"] is True
    assert all({"name", "state", "message"} <= set(check) for check in found["checks"])
    assert shared.ok("daemon", "health").splitlines()[0][0] in "✓!✗"


def test_discover_and_watcher_list(shared: Cli) -> None:
    found = {row["name"]: row for row in shared.json("discover", "--json")}

    assert found["claude-code"]["sources"] == 2
    assert found["codex"]["bytes"] > 0
    assert "claude-code" in shared.ok("discover")
    assert re.search(r"^codex +(events|polling) ", shared.ok("watcher", "list"), re.M)


def test_rpc_lists_methods_and_calls_them(shared: Cli) -> None:
    assert "search.query" in shared.ok("rpc")
    assert shared.json("rpc", "daemon.status")["running"] is True
    assert shared.json("rpc", "search.query", '{"query":"limiter","limit":1}')["total"] > 0
    assert "not a JSON object" in shared.fails(2, "rpc", "search.query", "[1]")[0]
    shared.fails(3, "rpc", "no.such")


def test_bare_program_shows_the_status_and_three_commands(shared: Cli) -> None:
    """DECISIONS §11: bare `opensession`, `opensession .`."""
    for words in ((), (".",)):
        text = shared.ok(*words)
        assert text.startswith("● running")
        assert len(re.findall(r"^  opensession .*# ", text, re.M)) == 3


def test_completion_knows_the_sessions(shared: Cli) -> None:
    short = shared.json("log", "--json", "short", "-n", "1")[0]["short"]

    refs = [line.split("\t")[0] for line in shared.ok("complete", "refs").splitlines()]
    assert refs[:2] == ["HEAD", short]
    assert "codex" in shared.ok("complete", "agents")


def test_colour_only_where_it_is_wanted(shared: Cli) -> None:
    """A pipe gets none, CLICOLOR_FORCE asks for it, NO_COLOR and --no-color forbid it."""
    assert "\x1b" not in shared.ok("log")
    assert "\x1b[" in shared.ok("log", CLICOLOR_FORCE="1")
    assert "\x1b" not in shared.ok("log", CLICOLOR_FORCE="1", NO_COLOR="1")
    assert "\x1b" not in shared.ok("log", "--no-color", CLICOLOR_FORCE="1")
    assert "\x1b" not in shared.ok("search", "limiter", "--json", CLICOLOR_FORCE="1")


def test_a_reader_that_has_seen_enough_is_no_failure_with_words(shared: Cli) -> None:
    process = subprocess.Popen(
        shared.command("show", LIMITER, "--full"),
        env=shared.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=60)

    assert said == b""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps(shared: Cli, name: str) -> None:
    text = shared.ok(*name.split(), "-h")

    assert f"  opensession {name}" in text
    assert f"Usage: opensession {name}" in text


def test_names_of_earlier_generations(shared: Cli) -> None:
    """DECISIONS §11: hidden aliases."""
    assert shared.ok("session", "log") == shared.ok("log")
    assert shared.json("ops", "daemon", "status", "--json")["running"] is True
    assert "  session " not in shared.ok("--help")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lgo"], "no such command: lgo"),
        (["daemon", "strat"], "no such command: daemon strat"),
        (["log", "--nope"], "no such option: --nope"),
        (["log", "-n", "x"], "invalid value"),
        (["--nope"], "no such option: --nope"),
        (["stats", "--period", "year"], "invalid value"),
        (["log", "--follow", "--grep", "x"], "--follow does not go with --grep"),
        (["log", "--json", "--format", "text"], "--format text is not JSON"),
    ],
)
def test_wrong_words_are_exit_2_and_one_line(shared: Cli, words: list[str], said: str) -> None:
    lines = [line for line in shared.run(*words).stderr.splitlines() if line]

    assert shared.run(*words).returncode == 2
    if lines[0].startswith("{"):
        assert said in json.loads(lines[0])["error"]["message"]
    else:
        assert lines[0].startswith("opensession: ")
        assert said in lines[0]
        assert [line.split(":")[0] for line in lines[1:]] == ["next"]


def test_a_reader_that_has_seen_enough_is_no_failure(shared: Cli) -> None:
    """`opensession show … | head -1` ends as other programs do there, without a word."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        shared.command("search", "the", "--json"),
        env=shared.environ,
        cwd=shared.cwd,
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (141, b"")


def test_index_in_json_says_how_it_ended_and_so_waits(shared: Cli) -> None:
    assert shared.json("index", "--wait", "--json")["failed"] == 0
    refused = shared.run("index", "--json")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert json.loads(refused.stderr)["error"]["next"] == "opensession index --wait"
