"""The events of one session as an agent's records give them, and what to remember between reads.

    line = Timeline("gemini", load(state))
    line.at(time_us, "gemini", raw)
    line.call(record_id, call_id, action(name, arguments, TOOLS))
    line.result(result_id, call_id, [text(output)], exit_code=0)
    fed = Fed(sessions=[line.delta()], state=dump(line.state))

What is remembered is bounded, whatever the session's size.
"""

from __future__ import annotations

import re
import zlib
from typing import Any

import msgspec

from opensession.core import ids
from opensession.core.hail import Attributes, Block, Event, SessionInfo, Usage, json_block
from opensession.parsers.actions import Action
from opensession.parsers.agent import SessionDelta
from opensession.parsers.decoding import beginning, mend_text, storable

OPEN_CALLS = 128
RECENT_IDS = 256
ID_CHARACTERS = 256
"""A longer id is none."""

TITLE_CHARACTERS = 512
PATH_CHARACTERS = 4096
DIFFS_CHARACTERS = 1 << 20
"""All diffs kept for the results of open calls together."""

RELATED = 64
_LATEST_US = 253_402_300_800_000_000
_SPACES = re.compile(r"\s+")


class Part(msgspec.Struct, array_like=True):
    """One event of a call: its seq, and the diff that its result will report."""

    seq: int
    diff: str = ""


class OpenCall(msgspec.Struct, array_like=True):
    """A call whose result has not come."""

    name: str
    kind: str
    parts: list[Part] = []
    path: str = ""


class State(msgspec.Struct, array_like=True):
    """Between two reads of one session. `own` is what else the agent remembers, small and bounded.

    `id` is the agent's own id of the session, as it stands in its files.
    """

    # the session as a whole
    id: str = ""
    title: str = ""
    first_prompt: str = ""
    cwd: str = ""
    last_cwd: str = ""
    provider: str = ""
    model: str = ""
    tool_version: str = ""
    branch: str = ""
    commit: str = ""
    remote: str = ""
    auxiliary: bool = False
    parent: str = ""
    parent_call_id: str = ""
    related: list[str] = []
    attributes: Attributes = {}
    # where reading is
    count: int = 0
    time_us: int = 0
    ids: dict[int, int] = {}
    open: dict[str, OpenCall] = {}
    own: dict[str, Any] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


def load(data: bytes) -> State:
    """The state after the records before; a new one at the beginning."""
    return _decoder.decode(data) if data else State()


def dump(state: State) -> bytes:
    """The state as bytes, for a cursor."""
    return _encoder.encode(state)


