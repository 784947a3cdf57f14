"""Whatever stands in the files, a read ends, and what it gives can be stored."""

from __future__ import annotations

import copy
import json
import random
import re
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from opensession.parsers.agent import Delta
from tests.parsers.cline.making import START, assistant, call, read, result, session, task, user
from tests.parsers.cline.test_rows import OLD_HISTORY, OLD_ROWS, ROWS_ALONE

MESSAGES: Any = [
    user("<user_input mode='act'>Go</user_input>", {"type": "file", "path": "a", "content": "x"}),
    assistant(
        {"type": "thinking", "thinking": "hm"},
        call("c1", "run_commands", commands=["ls", {"command": "make", "args": ["all"]}]),
        call("c2", "editor", path="a", old_text="x", new_text="y"),
        call("c3", "read_files", files=[{"path": "a", "start_line": 1}]),
        id="m1",
        ts=START,
        modelInfo={"id": "m", "provider": "p"},
        metrics={"inputTokens": 5, "outputTokens": 1, "cacheReadTokens": 2, "cost": 0.1},
    ),
    user(
        result("c1", [{"query": "ls", "result": "x", "success": True}]),
        result(
            "c2", '{"query":"e","result":"Edited\\n```diff\\n-1: x\\n+1: y\\n```","success":true}'
        ),
        result("c3", [{"query": "a", "result": "1 | x", "success": True}]),
        id="m2",
        ts=START + 5,
    ),
]

WORDS = re.findall(
    r"\S+",
    """user assistant text tool_use tool_result run_commands editor say ask tool command image
    command_output api_req_started read_file <task>a</task> checkpoint_created condense_context
    {"tool":"readFile","path":1} <read_file><path>a <environment_details>x</environment_details>
    reasoning new_task attempt_completion""",
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from([*WORDS, "[read_file for 'x'] Result:"]),
)
KEYS = st.sampled_from(
    re.findall(
        r"\S+",
        """role content type text id name input ts tool_use_id metrics modelInfo inputTokens cost
        say ask images files commands path conversationHistoryIndex isSummary metadata kind source
        contextCondense result success query error summary output value insert_line diff""",
    )
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=24,
)


def replaced(given: Any, chance: random.Random, value: Any) -> Any:
    """What is given with one of its parts replaced."""
    if not isinstance(given, dict | list) or not given or chance.random() < 0.1:
        return value
    keys = list(given) if isinstance(given, dict) else list(range(len(given)))
    key = chance.choice(keys)
    changed = copy.copy(given)
    changed[key] = replaced(given[key], chance, value)
    return changed


def check(delta: Delta) -> None:
    for found in delta.sessions:
        msgspec.json.encode([found.events, found.usage, found.info])
        ids = [event.event_id for event in found.events]
        assert len(ids) == len(set(ids))
        assert all(1 <= usage.seq <= len(found.events) for usage in found.usage)


@given(st.lists(VALUES, max_size=6), st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_session(messages: list[Any], manifest: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = session(Path(folder), "1750000000000_abcde", messages, cwd=1, more=manifest)
        check(read(source))


@given(st.lists(VALUES, max_size=6), st.lists(VALUES, max_size=6), VALUES, VALUES)
def test_any_task(rows: list[Any], history: list[Any], item: Any, metadata: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "tasks" / "t"
        check(read(task(place, rows, history, history_item=item, task_metadata=metadata)))


@given(st.randoms(use_true_random=False), st.lists(VALUES, min_size=1, max_size=6))
def test_any_damage(chance: random.Random, values: list[Any]) -> None:
    rows, alone, history, messages = OLD_ROWS, ROWS_ALONE, OLD_HISTORY, MESSAGES
    for value in values:
        rows = replaced(rows, chance, value)
        alone = replaced(alone, chance, value)
        history = replaced(history, chance, value)
        messages = replaced(messages, chance, value)
    with tempfile.TemporaryDirectory() as folder:
        check(read(task(Path(folder) / "tasks" / "t", rows or [], history)))
        check(read(task(Path(folder) / "tasks" / "u", alone or [])))
        check(read(session(Path(folder), "s", messages)))


@given(st.binary(max_size=300), st.binary(max_size=300))
@example(b"\x0b", b"\f")
def test_any_bytes(first: bytes, second: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = task(Path(folder) / "tasks" / "t", [], [])
        Path(source.path).write_bytes(first)
        (Path(folder) / "tasks/t/api_conversation_history.json").write_bytes(second)
        check(read(source))
        other = session(Path(folder), "s", [])
        Path(other.path).write_bytes(first)
        check(read(other))


def test_a_deeply_nested_message_is_left_out() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = session(Path(folder), "s", [])
        deep = "[" * 100_000 + "]" * 100_000
        Path(source.path).write_text(json.dumps({"messages": []})[:-2] + deep + "]}")
        check(read(source))
