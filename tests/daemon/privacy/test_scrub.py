"""A value is taken out of the archive and the index, and everything else stays as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opensession.daemon.archive import file_for, read, scan, verify
from opensession.daemon.store import scrub
from opensession.daemon.store.writer import Writer
from tests.daemon.privacy.test_leaks import CLAUDE, CODEX, KEY, ONE, TWO, _holders
from tests.helpers.daemon import Daemon, Home, RpcError, running
from tests.helpers.transcripts import claude, claude_line, codex

MASK = "*" * len(KEY)


def _archived(home: Home, agent: str, path: str) -> bytes:
    file = file_for(home.paths.archive_dir, agent, str(home.path / path))
    assert verify(file) == []
    return b"".join(read(file, scan(file).generation))


def _scrub(daemon: Daemon, **params: Any) -> dict[str, Any]:
    (leak,) = daemon.call("leaks.list", all=True)["leaks"]
    with daemon.client() as client:
        last = client.job("leaks.scrub", id=leak["id"], yes=True, **params)
    assert last["error"] == ""
    return dict(last["result"])


def test_nothing_is_done_that_nobody_confirmed(home: Home, daemon: Daemon) -> None:
    home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}"))
    daemon.index()
    (leak,) = daemon.call("leaks.list")["leaks"]

    with pytest.raises(RpcError) as raised:
        daemon.call("leaks.scrub", id=leak["id"], archive=True)

    assert raised.value.code == -32002
    assert KEY.encode() in _archived(home, "claude-code", CLAUDE)


def test_the_archive_loses_the_value_and_nothing_else(home: Home, daemon: Daemon) -> None:
    """Also where it stands within JSON, and without the name that tells of it."""
    inner = json.dumps({"env": f"API_TOKEN={KEY}"})
    path = home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}", f"{inner} and {KEY}x alone"))
    home.write(CODEX, codex(TWO, f"API_TOKEN={KEY}"))
    daemon.index()
    before = path.read_bytes()
    path.unlink()
    (home.path / CODEX).unlink()
    daemon.index()

    done = _scrub(daemon, archive=True)

    assert done["occurrences"] == 4 and done["archives"] == 2 and done["holders"] == []
    assert done["problems"] == []
    assert _archived(home, "claude-code", CLAUDE) == before.replace(KEY.encode(), MASK.encode())
    assert KEY.encode() not in _archived(home, "codex", CODEX)
    assert _holders(home, KEY) == []
    (leak,) = daemon.call("leaks.list", all=True)["leaks"]
    assert leak["scrubbed_at"] and all(s["altered_at"] for s in leak["sessions"])
    with daemon.client() as client:
        assert client.job("index.rebuild", wait=True)["error"] == ""
    assert len(daemon.call("sessions.list", all=True)["sessions"]) == 2
    for ref in (ONE, TWO):
        assert (
            daemon.call("sessions.get", ref=ref)["altered_at"] == leak["sessions"][0]["altered_at"]
        )


def test_the_agents_own_file_is_named_and_never_written_to(home: Home, daemon: Daemon) -> None:
    path = home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}"))
    daemon.index()
    before = path.read_bytes(), path.stat().st_mtime_ns

    done = _scrub(daemon, archive=True)

    assert done["holders"] == [str(path)]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert KEY.encode() not in _archived(home, "claude-code", CLAUDE)


def test_what_is_scrubbed_stays_so_when_its_file_is_read_again(home: Home, daemon: Daemon) -> None:
    """The agent's file still has it: neither an append nor a rebuilt index brings it back."""
    path = home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}", "done"))
    daemon.index()
    _scrub(daemon, archive=True)
    with path.open("ab") as file:
        file.write(claude_line(ONE, 3, f"API_TOKEN={KEY} again"))
    daemon.index()
    with daemon.client() as client:
        assert client.job("index.rebuild", wait=True)["error"] == ""

    archived = file_for(home.paths.archive_dir, "claude-code", str(path))
    assert {entry.generation for entry in scan(archived).entries} == {1}
    expected = path.read_bytes().replace(KEY.encode(), MASK.encode())
    assert _archived(home, "claude-code", CLAUDE) == expected


def test_what_is_scrubbed_is_known_again_where_it_stands_alone(home: Home, daemon: Daemon) -> None:
    """The agent repeats it in a later read, with nothing beside it that tells what it is."""
    path = home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}", "done"))
    daemon.index()
    _scrub(daemon, archive=True)
    with path.open("ab") as file:
        file.write(claude_line(ONE, 3, f"it printed {KEY}\n{KEY}x"))
    home.write(CODEX, codex(TWO, f"and x{KEY} there"))
    daemon.index()

    for name, file_ in (("claude-code", CLAUDE), ("codex", CODEX)):
        assert KEY.encode() not in _archived(home, name, file_)
    assert _holders(home, KEY) == []
    (leak,) = daemon.call("leaks.list", all=True)["leaks"]
    assert [(s["id"], s["count"]) for s in leak["sessions"]] == [(ONE, 3), (TWO, 1)]
    (event,) = daemon.call("sessions.events", ref=TWO, all=True)["events"]
    assert event["blocks"][0]["text"] == f"and x[redacted:{leak['kind']}:{leak['id']}] there"


def test_every_scrub_is_in_the_audit_log_without_content(home: Home, daemon: Daemon) -> None:
    home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}"))
    daemon.index()
    _scrub(daemon)

    path = home.paths.state_dir / "audit.log"
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["method"] == "leaks.scrub"
    assert json.loads(line)["effect"] == "destroy"
    assert path.stat().st_mode & 0o777 == 0o600
    assert KEY not in line


def test_what_an_older_rule_left_in_the_index_is_taken_out(home: Home) -> None:
    """The index was made while the rules were off: rows, titles, search, free pages."""
    home.configure("[privacy]\nstrip_env_vars = false\n")
    home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}", "done"))
    home.write(CODEX, codex(TWO, f"API_TOKEN={KEY}", "other words"))
    with running(home) as daemon:
        daemon.index()
        daemon.stop()
    assert "index.db" in _holders(home, KEY)
    writer = Writer(home.paths.index_db, home.paths.archive_dir)
    value = scrub.Value([KEY], "[redacted:token:ABCDEFGH]")
    done = scrub.scrub_index(lambda work: work(writer), [("claude-code", ONE)], value)
    writer.close()

    assert (done.events, done.titles, done.left) == (2, 1, False)
    assert _holders(home, KEY) == []
    found = home.run("call", "search.query", '{"query":"redacted"}')
    assert {hit["session_id"] for hit in json.loads(found.stdout)["hits"]} == {ONE, TWO}
