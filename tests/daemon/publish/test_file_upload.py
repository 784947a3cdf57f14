"""A session's file that is not in the index: read for itself, sent, taken back, kept nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.daemon.publish.double import Double, double
from tests.daemon.publish.stage import Stage, Transcript, eventually, record, stage, stamp
from tests.daemon.publish.test_decisions import KEY, SECRET, connect, on_hub, upload
from tests.daemon.rig import session_bytes
from tests.helpers.daemon import Daemon, Home, RpcError, running


@pytest.fixture
def hub() -> Iterator[Double]:
    with double() as made:
        yield made


def found(home: Home, session: str, *texts: str, cwd: str = "/work/old") -> Path:
    """A transcript of Claude Code where no agent looks."""
    lines = [record(session, n, said, stamp(n), cwd=cwd) for n, said in enumerate(texts, 1)]
    return home.write(f"old/.claude/projects/-work-old/{session}.jsonl", b"".join(lines))


def rows(daemon: Daemon, path: Path, **params: Any) -> list[dict[str, Any]]:
    plan: dict[str, Any] = daemon.call("hub.upload", path=str(path), **params)
    return list(plan["sessions"])


def test_a_file_is_sent_as_it_would_be_from_the_index_and_is_not_indexed(
    home: Home, hub: Double
) -> None:
    connect(home, hub)
    with running(home) as daemon:
        path = found(home, "lost", f"the key is {SECRET}", f"in {home.path}/old", "c")
        (row,) = rows(daemon, path)
        assert (row["id"], row["tool"], row["state"], row["events"]) == (
            "lost", "claude-code", "new", 3,
        )  # fmt: skip
        assert hub.requests[1:] == []  # nothing but whose the key is

        (sent,) = upload(daemon, path=str(path))
        assert (sent["state"], sent["url"]) == ("sent", f"{hub.url}/s/lost")
        lines = [hub.sessions["lost"].header, *hub.sessions["lost"].lines]
        assert SECRET.encode() not in b"".join(lines)
        assert str(home.path).encode() not in b"".join(lines)
        assert rows(daemon, path)[0]["state"] == "there"
        assert daemon.call("sessions.list", all=True)["sessions"] == []
        assert not list((home.paths.state_dir / "work").glob("*"))

        said = Transcript(home, "lost", cwd="/work/old")
        said.path.write_bytes(path.read_bytes())
        daemon.index()
        shown = daemon.call("privacy.preview", ref="lost", all=True)
        assert shown["new"] == []  # byte for byte what the index gives of it


def test_a_file_of_any_agent_and_of_ours_is_sent(home: Home, hub: Double) -> None:
    connect(home, hub)
    with running(home) as daemon:
        rollout = home.write("old/rollout-x.jsonl", session_bytes("0199-codex", 5))
        upload(daemon, path=str(rollout))
        assert on_hub(hub) == {"0199-codex": 5}
        done = home.run("parse", "--agent", "claude-code", str(found(home, "plain", "a", "b")))
        upload(daemon, path=str(home.write("old/plain.hail.jsonl", done.stdout)))
        assert on_hub(hub) == {"0199-codex": 5, "plain": 2}


def test_what_may_not_leave_of_sessions_may_not_of_files(home: Home, hub: Double) -> None:
    rules = '[[publish.rules]]\naction = "never"\npath = "/work/secret"\n'
    excluded = '[privacy]\nexclude_paths = ["/work/excluded"]\nmodes = { keys = "block" }\n'
    connect(home, hub, excluded + rules)
    with running(home) as daemon:
        for path, state in (
            (found(home, "one", "a", cwd="/work/secret"), "never"),
            (found(home, "two", "a\n#private\nb"), "blocked"),
            (found(home, "three", f"the key is {SECRET}"), "blocked"),
        ):
            assert [row["state"] for row in rows(daemon, path)] == [state], path
            assert daemon.call("hub.upload", path=str(path), really=True)["job"] == ""
        with pytest.raises(RpcError, match="in an excluded folder"):
            rows(daemon, found(home, "four", "a", cwd="/work/excluded/x"))
        with pytest.raises(RpcError, match="nothing tells which agent"):
            rows(daemon, home.write("old/words.txt", "no session at all\n"))
        assert on_hub(hub) == {}


def test_a_file_of_a_session_that_is_indexed_is_not_a_second_one(home: Home, hub: Double) -> None:
    connect(home, hub)
    with running(home) as daemon:
        said = Transcript(home, "one")
        said.say("a", "b")
        daemon.index()
        assert rows(daemon, said.path)[0]["state"] == "new"  # the file of the index itself
        copy = home.write("old/.claude/projects/-w/one.jsonl", said.path.read_bytes())
        with pytest.raises(RpcError, match="is indexed here") as refused:
            rows(daemon, copy)
        assert refused.value.hint == "opensession upload claude-code:one"


def test_a_file_that_grew_is_continued_and_can_be_taken_back(home: Home, hub: Double) -> None:
    connect(home, hub)
    with running(home) as daemon:
        path = found(home, "lost", "a", "b")
        upload(daemon, path=str(path))
        with path.open("ab") as file:
            file.write(record("lost", 3, "c", stamp(3)))
        assert rows(daemon, path)[0]["events"] == 1
        upload(daemon, path=str(path))
        assert on_hub(hub) == {"lost": 3}
        assert (hub.sessions["lost"].generation, hub.sessions["lost"].rewind) == (1, 0)

        (receipt,) = daemon.call("publish.receipts", ref="lost")["receipts"]
        assert (receipt["id"], receipt["seq"]) == ("lost", 3)
        assert daemon.call("publish.recall", refs=["claude-code:lost"])["ids"] == ["lost"]
        assert on_hub(hub) == {}
        upload(daemon, path=str(path))
        assert (on_hub(hub), hub.sessions["lost"].generation) == ({"lost": 3}, 2)


def test_an_upload_ends_where_the_hub_does_not_answer(home: Home, hub: Double) -> None:
    connect(home, hub, "[daemon]\nmax_retries = 0\n")
    with running(home) as daemon:
        path = found(home, "lost", "a")
        busy = {"code": "unavailable", "message": "not now"}
        hub.dictate = lambda method, path: (503, {}, busy) if method == "PUT" else None
        (row,) = upload(daemon, path=str(path))
        assert (row["state"], row["reason"]) == ("failed", "the hub: not now")
        hub.dictate = lambda method, path: None
        daemon.call("hub.login")
        assert [row["state"] for row in upload(daemon, path=str(path))] == ["sent"]
        assert KEY not in daemon.log()


def test_parents_team_and_expiry_reach_the_hub() -> None:
    with stage() as on, running(on.home) as daemon:
        said = on.transcript("one")
        said.say("a")
        daemon.index()
        upload(daemon, refs=["one"])
        path = found(on.home, "lost", "a")
        upload(daemon, path=str(path), parents=["one"], team_id="crew", expires_seconds=86_400)
        assert {row["id"]: bool(row["expires_at"]) for row in on.sessions()} == {
            "one": False, "lost": True,
        }  # fmt: skip
        linked = on.hub.call("GET", "/api/sessions/lost", bearer=on.reader).json
        assert [row["id"] for row in linked["linked_sessions"]] == ["one"]
        with apsw.Connection(str(on.hub.database), flags=apsw.SQLITE_OPEN_READONLY) as db:
            assert db.execute("SELECT team FROM session WHERE native_id = 'lost'").get == "crew"
        # What is there already is told when it ends; the hub then takes it away by itself.
        (row,) = upload(daemon, refs=["one"], expires_seconds=1)
        assert row["state"] == "sent"
        eventually(lambda: on.raw("one")[0] == 410)
        assert [row["id"] for row in on.sessions()] == ["lost"]
        said.say("b")
        daemon.index()
        upload(daemon, refs=["one"])
        eventually(lambda: on.raw("one")[0] == 200)


__all__ = ["Stage"]
