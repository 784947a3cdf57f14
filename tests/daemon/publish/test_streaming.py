"""Sessions that a policy covers arrive by themselves; others never."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.publish.stage import Stage, eventually, running, stage, states
from tests.helpers.daemon import Home


@pytest.fixture
def on_stage() -> Iterator[Stage]:
    with stage() as made:
        yield made


def test_a_running_session_arrives_from_its_first_event(on_stage: Stage) -> None:
    with running(on_stage.home) as daemon:
        said = on_stage.transcript("one")
        said.say("before", at="2026-01-02T03:04:05.000Z")
        old = on_stage.transcript("old")
        old.say("long ago", at="2026-01-02T03:04:05.000Z")
        daemon.index()
        made = daemon.call("stream.enable", agent="claude_code")["changed"]
        assert (made["covered"], made["backlog"], made["mode"]) == (0, 2, "realtime")
        said.say("after")
        eventually(lambda: on_stage.texts("one") == ["before", "after"])
        said.say("more", "and more")
        eventually(lambda: on_stage.texts("one") == ["before", "after", "more", "and more"])
        receipt = daemon.call("publish.receipts")["receipts"][0]
        assert (receipt["id"], receipt["seq"], receipt["generation"]) == ("one", 4, 1)
        status = daemon.call("hub.status")
        assert (status["reachable"], status["nickname"], status["pending"]) == (True, "ann", 0)
        assert [one["id"] for one in on_stage.sessions()] == ["one"]
        assert on_stage.key not in daemon.log() + on_stage.hub.log


def test_a_change_in_place_is_a_rewind_and_another_file_a_generation(on_stage: Stage) -> None:
    with running(on_stage.home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        said = on_stage.transcript("one")
        said.say("a", "b", "c")
        eventually(lambda: on_stage.texts("one") == ["a", "b", "c"])
        said.rewrite(1, "B")
        eventually(lambda: on_stage.texts("one") == ["a", "B"])
        said.rewrite(0, "other")
        eventually(lambda: on_stage.texts("one") == ["other"])
        eventually(lambda: daemon.call("publish.receipts")["receipts"][0]["generation"] == 2)


def test_what_was_committed_before_a_crash_is_sent_after_it(on_stage: Stage) -> None:
    said = on_stage.transcript("one")
    with running(on_stage.home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        said.say("a", "b", "c")
        eventually(lambda: on_stage.texts("one") == ["a", "b", "c"])
        on_stage.hub.kill()
        said.rewrite(2, "C", "D")
        daemon.index()
        daemon.kill()
    on_stage.hub.start()
    with running(on_stage.home) as daemon:
        eventually(lambda: on_stage.texts("one") == ["a", "b", "C", "D"])
        eventually(lambda: states(daemon) == {})


def test_a_session_waits_for_its_end_where_that_is_the_mode(on_stage: Stage) -> None:
    with running(on_stage.home) as daemon:
        daemon.call("stream.enable", repo="/work/shop", mode="session_end")
        on_stage.transcript("one").say("a")
        other = on_stage.transcript("other", cwd="/work/elsewhere")
        other.say("not covered")
        daemon.index()
        eventually(lambda: states(daemon) == {"one": "waiting"})
        assert on_stage.texts("one") == []
        hint = on_stage.home.paths.hints_dir / "end.claude-code.one"
        hint.touch()
        eventually(lambda: on_stage.texts("one") == ["a"])
        assert not hint.exists()
        assert [one["id"] for one in on_stage.sessions()] == ["one"]


def test_silence_is_an_end(on_stage: Stage) -> None:
    on_stage.connect(more='[daemon]\npublish_on = "session_end"\nsession_end_idle_secs = 1\n')
    with running(on_stage.home) as daemon:
        on_stage.transcript("one").say("a")
        eventually(lambda: on_stage.texts("one") == ["a"])
        row = daemon.call("stream.status")["rows"][0]
        assert (row["origin"], row["mode"], row["covered"]) == ("config", "session_end", 1)


def test_subagents_go_with_their_parent(on_stage: Stage) -> None:
    with running(on_stage.home) as daemon:
        daemon.call("stream.enable", repo="/work/shop")
        said = on_stage.transcript("one")
        said.say("go")
        daemon.index()
        child = said.records[0].replace(b'"uuid"', b'"isSidechain": true, "agentId": "x1", "uuid"')
        on_stage.home.write(".claude/projects/-work-shop/one/subagents/agent-x1.jsonl", child)
        daemon.index()
        (below,) = daemon.call("sessions.get", ref="one")["subagents"]
        eventually(lambda: on_stage.raw(below["id"])[0] == 200)
        header = json.loads(on_stage.raw(below["id"])[1][0])
        assert header["context"]["attributes"]["parent_session_id"] == "one"


def test_without_a_hub_nothing_of_the_network_is_even_loaded(home: Home) -> None:
    with running(home, fresh=True) as daemon:
        home.write(".claude/projects/-w/one.jsonl", b"{}\n")
        daemon.index()
        status = daemon.call("daemon.status")
        assert status["network"] == "none"
        if sys.platform == "linux":
            maps = Path(f"/proc/{daemon.process.pid}/maps").read_text(encoding="utf-8")
            assert "aiohttp" not in maps
