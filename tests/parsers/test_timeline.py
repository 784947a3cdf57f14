from __future__ import annotations

from typing import Any

from opensession.core.hail import text
from opensession.parsers import timeline
from opensession.parsers.actions import Action, action, edit, patch, shell
from opensession.parsers.timeline import State, Timeline

TOOLS = {"run": shell("command"), "edit": edit("path", "old", "new"), "patch": patch("input")}
MADE = 1_763_600_000_000_000
PATCH = """*** Begin Patch
*** Update File: a.py
@@
-x
+y
*** Add File: b.py
+z
*** End Patch
"""


def line(**state: Any) -> Timeline:
    return Timeline("acme", State(id="s1", **state))


def call(name: str, **arguments: Any) -> Action:
    return action(name, arguments, TOOLS)


def test_a_record_without_a_time_has_the_last_known_one_and_says_so() -> None:
    session = line()
    session.at(MADE, "said")
    session.emit("AgentMessage", "a")
    session.at(None, "said")
    session.emit("AgentMessage", "b")
    first, second = session.events
    assert (first.time_us, second.time_us) == (MADE, MADE)
    assert "time.estimated" not in first.attributes
    assert second.attributes["time.estimated"] is True


def test_a_time_that_no_clock_shows_counts_as_none() -> None:
    session = line()
    for time_us in (0, -5, 10**18):
        session.at(time_us, "said")
        session.emit("AgentMessage", None)
    assert all(event.attributes["time.estimated"] for event in session.events)


def test_ids_are_the_records_own_else_made_of_it() -> None:
    session = line()
    session.at(MADE, "said", b"one")
    session.emit("AgentMessage", "native")
    session.emit("AgentMessage", "native", n=1)
    session.emit("AgentMessage", None)
    session.emit("AgentMessage", None)
    session.emit("AgentMessage", "x" * 300)
    found = [event.event_id for event in session.events]
    assert found[:2] == ["native", "native:1"]
    assert len(found[2]) == 16
    assert found[3:] == [f"{found[2]}.2", f"{found[2]}.3"]


def test_a_result_is_paired_with_its_call_over_any_cut() -> None:
    session = line()
    session.at(MADE, "call")
    seq = session.call("c", "call-1", call("edit", path="a.py", old="x", new="y"))
    state = timeline.load(timeline.dump(session.state))
    later = Timeline("acme", state)
    later.at(MADE, "result")
    later.result("r", "call-1", [text("done")], duration_ms=7)
    (result,) = later.events
    assert later.keep == 1
    assert result.data == {"name": "edit", "is_error": False, "call_id": "call-1"}
    assert result.attributes["result.call_seq"] == seq
    assert result.attributes["result.duration_ms"] == 7
    assert "+y" in result.attributes["result.diff"]
    assert not later.state.open


def test_a_failed_edit_changed_nothing() -> None:
    session = line()
    session.at(MADE, "call")
    session.call("c", "call-1", call("edit", path="a.py", old="x", new="y"))
    session.result("r", "call-1", [], is_error=True, diff="--- a")
    assert "result.diff" not in session.events[1].attributes


def test_a_patch_of_two_files_is_two_calls_with_a_result_each() -> None:
    session = line()
    session.at(MADE, "call")
    session.call("c", "p", call("patch", input=PATCH))
    session.result("r", "p", [text("ok")])
    kinds = [event.type for event in session.events]
    assert kinds == ["FileEdit", "FileCreate", "ToolResult", "ToolResult"]
    ids = [event.attributes["semantic.call_id"] for event in session.events]
    assert ids == ["p", "p:1", "p", "p:1"]
    assert [event.attributes["result.call_seq"] for event in session.events[2:]] == [1, 2]
    assert session.events[2].blocks
    assert not session.events[3].blocks


def test_a_result_without_a_call_stands_alone() -> None:
    session = line()
    session.at(MADE, "result")
    session.result(None, "nobody", [text("hm")], name="run")
    assert session.events[0].data == {"name": "run", "is_error": False, "call_id": "nobody"}
    assert "result.call_seq" not in session.events[0].attributes


def test_what_is_remembered_is_bounded() -> None:
    session = line()
    session.at(MADE, "call")
    big = "x" * 100_000
    for number in range(400):
        edits = call("edit", path="a.py", old=f"{number}", new=big)
        session.call(f"c{number}", f"call-{number}", edits)
    assert len(session.state.open) == timeline.OPEN_CALLS
    assert len(session.state.ids) == timeline.RECENT_IDS
    assert len(timeline.dump(session.state)) < 2 << 20


def test_usage_stands_with_the_latest_event_and_never_below_zero() -> None:
    session = line(model="m", provider="p")
    session.at(MADE, "said")
    session.usage("early", input=1)
    session.emit("AgentMessage", "a")
    session.usage("m1", input=-5, output=3)
    session.usage("nothing")
    (usage,) = session.delta().usage
    assert (usage.message_id, usage.seq, usage.input, usage.output) == ("m1", 1, 0, 3)
    assert (usage.model, usage.provider) == ("m", "p")


def test_the_first_prompt_is_kept_as_one_line() -> None:
    session = line()
    session.at(MADE, "said")
    session.prompt("a", [text("Fix\n  it\u0000 " + "very " * 1000)])
    session.prompt("b", [text("then this")])
    info = session.delta().info
    assert info.first_prompt.startswith("Fix it")
    assert len(info.first_prompt) <= timeline.TITLE_CHARACTERS


def test_an_id_that_does_not_fit_is_replaced_and_kept() -> None:
    session = Timeline("acme", State(id="a/b c"))
    info = session.delta().info
    assert info.id.startswith("acme-")
    assert info.attributes["native_id"] == "a/b c"


def test_an_unknown_record_is_kept_and_counted() -> None:
    session = line()
    session.at(MADE, "odd")
    session.unknown("odd", {"a": 10**30, "b": "\ud800"})
    assert session.unknown_counts == {"odd": 1}
    (event,) = session.events
    assert event.data == {"kind": "unknown:odd"}
    assert event.blocks[0]["data"]["b"] == "\ufffd"


def test_events_can_be_taken_back_that_were_told_before_or_just_now() -> None:
    session = line(model="m")
    session.at(MADE, "said")
    session.emit("UserMessage", "a")
    later = Timeline("acme", session.state)
    later.at(MADE, "said")
    later.emit("AgentMessage", "b")
    later.usage("m1", output=3)
    later.rewind(1)
    assert (later.keep, later.events, later.delta().usage) == (1, [], [])
    later.emit("AgentMessage", "c")
    later.rewind(0)
    later.emit("Custom", "d", data={"kind": "rewind"})
    delta = later.delta()
    assert (delta.keep, [event.event_id for event in delta.events]) == (0, ["d"])
    assert later.state.count == 1
