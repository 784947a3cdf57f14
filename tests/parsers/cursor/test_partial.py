"""However often a database is read while it is written to, the sessions are those of one read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opensession.parsers.agent import Source
from opensession.parsers.cursor import AGENT
from opensession.parsers.cursor.feed import feed
from opensession.parsers.jsonl import lines_of
from tests.helpers.lines import read_all
from tests.parsers.cursor.making import Chat, Reader, Store, fresh, tool

NAMES = st.sampled_from(["c1", "c2", "c3"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("prompt"), NAMES),
        st.tuples(st.just("answer"), NAMES),
        st.tuples(st.just("tool"), NAMES),
        st.tuples(st.just("end tool"), NAMES),
        st.tuples(st.just("rewrite"), NAMES, st.integers(0, 20)),
        st.tuples(st.just("cut"), NAMES, st.integers(1, 10)),
        st.tuples(st.just("row only"), NAMES),
        st.tuples(st.just("title"), NAMES),
        st.tuples(st.just("read")),
    ),
    max_size=40,
)


def write(store: Store, number: int, step: tuple[Any, ...]) -> None:
    """One thing that an editor does."""
    kind, name = step[0], step[1]
    headers = store.headers.setdefault(name, [])
    if kind == "prompt":
        store.bubble(name, f"b{number}", 1, text=f"prompt {number}")
    elif kind == "answer":
        store.bubble(name, f"b{number}", 2, text=f"answer {number}")
    elif kind == "tool":
        call = tool(f"k{number}", "grep", {"pattern": str(number)})
        store.bubble(name, f"t{number}", **call)
    elif kind == "end tool":
        for header in headers:
            if header["bubbleId"].startswith("t"):
                call_id = "k" + header["bubbleId"][1:]
                call = tool(call_id, "grep", {"pattern": "x"}, {"output": str(number)})
                store.bubble(name, header["bubbleId"], **call)
    elif kind == "rewrite" and headers:
        header = headers[step[2] % len(headers)]
        store.bubble(name, header["bubbleId"], header["type"], text=f"again {number}")
    elif kind == "cut":
        del headers[-step[2] :]
        store.composer(name)
    elif kind == "row only":
        store.bubble(name, f"b{number}", 2, text="not listed yet", listed=False)
    elif kind == "title":
        store.composer(name, name=f"title {number}")


@given(STEPS)
@settings(max_examples=30)
def test_partial_reads_of_a_growing_database_are_as_one_read(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "globalStorage" / "state.vscdb")
        reader = Reader(store.source)
        for number, step in enumerate(steps):
            if step[0] == "read":
                reader.read()
            else:
                write(store, number, step)
        reader.read()
        expected = fresh(store.source)

        for name, events in expected.sessions.items():
            assert reader.whole.sessions[name] == events
            assert reader.whole.infos[name] == expected.infos[name]
        gone = reader.whole.sessions.keys() - expected.sessions.keys()
        assert not any(store.headers[name] for name in gone), "only what was emptied may be left"
        # The archive has it too, and gives the same.
        kept = Path(folder) / "kept"
        kept.write_bytes(reader.whole.raw)
        archived = msgspec.structs.replace(store.source, read_from=str(kept))
        again, _ = read_all(AGENT.read, archived)
        assert again.sessions == {k: v for k, v in reader.whole.sessions.items() if v}


@given(STEPS, st.data())
@settings(max_examples=15)
def test_the_log_gives_the_same_however_it_is_cut(
    steps: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "globalStorage" / "state.vscdb")
        reader = Reader(store.source)
        for number, step in enumerate(steps):
            if step[0] == "read":
                reader.read()
            else:
                write(store, number, step)
        reader.read()
    lines = lines_of(reader.whole.raw, 0)
    state, at = b"", 0
    sessions: dict[str, list[Any]] = {}
    while at < len(lines):
        size = data.draw(st.integers(1, len(lines) - at))
        fed = feed(Source("cursor", "/r", "/r/state.vscdb"), state, lines[at : at + size])
        state, at = fed.state, at + size
        for session in fed.sessions:
            events = sessions.setdefault(session.info.id, [])
            assert session.keep <= len(events)
            events[session.keep :] = session.events
    assert sessions == {k: v for k, v in reader.whole.sessions.items() if v}


@given(
    st.lists(
        st.sampled_from(["user", "assistant", "same", "root", "read", "orphan", "compact"]),
        max_size=30,
    )
)
@example(["same", "assistant", "compact", "read", "same", "compact"])
@settings(max_examples=60)
def test_partial_reads_of_a_chat_lose_nothing(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        chat = Chat(Path(folder))
        reader = Reader(chat.source)
        compacted = False
        for number, step in enumerate(steps):
            if step in ("user", "assistant"):
                chat.say(step, f"{step} {number}")
            elif step == "same":
                chat.say("user", "continue")
            elif step == "orphan":
                chat.blob(b'{"role":"assistant","content":"half of an answer %d"}' % number)
            elif step == "compact":
                chat.messages = chat.messages[-1:]
                compacted = True
            elif step == "root":
                chat.root()
            elif chat.messages:
                chat.root()
                reader.read()
        chat.root()
        reader.read()
        if not compacted:
            assert reader.whole.sessions == fresh(chat.source).sessions
        told = {text for name in reader.whole.sessions for text in reader.texts(name)}
        assert told >= {
            text for events in fresh(chat.source).sessions.values() for text in texts_of(events)
        }


def texts_of(events: list[Any]) -> list[str]:
    return [" ".join(block.get("text", "") for block in event.blocks) for event in events]
