"""Calls of tools in a response, with their exact arguments where these are kept.

A part `toolInvocationSerialized` says where a call stood in the response and how it was shown. What
the model asked for, and was told, is in `result.metadata`: `toolCallRounds[].toolCalls` (arguments
as JSON in a string) and `toolCallResults`. The two are matched by id, else by name in their order;
calls that were not shown are told where they were made.
"""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.actions import Action
from opensession.parsers.copilot.fields import Object, obj, objects, string, whole
from opensession.parsers.decoding import decode_any
from opensession.parsers.timeline import Timeline
from opensession.parsers.vscode_copilot import results, tools

_MOST = 20_000
_DENIED, _SKIPPED = 0, 5
_NAME_CHARACTERS = 256


class Calls:
    """The calls of one request: what the model asked for, and which part shows which."""

    def __init__(self, request: Object, parts: list[Object], shared: Attributes) -> None:
        metadata = obj(obj(request, "result"), "metadata")
        self.shared = shared
        self._results = obj(metadata, "toolCallResults")
        self._asked = [
            call
            for turn in objects(metadata, "toolCallRounds")
            for call in objects(turn, "toolCalls")
        ][:_MOST]
        self._next = 0
        self._subagents = {string(part, "subAgentInvocationId") for part in parts} - {""}
        self._match = self._matched([part for part in parts if is_call(part)])

    def tell(self, line: Timeline, part: Object, native: str, n: int) -> int:
        """Adds the call that a part shows, and its result; the number of events it gave.

        Calls that were asked for before it and are not shown come first.
        """
        key = string(part, "toolCallId")
        index = self._match.get(id(part))
        before = self._unshown(line, native, n, index if index is not None else self._next)
        n += before
        asked = self._asked[index] if index is not None else None
        if index is not None:
            self._next = max(self._next, index + 1)
        call_id = key or (string(asked, "id") if asked else "")
        action = _action(part, asked)
        state = obj(obj(part, "toolSpecificData"), "terminalCommandState")
        if (at := whole(state, "timestamp")) is not None:
            line.at(at * 1000, f"response/{part.get('kind')}")
        attributes: Attributes = dict(self.shared)
        if asked is None and not isinstance(_given(part), dict):
            attributes["arguments.unknown"] = True
        line.call(native, call_id, action, attributes=attributes, n=n)
        given = 1 + len(action.more)
        return before + given + self._result(line, part, asked, call_id, native, n + given)

    def rest(self, line: Timeline, native: str, n: int) -> int:
        """Adds the calls that no part shows after those that were told; how many events."""
        return self._unshown(line, native, n, len(self._asked))

    def writes(self, part: Object) -> list[str]:
        """The paths that a part's call writes to, as far as its arguments say."""
        index = self._match.get(id(part))
        action = _action(part, self._asked[index] if index is not None else None)
        return [
            str(each.data.get("path", ""))
            for each in (action, *action.more)
            if each.kind == "file_write"
        ]

    def _result(
        self,
        line: Timeline,
        part: Object,
        asked: Object | None,
        call_id: str,
        native: str,
        n: int,
    ) -> int:
        told = self._results.get(string(asked, "id")) if asked else None
        if told is None:
            told = self._results.get(call_id)
        confirmed = part.get("isConfirmed")
        reason = confirmed.get("type") if isinstance(confirmed, dict) else None
        refused = (confirmed is False and told is None) or reason in (_DENIED, _SKIPPED)
        if part.get("isComplete") is not True and told is None and not refused:
            return 0
        blocks = results.told(told) or results.shown(part)
        details, error = part.get("resultDetails"), part.get("resultError")
        failed = refused or (isinstance(details, dict) and details.get("isError") is True)
        if isinstance(error, str) and error:
            failed = True
            blocks = blocks or [text(error)]
        state = obj(obj(part, "toolSpecificData"), "terminalCommandState")
        code, duration = whole(state, "exitCode"), whole(state, "duration")
        if (at := whole(state, "timestamp")) is not None and duration is not None:
            line.at((at + max(0, duration)) * 1000, f"response/{part.get('kind')}")
        before = line.state.count
        line.result(
            native,
            call_id,
            blocks,
            is_error=failed or bool(code),
            exit_code=code,
            duration_ms=duration,
            subagent_id=f"{line.state.id}.{call_id}" if call_id in self._subagents else "",
            attributes={"refused": True} if refused else None,
            n=n,
        )
        return line.state.count - before

    def _unshown(self, line: Timeline, native: str, n: int, until: int) -> int:
        """Adds the calls up to number `until` that no part shows."""
        shown = set(self._match.values())
        before = line.state.count
        for index in range(self._next, until):
            if index in shown:
                continue
            asked = self._asked[index]
            call_id = string(asked, "id")
            action = tools.call_of(_name(asked), _arguments(asked))
            at = n + line.state.count - before
            line.call(native, call_id, action, attributes=dict(self.shared), n=at)
            if call_id in self._results:
                blocks = results.told(self._results[call_id])
                line.result(native, call_id, blocks, n=n + line.state.count - before)
        self._next = max(self._next, until)
        return line.state.count - before

    def _matched(self, parts: list[Object]) -> dict[int, int]:
        """Which call each part shows: by id, else the next of that name."""
        by_id = {string(call, "id"): index for index, call in enumerate(self._asked)}
        found: dict[int, int] = {}
        for part in parts:
            index = by_id.get(string(part, "toolCallId"))
            if index is not None:
                found.setdefault(id(part), index)
        taken = set(found.values())
        waiting: dict[str, list[int]] = {}
        for index in reversed(range(len(self._asked))):
            if index not in taken:
                name = tools.plain_name(_name(self._asked[index]))
                waiting.setdefault(name, []).append(index)
        for part in parts:
            left = waiting.get(tools.plain_name(string(part, "toolId")))
            if id(part) not in found and left and not string(part, "subAgentInvocationId"):
                found[id(part)] = left.pop()
        return found


