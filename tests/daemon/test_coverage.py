"""`agents.coverage`: every source is accounted for, and says why it gave nothing."""

from __future__ import annotations

import os
from typing import Any

import apsw
import pytest

from opensession.core.rpc.coverage import Unrecognised
from opensession.core.rpc.daemon import AgentStatus, Check, Indexing
from opensession.core.timeparse import parse_time
from opensession.daemon import admission, checks
from opensession.daemon.agent_status import Counts, is_left_out, statuses
from opensession.daemon.book import Entry
from opensession.daemon.coverage import OTHER
from opensession.daemon.watch import RootState
from opensession.parsers import opening
from opensession.parsers.agent import Source
from opensession.parsers.registry import agent
from opensession.parsers.stamps import Stamp
from tests.helpers.daemon import Home, RpcError, running
from tests.helpers.transcripts import claude, codex

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
ROLLOUT = f".codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-{TWO}.jsonl"
NOW = "2026-01-01T11:00:00.000Z"
DAY_US = 86_400_000_000


def found_of(home: Home, **params: Any) -> dict[str, Any]:
    """The answer of a daemon that has read everything, agents by name."""
    with running(home) as daemon:
        daemon.index()
        found: dict[str, Any] = daemon.call("agents.coverage", **params)
    found["agents"] = {one["name"]: one for one in found["agents"]}
    return found


def test_every_source_is_accounted_for(home: Home) -> None:
    transcript = home.write(f".claude/projects/p/{ONE}.jsonl", claude(ONE, "hello", "there"))
    rollout = codex(TWO, "hello") + b'not json\n{"type":"zzz"}\n{"type":"a secret, in fact!"}\n'
    home.write(ROLLOUT, rollout)
    (home.path / ROLLOUT).with_name("rollout-link.jsonl").symlink_to("/etc/passwd")

    agents = found_of(home)["agents"]

    claude_code, own = agents["claude-code"], agents["codex"]
    assert (claude_code["status"]["sessions"], claude_code["sources"]) == (1, [])
    assert claude_code["read_bytes"] == transcript.stat().st_size
    assert own["skipped"] == {"malformed": 1}
    assert own["unknown"] == {"zzz": 1, OTHER: 1}
    assert own["refused"] == {opening.LINK: 1}
    assert [(one["state"], one["reason"]) for one in own["sources"]] == [
        ("refused", opening.LINK),
        ("ok", ""),
    ]
    assert own["sources"][1]["sessions"] == 1
    assert own["sources"][1]["skipped"] == {"malformed": 1}
    assert own["sources"][1]["changed"] == own["sources"][1]["indexed"]
    roots = {root["path"]: root for root in own["roots"]}
    assert roots[str(home.path / ".codex/sessions")]["sources"] == 2
    assert roots[str(home.path / ".codex/archived_sessions")]["exists"] is False
    assert not any(check["state"] == "red" for one in agents.values() for check in one["checks"])


def test_sources_are_given_in_pages_those_that_are_wrong_first(home: Home) -> None:
    for number in range(5):
        session = f"{number}{ONE[1:]}"
        home.write(f".claude/projects/p/{session}.jsonl", claude(session, "hello"))
    home.write(f".claude/projects/p/{TWO}.jsonl", claude(TWO, "hello") + b"not json\n")
    with running(home) as daemon:
        daemon.index()
        pages = [
            daemon.call("agents.coverage", agent="claude_code", all=True, limit=4, offset=offset)
            for offset in (0, 4)
        ]
        with pytest.raises(RpcError, match="nobody"):
            daemon.call("agents.coverage", agent="nobody")

    (first,), (second,) = pages[0]["agents"], pages[1]["agents"]
    assert (first["total"], second["total"]) == (6, 6)
    names = [one["path"].rsplit("/", 1)[1] for one in first["sources"] + second["sources"]]
    assert names[0] == f"{TWO}.jsonl"
    assert len(set(names)) == 6


def test_custom_paths_that_nothing_is_read_from_are_named(home: Home) -> None:
    home.write("odd/notes.txt", "hello")
    home.write("renamed/chat.txt", codex(TWO, "hello"))
    home.write(f"copy/.claude/projects/p/{ONE}.jsonl", claude(ONE, "hello"))
    folders = [f"{home.path}/{name}" for name in ("odd", "missing", "renamed", "copy")]
    home.configure(f"[watchers]\ncustom_paths = {folders!r}\n")

    found = found_of(home)

    assert [one["path"] for one in found["unrecognised"]] == folders[:2]
    reasons = [one["reason"] for one in found["unrecognised"]]
    assert reasons == ["nothing in it is known as an agent's", "there is no such folder"]
    assert found["agents"]["codex"]["status"]["sessions"] == 1
    assert found["agents"]["claude-code"]["status"]["sessions"] == 1
    with running(home) as daemon:
        names = [check["name"] for check in daemon.call("daemon.health")["checks"]]
    assert names.count("watchers.custom_paths") == 2


