"""What arrived later, folded into what it belongs to."""

from __future__ import annotations

from typing import Any

from opensession.core.fold import Fold, child_event, fold_session
from opensession.core.hail import Event
from opensession.core.stats import recompute


def event(
    name: str, kind: str, data: dict[str, Any] | None = None, time: int = 0, **attributes: Any
) -> Event:
    names = {key.replace("__", "."): value for key, value in attributes.items()}
    return Event(event_id=name, time_us=time, type=kind, data=data, attributes=names)


RUN = event("c1", "ShellCommand", {"command": "ls"}, semantic__call_id="x")
EDIT = event("c2", "FileEdit", {"path": "a"}, semantic__call_id="y")
RAN = event(
    "r1",
    "ToolResult",
    {"name": "Bash", "is_error": False},
    semantic__call_id="x",
    result__exit_code=0,
    result__duration_ms=12,
)
EDITED = event(
    "r2",
    "ToolResult",
    {"name": "Edit", "is_error": False},
    result__call_seq=2,
    result__diff="@@ -1 +1 @@\n-a\n+b",
    note=1,
)


def test_a_result_is_folded_into_its_call() -> None:
    """DECISIONS §2: exit code, diff and duration stand with the result; readers fold them."""
    run, edit, ran, edited = fold_session([RUN, EDIT, RAN, EDITED])
    assert run.data == {"command": "ls", "exit_code": 0}
    assert run.duration_ms == 12
    assert edit.data == {"path": "a", "diff": "@@ -1 +1 @@\n-a\n+b"}
    assert ran.attributes == {"semantic.call_id": "x"}
    assert edited.attributes == {"note": 1}


def test_folding_changes_no_sum() -> None:
    stored = [RUN, EDIT, RAN, EDITED]
    assert recompute(fold_session(stored)) == recompute(stored)


def test_the_stored_event_is_not_touched() -> None:
    fold_session([RUN, EDIT, RAN, EDITED])
    assert RUN.data == {"command": "ls"}
    assert "result.exit_code" in RAN.attributes


def test_what_a_call_says_itself_stays() -> None:
    call = event("c", "ShellCommand", {"command": "x", "exit_code": 3}, semantic__call_id="x")
    assert fold_session([call, RAN])[0].data == {"command": "x", "exit_code": 3}


def test_a_result_of_another_call_changes_nothing() -> None:
    call = event("c", "ToolCall", {"name": "Other"}, semantic__call_id="z")
    assert fold_session([call, RAN])[0] is call


def test_tokens_stay_on_the_last_record_of_a_message() -> None:
    """Readers that add up every event get the right sum."""
    records = [
        event("a", "Thinking", message_id="m", output_tokens=1, model="x"),
        event("b", "AgentMessage", message_id="m", output_tokens=9, model="x"),
        event("c", "AgentMessage", message_id="REDACTED", output_tokens=5),
    ]
    folded = fold_session(records)
    assert folded[0].attributes == {"message_id": "m", "model": "x"}
    assert sum(each.attributes.get("output_tokens", 0) for each in folded) == 14


def test_results_alone_are_enough_to_fold_any_page() -> None:
    fold = Fold()
    fold.add(3, RAN)
    fold.add(4, EDITED)
    assert fold.event(1, RUN).data == {"command": "ls", "exit_code": 0}
    assert fold.event(2, EDIT).data is not None


def test_a_subagents_event_keeps_its_own_id_behind_its_sessions() -> None:
    """Event ids are unique in one session only."""
    shown = child_event("agent-1", event("u1", "UserMessage"))
    assert (shown.event_id, shown.task_id) == ("agent-1:u1", "agent-1")
    inner = child_event("agent-1", Event(event_id="u1", time_us=0, type="Custom", task_id="turn"))
    assert inner.task_id == "turn"