def is_call(part: Object) -> bool:
    """Reports whether a part of a response is a call of a tool."""
    return part.get("kind") in ("toolInvocationSerialized", "toolInvocation")


def _action(part: Object, asked: Object | None) -> Action:
    """What a call does: by the arguments that were asked with, else by what was shown."""
    if asked is not None:
        return tools.call_of(_name(asked), _arguments(asked))
    name = tools.known_name(string(part, "toolId", _NAME_CHARACTERS))
    given = _given(part)
    if given is not None:
        return tools.call_of(name, given)
    action = tools.call_of(name, None)
    said = results.words(part.get("pastTenseMessage")) or results.words(
        part.get("invocationMessage")
    )
    blocks: list[Block] = [text(said)] if said else []
    return Action(type=action.type, data=action.data, kind=action.kind, name=name, blocks=blocks)


def _given(part: Object) -> Any:
    """The arguments of a call as far as the part that shows it tells them; None if not at all."""
    specific = obj(part, "toolSpecificData")
    kind = specific.get("kind")
    if kind == "terminal":
        line = obj(specific, "commandLine")
        command = (
            string(line, "userEdited")
            or string(line, "toolEdited")
            or string(line, "original")
            or string(specific, "command")
        )
        return {"command": command} if command else None
    if kind == "input" and specific.get("rawInput") is not None:
        return specific["rawInput"]
    if kind == "subagent" and (prompt := string(specific, "prompt")):
        return {"prompt": prompt, "description": string(specific, "description")}
    if kind == "todoList":
        return {"todoList": specific.get("todoList")}
    details = part.get("resultDetails")
    for source, key in ((specific, "input"), (details, "input")):
        if isinstance(source, dict) and (value := string(source, key)):
            return _decoded(value)
    return None


def _name(asked: Object) -> str:
    return string(asked, "name", _NAME_CHARACTERS)


def _arguments(asked: Object) -> Any:
    value = asked.get("arguments")
    return _decoded(value) if isinstance(value, str) else value


def _decoded(value: str) -> Any:
    try:
        return decode_any(value)
    except ValueError:
        return value