def test_a_database_of_another_schema_is_told_in_health_status_and_coverage_alike(
    home: Home,
) -> None:
    """Its agent changed and nothing comes of it: one red line, that says what is missing."""
    path = home.path / ".local/share/goose/sessions/sessions.db"
    path.parent.mkdir(parents=True)
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE sessions (something TEXT); INSERT INTO sessions VALUES ('hush-hush')")
    db.close()
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with running(home) as daemon:
        daemon.index()
        health = daemon.call("daemon.health")["checks"]
        notices = daemon.call("daemon.status")["notices"]
        (own,) = daemon.call("agents.coverage", agent="goose")["agents"]

    red = [check for check in health if check["state"] == "red"]
    assert [check["name"] for check in red] == ["agent.goose.lag"]
    assert [check for check in own["checks"] if check["state"] == "red"] == red
    (reason,) = own["refused"]
    assert "sessions" in reason
    assert red[0]["message"].endswith(reason)
    assert any(reason in notice for notice in notices)
    assert "hush-hush" not in str([health, notices, own])


def checks_of(status: AgentStatus, later_us: int = DAY_US, **indexing: Any) -> dict[str, Check]:
    now = parse_time(NOW)
    assert now is not None
    found = checks.check_agents({"codex": status}, Indexing(**indexing), now + later_us)
    return {check.name.removeprefix("agent.codex."): check for check in found}


def read(**values: Any) -> AgentStatus:
    usual = {"watching": "events", "newest_change": NOW, "newest_indexed": NOW, "sources": 2}
    return AgentStatus(**{**usual, **values})


def test_files_that_were_read_and_gave_no_session_are_red() -> None:
    """A format that changed under us: bytes are read, nothing is understood."""
    assert checks_of(read(read_bytes=10))["empty"].state == "red"
    assert checks_of(read(read_bytes=10), later_us=1)["empty"].state == "ok"
    assert "empty" not in checks_of(read(read_bytes=10, events=1))
    assert "empty" not in checks_of(read(read_bytes=10, pending_sources=1))
    assert "empty" not in checks_of(read(read_bytes=10), active=True)
    assert "empty" not in checks_of(read(read_bytes=10, watching="off"))
    assert "empty" not in checks_of(read(bytes=10))  # a database without a row of interest


def test_the_reason_stands_in_the_red_line() -> None:
    reason = "not the expected database: no column t.a"
    found = checks_of(read(newest_indexed=None, refused_sources=1, reasons={reason: 1}))

    assert found["lag"].state == "red"
    assert found["lag"].message.endswith(reason)
    assert found["refused"].state == "warn"
    assert found["lag"].hint == "opensession coverage --agent codex"


@pytest.mark.parametrize(
    ("reason", "left_out"),
    [
        (f"{admission.OUTSIDE} [12345678]", True),
        (f"{admission.EXCLUDED} [12345678]", True),
        (opening.LINK, True),
        (opening.FOREIGN, True),
        (opening.UNREADABLE, False),
        ("not the expected database: no column t.a", False),
    ],
)
def test_a_refusal_that_is_not_meant_counts_as_unread(reason: str, left_out: bool) -> None:
    entry = Entry(1, Source("codex", "/root", "/root/a"), agent("codex"))
    entry.state, entry.reason = "refused", reason
    entry.disk = Stamp(5, 1_767_265_200_000_000_000, 1)

    assert is_left_out(entry) is left_out
    states = {"codex": [RootState("events")]}
    found = statuses([agent("codex")], states, [entry], (), {"codex": Counts()}, {})["codex"]
    assert (found.newest_change is None) is left_out
    assert found.refused_sources == (0 if left_out else 1)
    assert found.reasons == ({} if left_out else {reason: 1})
    assert admission.plain(reason) == reason.removesuffix(" [12345678]")


def test_checks_name_the_folder() -> None:
    (found,) = checks.check_custom([Unrecognised("/x", "there is no such folder")])
    assert (found.state, found.message) == ("warn", "/x: there is no such folder")
