"""`opensession doctor`: what is wrong, by name, and mending it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.client.program import Cli
from tests.helpers.transcripts import claude

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"


def _transcript(cli: Cli, session: str) -> Path:
    path = cli.stage.home / f".claude/projects/-work-p/{session}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(claude(session, *(f"message {n} of many" for n in range(200))))
    return path


def _flip(cli: Cli) -> list[Path]:
    """Flips one bit in the last frame of every archive file."""
    files = sorted(cli.paths.archive_dir.rglob("*.zst"))
    for file in files:
        held = bytearray(file.read_bytes())
        held[-20] ^= 0x10
        file.write_bytes(held)
    return files


def _wrong(found: Any, name: str) -> list[dict[str, str]]:
    return [each for each in found["findings"] if each["name"] == name and each["state"] != "ok"]


def _doctor(cli: Cli, *words: str) -> Any:
    done = cli.run("doctor", "--json", *words)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert found["healthy"] == (done.returncode == 0)
    return found


def test_damage_is_named_and_mended_where_the_agent_still_has_its_file(cli: Cli) -> None:
    """Bit flips: the file, the bytes, the generation, the session."""
    _transcript(cli, ONE)
    lost = _transcript(cli, TWO)
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    assert _doctor(cli, "--deep")["healthy"]
    lost.unlink()
    cli.ok("index", "--wait")
    files = _flip(cli)
    before = cli.json("log", "--all", "--json")

    sampled = _wrong(_doctor(cli), "archive.damage")
    named = _wrong(_doctor(cli, "--deep"), "archive.damage")

    assert sampled == named
    assert len(named) == len(files) == 2
    for file in files:
        (one,) = [each for each in named if str(file) in each["message"]]
        size = file.stat().st_size
        assert f" to {size}: " in one["message"]
        assert "of generation 1" in one["message"]
    living = next(each for each in named if ONE in each["message"])
    gone = next(each for each in named if TWO in each["message"])
    assert (living["hint"], living["fix"]) == ("opensession doctor --deep --fix", "archive")
    assert gone["fix"] == ""

    refused = cli.run("doctor", "--fix")
    assert refused.returncode == 5, refused.stderr
    assert _wrong(_doctor(cli, "--deep"), "archive.damage") == named
    fixed = _doctor(cli, "--deep", "--fix", "--yes")

    assert fixed["fixed"] == ["archive"]
    assert _wrong(fixed, "archive.damage") == [gone]
    after = cli.json("log", "--all", "--json")
    assert {row["id"]: row["source"] for row in after} == {ONE: "", TWO: "gone"}
    assert [{**row, "source": ""} for row in after] == [{**row, "source": ""} for row in before]
    (agent,) = cli.json("storage", "--json")["agents"]
    assert (agent["sessions"], agent["safe_sessions"], agent["only_here"]) == (2, 1, 0)
    (cli.stage.home / f".claude/projects/-work-p/{ONE}.jsonl").unlink()
    cli.ok("index", "--wait")
    cli.ok("revive", ONE)
    path = cli.stage.home / f".claude/projects/-work-p/{ONE}.jsonl"
    assert path.read_bytes() == claude(ONE, *(f"message {n} of many" for n in range(200)))


def test_it_looks_where_no_daemon_runs_and_starts_none(cli: Cli) -> None:
    _transcript(cli, ONE)
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    cli.ok("daemon", "stop")
    _flip(cli)
    cli.paths.user_db.chmod(0o644)
    cli.paths.config_file.write_text("[daemon]\n\ndebounce_secs = 'often'\n")
    (cli.paths.data_dir / "shopping.txt").write_text("milk")
    (cli.paths.data_dir / "local.db").write_text("of the earlier program")

    found = _doctor(cli, "--deep")

    assert not cli.paths.run_file.exists()
    assert "stopped by hand" in _wrong(found, "daemon")[0]["message"]
    assert ONE in _wrong(found, "archive.damage")[0]["message"]
    assert str(cli.paths.user_db) in _wrong(found, "modes.all")[0]["message"]
    assert _wrong(found, "modes") == []  # named once
    assert _wrong(found, "archive.raw") == []
    assert f"{cli.paths.config_file}:3" in _wrong(found, "config")[0]["message"]
    assert "shopping.txt" in _wrong(found, "foreign")[0]["message"]
    assert "local.db" not in _wrong(found, "foreign")[0]["message"]
    cli.paths.config_file.unlink()
    mended = _doctor(cli, "--fix", "--yes")

    assert cli.paths.user_db.stat().st_mode & 0o777 == 0o600
    assert _wrong(mended, "modes.all") == []
    assert _wrong(mended, "archive.damage") != []
    assert (cli.paths.data_dir / "shopping.txt").exists()


def test_a_daemon_that_was_killed_is_started_by_fix(cli: Cli) -> None:
    cli.paths.data_dir.mkdir(parents=True)
    found = _doctor(cli)
    (down,) = _wrong(found, "daemon")
    assert (down["state"], down["fix"]) == ("red", "start")

    fixed = _doctor(cli, "--fix", "--yes")

    assert "start" in fixed["fixed"]
    assert _wrong(fixed, "daemon") == []
    assert cli.json("daemon", "status", "--json")["running"] is True


def test_a_damaged_index_is_named_without_a_daemon(cli: Cli) -> None:
    _transcript(cli, ONE)
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    cli.ok("daemon", "stop")
    held = bytearray(cli.paths.index_db.read_bytes())
    held[4096 * 3 : 4096 * 12] = b"\xa5" * (4096 * 9)
    cli.paths.index_db.write_bytes(held)

    found = _doctor(cli, "--deep")

    (damage,) = _wrong(found, "index.integrity")
    assert (damage["hint"], damage["fix"]) == ("opensession index --rebuild", "rebuild")
    assert cli.paths.index_db.read_bytes() == held
    assert _wrong(found, "index.corrupt") == []


def test_archiving_that_is_off_is_said(cli: Cli) -> None:
    cli.ok("daemon", "start")
    assert "archive.raw is false" not in cli.ok("daemon", "status")
    cli.ok("config", "set", "archive.raw", "false")
    (said,) = _wrong(_doctor(cli), "archive.raw")
    assert said["hint"] == "opensession config set archive.raw true"
    done = cli.run("daemon", "status")
    assert said["message"] in done.stdout + done.stderr
