"""`opensession revive`: archived files back where their agent looks for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opensession.client.commands.revive import tell
from opensession.core.rpc.revive import RevivedFile, ReviveResult
from tests.client.program import Cli
from tests.helpers.transcripts import FOLDER, claude

ONE = "11111111-1111-4111-8111-111111111111"
CHILD = "agent-a1b2c3d4"


def transcript(cli: Cli, session: str = ONE, *texts: str) -> Path:
    """A transcript of Claude Code in the home."""
    path = cli.stage.home / f".claude/projects/-work-p/{session}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(claude(session, *(texts or ("hello there", "again"))))
    return path


def test_a_deleted_session_is_back_byte_for_byte_and_is_the_same_one(cli: Cli) -> None:
    path = transcript(cli)
    written = path.read_bytes()
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    before = cli.json("log", "--all", "--json")
    path.unlink()
    path.parent.rmdir()
    cli.ok("index", "--wait")
    (gone,) = cli.json("log", "--all", "--json", "source,source_gone")
    assert gone == {"source": "archived", "source_gone": True}
    assert "source gone, archived" in cli.ok("log", "--all")
    assert "opensession revive" in cli.ok("show", ONE)
    assert "source gone, archived" in cli.ok("search", "hello")
    sums = cli.json("stats", "--period", "all", "--json")
    assert (sums["archived_sessions"], sums["gone_sessions"]) == (1, 0)

    dry = cli.json("revive", ONE, "--dry-run", "--json")
    assert [file["state"] for file in dry["files"]] == ["absent"]
    assert not path.exists()
    done = cli.run("revive", ONE)

    assert done.returncode == 0, done.stderr
    assert f"claude --resume {ONE}" in done.stderr
    assert path.read_bytes() == written
    assert path.stat().st_mode & 0o777 == 0o600
    cli.ok("index", "--wait")
    assert cli.json("log", "--all", "--json") == before
    again = cli.json("revive", ONE, "--json")
    assert [file["state"] for file in again["files"]] == ["present"]
    audit = (cli.paths.state_dir / "audit.log").read_text().splitlines()
    assert [json.loads(each)["method"] for each in audit] == ["archive.revive"]
    assert "hello there" not in "".join(audit)


def test_damage_in_the_archive_is_told_and_writes_nothing(cli: Cli) -> None:
    path = transcript(cli, ONE, *(f"message number {n} of many" for n in range(200)))
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    cli.ok("daemon", "stop")
    path.unlink()
    (archived,) = cli.paths.archive_dir.rglob("*.zst")
    held = bytearray(archived.read_bytes())
    held[-20] ^= 0xFF
    archived.write_bytes(held)
    cli.ok("daemon", "start")

    said = cli.fails(5, "revive", ONE)

    assert any("damaged" in each for each in said)
    assert not path.exists()
    assert list(path.parent.iterdir()) == []


def test_a_reference_to_nothing_is_told(cli: Cli) -> None:
    cli.ok("daemon", "start")
    cli.fails(4, "revive", "0a1b2c3d")


def test_sessions_of_a_moved_folder_are_shown_in_the_new_one(cli: Cli) -> None:
    transcript(cli)
    new = cli.stage.home / "shop"
    new.mkdir()
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    (row,) = cli.json("project", "list", "--json")
    assert (row["folder"], row["exists"], row["moved_to"]) == (FOLDER, False, "")
    assert "project link" in cli.run("project", "list").stderr
    assert cli.json("log", "--json", cwd=new) == []

    cli.ok("project", "link", FOLDER, str(new))

    (shown,) = json.loads(cli.run("log", "--json", "id,source,moved_to", cwd=new).stdout)
    assert shown == {"id": ONE, "source": "moved", "moved_to": str(new)}
    revived = cli.json("revive", ONE, "--dry-run", "--json")
    assert (revived["directory"], len(revived["notes"])) == (str(new), 1)
    cli.fails(4, "project", "link", "/nowhere/known", str(new))
    cli.fails(4, "project", "link", FOLDER, str(new / "missing"))
    (cli.stage.home / "file").touch()
    said = cli.fails(4, "project", "link", FOLDER, str(cli.stage.home / "file"))
    assert "is no folder" in said[0]
    cli.ok("project", "link", FOLDER, "--undo")
    cli.fails(4, "project", "link", FOLDER, "--undo")
    assert cli.json("log", "--json", cwd=new) == []


def test_what_an_agent_wrote_over_comes_back_too(cli: Cli) -> None:
    """A file that was written anew with less in it: the older state is told of, and can be had."""
    path = transcript(cli, ONE, "hello there", "again", "and again")
    written = path.read_bytes()
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    path.write_bytes(claude(ONE, "all is new"))
    cli.ok("index", "--wait")
    path.unlink()
    cli.ok("index", "--wait")

    notes = cli.json("revive", ONE, "--dry-run", "--json")["notes"]
    (note,) = (each for each in notes if "--older" in each)
    assert f"{len(written):,} bytes" in note
    assert "holds 1 older state of" in cli.fails(5, "revive", ONE, "--older", "2")[0]
    cli.ok(*note.partition("opensession ")[2].split())

    assert path.read_bytes() == written
    cli.ok("index", "--wait")
    (row,) = cli.json("log", "--all", "--json", "message_count")
    assert row["message_count"] >= 3


def test_a_dry_run_does_not_say_that_a_database_is_written_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whether the database is there or away: the agent's own import makes it."""
    file = RevivedFile(path="/nowhere/opencode.db", state="absent", bytes=8600)
    load = ["opencode", "import", "{file}"]

    tell(ReviveResult(id="a", short="7f3a9c1e", tool="opencode", files=[file], load=load), 0)

    assert capsys.readouterr().err == "would have opencode take in 1 session, 8.6 kB\n"
