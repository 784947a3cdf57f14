"""`opensession storage`, `storage prune`, `storage compact`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.client.program import Cli
from tests.helpers.transcripts import claude

OLD = "11111111-1111-4111-8111-111111111111"
LIVING = "22222222-2222-4222-8222-222222222222"
STARRED = "33333333-3333-4333-8333-333333333333"


def _transcript(cli: Cli, session: str) -> Path:
    path = cli.stage.home / f".claude/projects/-work-p/{session}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(claude(session, *(f"word{session[:4]} number {n}" for n in range(60))))
    return path


def _ids(cli: Cli) -> set[str]:
    return {row["id"] for row in cli.json("log", "--all", "--json")}


def test_what_is_kept_adds_up(cli: Cli) -> None:
    paths = [_transcript(cli, each) for each in (OLD, LIVING, STARRED)]
    size = sum(path.stat().st_size for path in paths)
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    archive = sum(file.stat().st_size for file in cli.paths.archive_dir.rglob("*.zst"))
    first = cli.json("storage", "--json")
    gone = paths[0].stat().st_size
    paths[0].unlink()
    cli.ok("index", "--wait")

    found = cli.json("storage", "--json")

    (before,) = first["agents"]
    (row,) = found["agents"]
    assert (before["tool"], before["own_files"], before["own_bytes"]) == ("claude-code", 3, size)
    assert (before["only_here"], row["only_here"]) == (0, 1)
    assert (row["own_files"], row["own_bytes"]) == (2, size - gone)
    assert row["archived_bytes"] == size
    assert row["archive_bytes"] == found["archive_bytes"] == archive
    assert (row["sessions"], row["safe_sessions"]) == (3, 3)
    assert row["index_bytes"] == found["index_bytes"]
    assert found["past_keep"] == 0
    assert "1 only here" in cli.ok("storage")


def test_growth_and_duplicates_are_those_of_the_sources(cli: Cli) -> None:
    path = _transcript(cli, OLD)
    now = path.read_text().replace("2026-01-02T", "2999-01-02T").encode()
    path.write_bytes(now)
    copy = path.parent.with_name("-work-copy") / path.name
    copy.parent.mkdir()
    copy.write_bytes(now)
    _transcript(cli, LIVING)
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")

    (row,) = cli.json("storage", "--json")["agents"]

    assert (row["duplicate_files"], row["duplicate_bytes"]) == (1, len(now))
    assert row["sessions"] == 2


def test_prune_takes_what_is_old_and_gone_and_nothing_else(cli: Cli) -> None:
    for each in (OLD, LIVING, STARRED):
        _transcript(cli, each)
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    for each in (OLD, STARRED):
        (cli.stage.home / f".claude/projects/-work-p/{each}.jsonl").unlink()
    cli.ok("index", "--wait")
    cli.ok("star", STARRED)
    files = set(cli.paths.archive_dir.rglob("*.zst"))
    assert "nothing is older" in cli.ok("storage", "prune")

    dry = cli.json("storage", "prune", "--keep-days", "1", "--dry-run", "--json")
    refused = cli.run("storage", "prune", "--keep-days", "1")
    hours = cli.ok("storage", "prune", "--keep-days", "5h", "--dry-run")

    (row,) = dry["agents"]
    assert (dry["done"], row["sessions"], row["kept"]) == (False, 1, {"living": 1, "named": 1})
    assert refused.returncode == 5
    assert "not active for 5 hours" in hours
    assert "kept: 1 session whose file the agent still has, or that is away with" in hours
    assert _ids(cli) == {OLD, LIVING, STARRED}
    assert set(cli.paths.archive_dir.rglob("*.zst")) == files
    cli.ok("config", "set", "archive.keep_days", "1")
    assert "kept for 1 day" in cli.ok("storage").split("\n\n")[0].splitlines()[-1]
    assert cli.json("storage", "--json")["past_keep"] == 1
    done = cli.json("storage", "prune", "--yes", "--json")

    assert (done["done"], done["agents"]) == (True, dry["agents"])
    assert _ids(cli) == {LIVING, STARRED}
    assert cli.json("search", f"word{OLD[:4]}", "--json")["hits"] == []
    (removed,) = files - set(cli.paths.archive_dir.rglob("*.zst"))
    assert not removed.exists()
    (said,) = (cli.paths.state_dir / "audit.log").read_text().splitlines()
    assert json.loads(said)["sessions"] == 1
    cli.ok("index", "--rebuild", "--wait")
    assert _ids(cli) == {LIVING, STARRED}


def test_compact_merges_and_shrinks_and_changes_nothing(cli: Cli) -> None:
    path = _transcript(cli, OLD)
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:10]))
    cli.ok("daemon", "start")
    for end in range(20, len(whole) + 1, 10):
        path.write_bytes(b"".join(whole[:end]))
        cli.ok("index", "--wait")
    before = cli.json("log", "--all", "--json")
    hits = cli.json("search", f"word{OLD[:4]}", "--json")["hits"]

    done = cli.json("storage", "compact", "--json")

    assert done["merged_files"] == 1
    assert done["archive_after"] < done["archive_before"]
    assert cli.json("log", "--all", "--json") == before
    assert cli.json("search", f"word{OLD[:4]}", "--json")["hits"] == hits != []
    assert json.loads(cli.run("doctor", "--deep", "--json").stdout)["healthy"]