class Timeline:
    """Collects what some records of one session give, each event with its id, time and seq."""

    def __init__(self, agent: str, state: State) -> None:
        self.agent = agent
        self.state = state
        self.keep = state.count
        self.events: list[Event] = []
        self.skipped: dict[str, int] = {}
        self.unknown_counts: dict[str, int] = {}
        self._usage: list[Usage] = []
        self._content = b""
        self._raw_type = ""
        self._estimated = True

    def at(self, time_us: int | None, raw_type: str, content: bytes = b"") -> None:
        """The record that what follows is of: its time, its type, its bytes.

        Without a time it has the last known one, and says that it is estimated. The bytes make the
        ids of events that have none of their own.
        """
        self._raw_type = raw_type[:ID_CHARACTERS]
        self._content = content
        self._estimated = time_us is None or not 0 < time_us < _LATEST_US
        if time_us is not None and not self._estimated:
            self.state.time_us = time_us

    def emit(
        self,
        event_type: str,
        native: str | None,
        *,
        data: dict[str, Any] | None = None,
        blocks: list[Block] | None = None,
        attributes: Attributes | None = None,
        task_id: str | None = None,
        duration_ms: int | None = None,
        n: int = 0,
    ) -> int:
        """Adds an event; its seq.

        `native` is the record's own id; without one the id is made of the record. `n` numbers the
        events of one record, from 0. `attributes` become the event's own.
        """
        state = self.state
        event_id = mend_text(native) if native else ""
        if not event_id or len(event_id) > ID_CHARACTERS:
            time = "" if self._estimated else str(state.time_us)
            event_id = ids.content_id(event_type, time, self._content)
        event_id = unique(state, f"{event_id}:{n}" if n else event_id)
        attributes = {} if attributes is None else attributes
        if self._raw_type:
            attributes["source.raw_type"] = self._raw_type
        if self._estimated:
            attributes["time.estimated"] = True
        state.count += 1
        self.events.append(
            Event(
                event_id=event_id,
                time_us=state.time_us,
                type=event_type,
                data=data,
                blocks=blocks or [],
                task_id=task_id,
                duration_ms=duration_ms,
                attributes=attributes,
            )
        )
        return state.count

    def prompt(
        self,
        native: str | None,
        blocks: list[Block],
        *,
        attributes: Attributes | None = None,
        task_id: str | None = None,
        n: int = 0,
    ) -> int:
        """A prompt that a person typed; the first one can be the session's title."""
        if not self.state.first_prompt:
            words = " ".join(
                block["text"] for block in blocks if isinstance(block.get("text"), str)
            )
            self.state.first_prompt = one_line(words)
        return self.emit(
            "UserMessage", native, blocks=blocks, attributes=attributes, task_id=task_id, n=n
        )

    def call(
        self,
        native: str | None,
        call_id: str,
        action: Action,
        *,
        attributes: Attributes | None = None,
        task_id: str | None = None,
        n: int = 0,
    ) -> int:
        """A call, which waits for its result; the seq of its (first) event."""
        opened = OpenCall(action.name, action.kind)
        opened.path = str(action.data.get("path", ""))
        for part, each in enumerate((action, *action.more)):
            own: Attributes = {**attributes} if attributes else {}
            own["semantic.tool_kind"] = each.kind
            own["tool_use_name"] = each.name
            if call_id:
                own["semantic.call_id"] = _part_id(call_id, part)
            seq = self.emit(
                each.type,
                native or call_id,
                data=each.data,
                blocks=each.blocks,
                attributes=own,
                task_id=task_id,
                n=n + part,
            )
            opened.parts.append(Part(seq, each.diff))
        self._keep_open(call_id, opened)
        return opened.parts[0].seq

    def result(
        self,
        native: str | None,
        call_id: str,
        blocks: list[Block],
        *,
        name: str = "",
        is_error: bool = False,
        exit_code: int | None = None,
        diff: str = "",
        duration_ms: int | None = None,
        subagent_id: str = "",
        attributes: Attributes | None = None,
        task_id: str | None = None,
        n: int = 0,
    ) -> int:
        """What a call gave, paired with it by `call_id`; the seq of its (first) event.

        A patch of several files has a result for each, the first of which has the output. Without
        a `diff` that of the call's arguments is reported, unless the call failed.
        """
        state = self.state
        call = state.open.pop(call_id, None)
        parts = call.parts if call is not None and call.parts else [Part(0)]
        first = 0
        for number, part in enumerate(parts):
            own: Attributes = {**attributes} if attributes else {}
            if call is not None:
                own["semantic.tool_kind"] = call.kind
            data: dict[str, Any] = {
                "name": call.name if call is not None else name or "unknown",
                "is_error": is_error,
            }
            if call_id:
                own["semantic.call_id"] = data["call_id"] = _part_id(call_id, number)
            if part.seq:
                own["result.call_seq"] = part.seq
            if exit_code is not None:
                own["result.exit_code"] = exit_code
            if duration_ms is not None and duration_ms >= 0:
                own["result.duration_ms"] = duration_ms
            if subagent_id:
                own["subagent_id"] = ids.fit(self.agent, subagent_id)
            change = diff if diff and number == 0 else part.diff
            if change and not is_error:
                own["result.diff"] = change
            seq = self.emit(
                "ToolResult",
                native or (f"{call_id}:result" if call_id else None),
                data=data,
                blocks=blocks if number == 0 else None,
                attributes=own,
                task_id=task_id,
                n=n + number,
            )
            first = first or seq
        return first

    def rewind(self, count: int) -> None:
        """Takes back all events after number `count`: the agent itself took them back."""
        state = self.state
        del self.events[max(0, count - self.keep) :]
        self.keep = min(self.keep, count)
        self._usage = [usage for usage in self._usage if usage.seq <= count]
        state.open = {
            call_id: call
            for call_id, call in state.open.items()
            if all(part.seq <= count for part in call.parts)
        }
        state.count = min(state.count, count)

    def unknown(self, kind: str, value: Any, native: str | None = None) -> None:
        """Keeps and counts a record of a kind that this version does not know."""
        kind = mend_text(kind)[:ID_CHARACTERS]
        self.unknown_counts[kind] = self.unknown_counts.get(kind, 0) + 1
        try:
            blocks = [json_block(storable(value))]
        except ValueError:
            blocks = []
        self.emit("Custom", native, data={"kind": f"unknown:{kind}"}, blocks=blocks)

    def skip(self, reason: str) -> None:
        """Counts a record that gave nothing, or not all it holds."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def usage(
        self,
        message_id: str,
        *,
        model: str = "",
        provider: str = "",
        input: int = 0,
        output: int = 0,
        cache_read: int = 0,
        cache_write: int = 0,
        cost_microdollars: int | None = None,
    ) -> None:
        """The tokens of one response, told with the latest event; `input` is uncached input.

        Nothing is recorded where all is zero, or where the session has no event yet.
        """
        counts = [max(0, count) for count in (input, output, cache_read, cache_write)]
        if not self.state.count or not (any(counts) or cost_microdollars):
            return
        self._usage.append(
            Usage(
                seq=self.state.count,
                time_us=self.state.time_us,
                message_id=mend_text(message_id)[:ID_CHARACTERS],
                model=model or self.state.model,
                provider=provider or self.state.provider,
                input=counts[0],
                output=counts[1],
                cache_read=counts[2],
                cache_write=counts[3],
                cost_microdollars=cost_microdollars,
            )
        )

    def delta(self, *, ended: bool = False, secondary: bool = False) -> SessionDelta:
        """All that was collected, as what one read says of the session."""
        return SessionDelta(
            info=info_of(self.agent, self.state),
            keep=self.keep,
            events=self.events,
            usage=self._usage,
            secondary=secondary,
            ended=ended,
        )

    def _keep_open(self, call_id: str, call: OpenCall) -> None:
        """Waits for a result; the oldest of too many is no longer waited for."""
        opened = self.state.open
        if not call_id or len(call_id) > ID_CHARACTERS:
            return
        kept = sum(len(part.diff) for other in opened.values() for part in other.parts)
        if kept + sum(len(part.diff) for part in call.parts) > DIFFS_CHARACTERS:
            for part in call.parts:
                part.diff = ""
        opened.pop(call_id, None)
        opened[call_id] = call
        if len(opened) > OPEN_CALLS:
            del opened[next(iter(opened))]


def unique(state: State, event_id: str) -> str:
    """The id, with `.<n>` if it is the n-th equal one of late."""
    recent = state.ids
    key = zlib.crc32(event_id.encode("utf-8", "replace"))
    times = recent.pop(key, 0) + 1
    recent[key] = times
    if len(recent) > RECENT_IDS:
        del recent[next(iter(recent))]
    return event_id if times == 1 else f"{event_id}.{times}"


def info_of(agent: str, state: State) -> SessionInfo:
    """The session as known so far."""
    session_id = ids.fit(agent, state.id)
    attributes = dict(state.attributes)
    if session_id != state.id:
        attributes["native_id"] = mend_text(state.id)[:ID_CHARACTERS]
    return SessionInfo(
        id=session_id,
        agent=agent,
        provider=state.provider,
        model=state.model,
        tool_version=state.tool_version,
        title=one_line(state.title),
        first_prompt=state.first_prompt,
        cwd=state.cwd,
        last_cwd=state.last_cwd or state.cwd,
        git_branch=state.branch,
        git_commit=state.commit,
        git_remote=state.remote,
        role="auxiliary" if state.auxiliary else "primary",
        parent=ids.fit(agent, state.parent) if state.parent else "",
        parent_call_id=state.parent_call_id,
        related=[ids.fit(agent, other) for other in state.related[:RELATED]],
        attributes=attributes,
    )


def one_line(words: str) -> str:
    """Words as a title: one line, of bounded length."""
    some = mend_text(beginning(words, TITLE_CHARACTERS * 4))
    return beginning(_SPACES.sub(" ", some).strip(), TITLE_CHARACTERS).rstrip()


def _part_id(call_id: str, number: int) -> str:
    """The call id of the n-th file of a patch: the call's own for the first."""
    return f"{call_id}:{number}" if number else call_id
