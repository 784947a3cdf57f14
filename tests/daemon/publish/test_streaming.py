"""Sessions that a policy covers arrive by themselves; others never."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon.publish.stage import Stage, eventually, running, stage


@pytest.fixture
def on_stage() -> Iterator[Stage]:
    with stage() as made:
        yield made


def test_a_running_session_arrives_from_its_first_event(on_stage: Stage) -> None:
    with running(on_stage.home) as daemon:
        said = on_stage.transcript("one")
        said.say("before", at="2026-01-02T03:04:05.000Z")
        daemon.index()
        made = daemon.call("stream.enable", agent="claude_code")["changed"]
        assert (made["covered"], made["backlog"], made["mode"]) == (0, 1, "realtime")
        said.say("after")
        eventually(lambda: on_stage.texts("one") == ["before", "after"])
        said.say("more", "and more")
        eventually(lambda: on_stage.texts("one") == ["before", "after", "more", "and more"])
        receipt = daemon.call("publish.receipts")["receipts"][0]
        assert (receipt["id"], receipt["seq"], receipt["generation"]) == ("one", 4, 1)
        status = daemon.call("hub.status")
        assert (status["reachable"], status["nickname"], status["pending"]) == (True, "ann", 0)
