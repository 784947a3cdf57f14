"""`privacy` and `leaks` as a person types them; no value is ever printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.client.program import Cli
from tests.helpers.transcripts import claude

ONE = "11111111-1111-4111-8111-111111111111"
KEY = "q7Zt1mXw90PlBv3sKd82"


def _session(cli: Cli) -> Path:
    path = cli.stage.home / f".claude/projects/p/{ONE}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(claude(ONE, "hello", f"API_TOKEN={KEY} is set"))
    return path


@pytest.fixture
def reading(cli: Cli) -> Cli:
    """A daemon that has read one session with one secret."""
    _session(cli)
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    return cli


def test_a_text_is_stripped_without_a_daemon_and_nothing_is_made(cli: Cli) -> None:
    done = cli.run("privacy", "test", given=f"one\nAPI_TOKEN={KEY}\n")

    assert done.returncode == 0 and KEY not in done.stdout + done.stderr
    first, second = done.stdout.splitlines()
    assert first == "one" and second.startswith("API_TOKEN=[redacted:token:")
    assert not cli.paths.data_dir.exists()


def test_what_was_found_in_a_text_is_told_without_values(cli: Cli) -> None:
    done = cli.run("privacy", "test", "--json", given=f"one\nx API_TOKEN={KEY}\n")

    (found,) = json.loads(done.stdout)["findings"]
    assert (found["line"], found["column"], found["set"]) == (2, 13, "assignments")
    assert "name" in found["why"]
    assert KEY not in done.stdout


def test_a_text_larger_than_a_request_is_taken(cli: Cli) -> None:
    done = cli.run("privacy", "test", given="words and words\n" * 300_000 + f"API_TOKEN={KEY}\n")

    assert done.returncode == 0
    assert done.stdout.endswith("]\n") and KEY not in done.stdout


def test_a_file_of_an_agent_and_any_other_is_scanned_without_a_daemon(cli: Cli) -> None:
    session = _session(cli)
    notes = cli.base / "notes.txt"
    notes.write_text(f"line\nAPI_TOKEN={KEY}\nAPI_TOKEN={KEY}\n")

    of_agent = cli.json("privacy", "scan", str(session), "--json")
    of_text = cli.ok("privacy", "scan", str(notes))

    assert of_agent["files"][0]["tool"] == "claude-code"
    assert of_agent["files"][0]["sessions"][0]["kinds"] == {"token": 1}
    assert [kind["values"] for kind in of_agent["kinds"] if kind["kind"] == "token"] == [1]
    assert "2 token" in of_text and KEY not in of_text
    assert "left" not in of_text  # the index was not looked at


def test_a_session_is_scanned_and_explained(reading: Cli) -> None:
    table = reading.ok("privacy", "scan", ONE)
    said = reading.ok("privacy", "explain", f"{ONE}#2")
    everything = reading.json("privacy", "scan", "--all", "--json")

    assert "1 replaced in the index" in table
    assert "#2  AgentMessage" in said and "the name before it tells of a secret" in said
    assert (everything["sources"], everything["files"][0]["sessions"][0]["left"]) == (1, 0)
    assert KEY not in table + said + json.dumps(everything)


def test_a_preview_is_what_would_be_sent_and_was_never_sent(reading: Cli) -> None:
    done = reading.run("privacy", "preview", ONE)

    header, *_ = reading.ok("show", ONE, "--format", "hail").splitlines()
    assert done.stdout.splitlines()[0] == header
    assert "stats" not in done.stdout.splitlines()[-1]
    assert "[redacted:token]" in done.stdout
    assert reading.ok("privacy", "preview", ONE, "--diff").startswith("never sent: all ")
    assert "never sent" in done.stderr


def test_a_preview_of_a_blocked_session_says_that_nothing_is_sent(reading: Cli) -> None:
    reading.paths.config_dir.mkdir(parents=True, exist_ok=True)
    reading.paths.config_file.write_text('[privacy]\nmodes = { assignments = "block" }\n')
    reading.ok("daemon", "restart")
    reading.ok("index", "--wait")

    done = reading.run("privacy", "preview", ONE)
    as_json = reading.json("privacy", "preview", ONE, "--json")
    reading.ok("privacy", "allow", ONE)

    assert "does not leave this machine" in done.stderr and "privacy allow" in done.stderr
    assert "assignments" in as_json["blocked"]
    assert "does not leave" not in reading.run("privacy", "preview", ONE).stderr


def test_leaks_are_listed_resolved_and_scrubbed(reading: Cli) -> None:
    (leak,) = reading.json("leaks", "--json")["leaks"]

    assert leak["id"] in reading.ok("leaks")
    refused = reading.run("leaks", "scrub", leak["id"], "--archive")
    assert refused.returncode == 5 and "--yes" in refused.stderr
    assert "1 occurrence masked in 1 file" in reading.ok(
        "leaks", "scrub", leak["id"][:4], "--archive", "--yes"
    )
    reading.ok("leaks", "resolve", leak["id"])
    assert reading.ok("leaks").startswith("no unresolved secret")
    assert "scrubbed" in reading.ok("leaks", "--all")
    assert reading.fails(4, "leaks", "resolve", "ZZZZ")[0].endswith("ZZZZ")
