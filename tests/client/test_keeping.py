"""`pause`, `privacy allow` and `unforget`, as a person runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.program import Cli
from tests.helpers.transcripts import claude

ONE = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    made = Cli(tmp_path)
    try:
        yield made
    finally:
        made.run("daemon", "stop")


def test_what_a_person_says_of_what_is_kept(cli: Cli) -> None:
    """DECISIONS §5: a pause lasts 1 h unless told, and ends with `--off`; status shows it."""
    cli.fails(2, "pause", "soon")
    cli.fails(2, "pause", "1h", "--off")
    began = cli.json("pause", "--json")
    assert began["paused"]
    assert began["until"] > began["since"]
    status = cli.json("daemon", "status", "--json")
    assert status["paused_until"] == began["until"]
    assert "paused until" in cli.ok("daemon", "status")
    assert not cli.json("pause", "--off", "--json")["paused"]
    assert "not paused" in cli.run("pause", "--off").stderr
    cli.fails(4, "unforget", "0a1b2c3d-0000-0000-0000-000000000000")
    cli.fails(4, "privacy", "allow", "0a1b2c3d")
    cli.fails(4, "forget", "0a1b2c3d", "--yes")
    assert json.loads(cli.ok("config", "get", "privacy.exclude_patterns")) == [
        ".env", ".env.*", "*.pem", "id_*", "*.kdbx",
    ]  # fmt: skip


def test_a_session_is_forgotten_once_that_is_confirmed(cli: Cli) -> None:
    """DECISIONS §7: what destroys needs a confirmation on a terminal, or `--yes`."""
    path = cli.stage.home / f".claude/projects/p/{ONE}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(claude(ONE, "hello", "there"))
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")

    said = cli.fails(5, "forget", ONE)
    assert any("will be forgotten" in each for each in said)
    assert "--yes" in said[-1]
    cli.fails(2, "forget", f"{ONE}#1", "--yes")
    assert cli.json("log", "--all", "--json")
    done = cli.run("forget", ONE[:8], "--yes")

    assert done.returncode == 0, done.stderr
    assert f"opensession unforget {ONE}" in done.stderr
    assert "hidden: 1 session" in done.stderr
    assert cli.json("log", "--all", "--json") == []
    assert list(cli.paths.archive_dir.rglob("*.zst")) == []
    assert path.exists()
    cli.ok("unforget", ONE)
    cli.ok("index", "--wait")
    assert [row["id"] for row in cli.json("log", "--all", "--json")] == [ONE]


def test_a_file_that_is_gone_is_neither_counted_nor_said_to_be_taken_in_again(cli: Cli) -> None:
    names = [f"{number}1111111-1111-4111-8111-111111111111" for number in (1, 2)]
    folder = cli.stage.home / ".claude/projects/p"
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.jsonl").write_bytes(claude(name, "hello", "there"))
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    (folder / f"{names[0]}.jsonl").unlink()
    cli.ok("index", "--wait")

    cli.ok("forget", *names, "--yes")
    held = {row["tool"]: row["own_files"] for row in cli.json("storage", "--json")["agents"]}
    said = cli.run("unforget", *names).stderr.splitlines()
    cli.ok("index", "--wait")

    assert held["claude-code"] == 1
    assert said == [
        f"taken in again: {names[1]}",
        f"forgotten no more, but no file of it is here any more: {names[0]}",
    ]
    assert [row["id"] for row in cli.json("log", "--all", "--json")] == [names[1]]
    (folder / f"{names[0]}.jsonl").write_bytes(claude(names[0], "hello", "there"))
    cli.ok("index", "--wait")
    assert len(cli.json("log", "--all", "--json")) == 2


def test_what_fits_is_shown_before_anybody_is_asked(cli: Cli) -> None:
    """Issue 6: `--project` and `--before` show count, newest titles and bytes first, and ask."""
    folder = cli.stage.home / ".claude/projects/p"
    folder.mkdir(parents=True)
    names = [f"{number}1111111-1111-4111-8111-111111111111" for number in range(1, 10)]
    for name in names:
        (folder / f"{name}.jsonl").write_bytes(claude(name, f"title of {name[0]}", "there"))
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    cwd = cli.json("log", "--all", "--json=working_directory")[0]["working_directory"]

    cli.fails(2, "forget")
    cli.fails(2, "forget", names[0], "--before", "3d")
    cli.fails(2, "forget", "--before", "soon")
    assert "nothing was changed" in cli.run("forget", "--before", "2001-01-01").stderr
    asked = cli.fails(5, "forget", "--project", cwd, "--before", "1h")
    assert "9 sessions will be forgotten: 18 events" in asked[0]
    assert sum("title of" in line for line in asked) == 5
    assert "  and 4 older" in asked
    assert len(cli.json("log", "--all", "--json")) == 9

    cli.ok("forget", names[0], names[1], "--yes")
    assert len(cli.json("log", "--all", "--json")) == 7
    done = cli.json("forget", names[2], "--also-source", "--yes", "--json")
    assert done["removed"] == [str(folder / f"{names[2]}.jsonl")]
    assert not (folder / f"{names[2]}.jsonl").exists()
    said = cli.run("forget", "--before", "1h", "--yes").stderr
    assert "hidden: 6 sessions, found" in said
    assert all(name in said for name in names[3:])  # nothing can tell the ids later
    assert sorted(path.stem for path in folder.iterdir()) == names[:2] + names[3:]
    state = cli.json("forget", "--status", "--json")
    assert state["sessions"] == 9
    assert "9 sessions forgotten" in cli.run("forget", "--status").stderr


def test_a_backup_is_made_and_taken_in(cli: Cli, tmp_path: Path) -> None:
    """Issue 6: `restore` to a new home gives the same `log`."""
    path = cli.stage.home / f".claude/projects/p/{ONE}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(claude(ONE, "hello", "there"))
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    before = cli.ok("log", "--all", "--json")
    file = tmp_path / "all.osbackup"
    written = cli.json("backup", str(file), "--json")
    assert (written["files"], written["unarchived"], written["damaged"]) == (1, 0, [])
    cli.fails(5, "backup", str(file))
    assert "daemon stop" in cli.fails(3, "restore", str(file))[-1]
    cli.ok("daemon", "stop")
    assert "--merge" in cli.fails(5, "restore", str(file))[-1]
    cli.paths.data_dir.rename(tmp_path / "lost")
    assert cli.json("restore", str(file), "--json")["files"] == 1
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    assert cli.ok("log", "--all", "--json") == before


def test_a_backup_of_damage_says_so(cli: Cli, tmp_path: Path) -> None:
    """It may be about to replace the last whole copy."""
    path = cli.stage.home / f".claude/projects/p/{ONE}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(claude(ONE, "hello", "there"))
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    path.unlink()
    cli.ok("index", "--wait")
    (file,) = cli.paths.archive_dir.rglob("*.zst")
    held = bytearray(file.read_bytes())
    held[-20] ^= 0x10
    file.write_bytes(held)

    done = cli.run("backup", str(tmp_path / "all.osbackup"))

    assert done.returncode == 0, done.stderr
    (said,) = [each for each in done.stderr.splitlines() if each.startswith("damaged")]
    assert str(file) in said and ONE in said
    assert "keep your earlier backups" in done.stderr.splitlines()[-1]
    assert ONE in cli.run("health").stdout


def test_a_rebuild_says_what_it_could_not_make_again(cli: Cli) -> None:
    """Sessions that only the index has are taken over from the old one, and told."""
    path = cli.stage.home / f".claude/projects/p/{ONE}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(claude(ONE, "hello", "there"))
    cli.ok("config", "set", "archive.raw", "false")
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    path.unlink()
    cli.ok("index", "--wait")

    said = cli.run("index", "--rebuild", "--wait").stderr

    assert "1 session could not be made again" in said
    assert "taken over from the old index, which alone had it" in said
    done = cli.json("index", "--rebuild", "--wait", "--json")
    assert (done["carried"], done["left_behind"]) == (1, 0)
    assert [row["id"] for row in cli.json("log", "--all", "--json")] == [ONE]


def test_what_has_no_time_is_of_no_age(cli: Cli) -> None:
    """Cursor's transcripts say nothing of when: they are not taken for older than anything."""
    path = cli.stage.home / f".cursor/projects/work-p/agent-transcripts/{ONE}.txt"
    path.parent.mkdir(parents=True)
    path.write_text("user:\n<user_query>\nMake a hello.py\n</user_query>\n\nassistant:\nDone.\n")
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")

    assert "no time known" in cli.ok("log", "--all")
    assert "no session fits" in cli.run("forget", "--before", "90d", "--all", "--yes").stderr
    assert len(cli.json("log", "--all", "--json")) == 1
