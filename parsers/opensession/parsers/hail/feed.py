"""From the lines of a HAIL file to events: mostly as they stand.

Types and blocks that this version does not know are kept as they are and counted. Tokens are taken
from the attributes that events of a response carry.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import msgspec

from opensession.core import hail_read
from opensession.core.hail import Event, Usage
from opensession.core.hail_json import object_of, text_of
from opensession.core.hail_lines import Header
from opensession.parsers.agent import SessionDelta, Source
from opensession.parsers.decoding import decode_any, mend_text, storable
from opensession.parsers.jsonl import Fed, Line
from opensession.parsers.timeline import State, dump, info_of, load, one_line, unique

NAME = "hail"
NO_HEADER = "no header"

_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_UNKNOWN = "unknown"


class _Reading:
    """What a call of the feed collects."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.lines = hail_read.Reading()
        self.lines.last_us = state.time_us
        self.skipped: dict[str, int] = {}
        self.made: list[Event] = []
        self.usage: list[Usage] = []

    def skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The feed of `jsonl.read_lines` for HAIL 1.0 files, also in the form of one object a line."""
    return feed_as(NAME, source, state, lines)


def feed_as(agent: str, source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The same for the sessions of another agent, whose program writes HAIL."""
    now = load(state)
    before = now.count
    reading = _Reading(now)
    for line in lines:
        _line(reading, source, line)
    sessions = []
    if now.id and (reading.made or now.count):
        sessions.append(
            SessionDelta(
                info=info_of(agent, now), keep=before, events=reading.made, usage=reading.usage
            )
        )
    for problem in reading.lines.problems:
        reading.skip(problem.reason)
    return Fed(
        sessions=sessions,
        state=dump(now),
        skipped=reading.skipped,
        unknown=reading.lines.unknown,
    )


def _line(reading: _Reading, source: Source, line: Line) -> None:
    if line.oversized:
        reading.skip("oversized")
        return
    try:
        value = decode_any(line.data)
    except ValueError:
        reading.skip("malformed")
        return
    if not isinstance(value, dict):
        reading.skip("malformed")
        return
    state = reading.state
    kind = value.get("type")
    if kind == "header" or isinstance(value.get("events"), list):
        if state.id:
            reading.lines.count("line:header")
            return
        _take_header(state, source, hail_read.header_of_object(value))
        for event in value.get("events") or []:
            _take_event(reading, event if isinstance(event, dict) else {})
    elif not state.id:
        reading.skip(NO_HEADER)
    elif kind == "event":
        _take_event(reading, value)
    elif kind == "stats":
        state.attributes["hail.stats"] = {
            name: count for name, count in value.items() if type(count) is int
        }
    else:
        reading.lines.count(f"line:{kind if isinstance(kind, str) else ''}")


def _take_header(state: State, source: Source, header: Header) -> None:
    attributes = header.context.attributes
    git = object_of(attributes.get("git"))
    name = PurePosixPath(source.path).name.removesuffix(".hail.jsonl")
    state.id = mend_text(header.session_id or name)
    state.provider = _told(header.agent.provider)
    state.model = _told(header.agent.model)
    state.tool_version = header.agent.tool_version or ""
    state.title = header.context.title or ""
    state.cwd = text_of(attributes.get("cwd"))
    state.branch = text_of(attributes.get("git_branch")) or text_of(git.get("branch"))
    state.commit = text_of(attributes.get("git_commit")) or text_of(git.get("commit_hash"))
    state.remote = text_of(attributes.get("git_remote")) or text_of(git.get("repository_url"))
    state.auxiliary = attributes.get("session_role") == "auxiliary"
    state.parent = text_of(attributes.get("parent_session_id"))
    state.parent_call_id = text_of(attributes.get("parent_call_id"))
    state.related = header.context.related_session_ids
    state.attributes = {"hail.tool": header.agent.tool}
    if header.context.tags:
        state.attributes["hail.tags"] = header.context.tags


def _take_event(reading: _Reading, value: dict[str, Any]) -> None:
    state = reading.state
    known = len(reading.lines.events)
    hail_read.add_event(reading.lines, state.count + 1, value)
    if len(reading.lines.events) == known:
        return
    event = reading.lines.events.pop()
    try:
        event = storable_event(event)
    except ValueError:
        reading.skip("nested too deeply")
        return
    event = msgspec.structs.replace(event, event_id=unique(state, event.event_id))
    state.count += 1
    state.time_us = reading.lines.last_us
    if event.type == "UserMessage" and not state.first_prompt:
        words = [block.get("text") for block in event.blocks]
        state.first_prompt = one_line(" ".join(word for word in words if isinstance(word, str)))
    reading.made.append(event)
    _take_usage(reading, event)


def storable_event(event: Event) -> Event:
    """The event as it can be stored. Raises ValueError for one that is nested too deeply."""
    return msgspec.structs.replace(
        event,
        event_id=mend_text(event.event_id),
        data=storable(event.data),
        blocks=storable(event.blocks),
        attributes=storable(event.attributes),
    )


def _take_usage(reading: _Reading, event: Event) -> None:
    counts = [event.attributes.get(name) for name in _COUNTS]
    numbers = [count if type(count) is int and count > 0 else 0 for count in counts]
    if not any(numbers):
        return
    message = event.attributes.get("message_id")
    model = event.attributes.get("model")
    reading.usage.append(
        Usage(
            seq=reading.state.count,
            time_us=event.time_us,
            message_id=message if isinstance(message, str) else event.event_id,
            model=model if isinstance(model, str) else reading.state.model,
            provider=reading.state.provider,
            input=numbers[0],
            output=numbers[1],
            cache_read=numbers[2],
            cache_write=numbers[3],
        )
    )


def _told(value: str) -> str:
    return "" if value == _UNKNOWN else value
