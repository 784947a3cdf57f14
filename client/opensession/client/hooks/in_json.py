"""Hooks in JSON settings: `hooks.<event>` is a list, and ours is one more item of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from opensession.client.hooks import command
from opensession.client.hooks.jsonc import NotJson, parse
from opensession.client.hooks.jsonc_edit import Step, append, find, remove
from opensession.client.hooks.problems import Clash, NotReadable
from opensession.core.hints import Happened


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """The events of an agent that are hooked, and what an item of their lists looks like. `key` is
    where the agent's JSON has the session's id; `version` is a file's own, where it must have one.
    """

    agent: str
    key: str
    entry: Callable[[str], dict[str, Any]]
    events: tuple[tuple[str, Happened], ...]
    version: int | None = None

    def add(self, text: str, hints_dir: str) -> str:
        """As `agents.Edit.add`."""
        if not text.strip():
            text = json.dumps({} if self.version is None else {"version": self.version}, indent=2)
            text += "\n"
        try:
            for event, happened in self.events:
                if not any(way[1] == event for way in _ours(text, hints_dir)):
                    script = command.on_stdin(happened, self.agent, hints_dir, self.key)
                    text = append(text, ("hooks", event), self.entry(script))
        except NotJson as error:
            raise NotReadable(str(error)) from None
        except TypeError as error:
            raise Clash(f"{error} holds something else than hooks") from None
        return text

    def remove(self, text: str, hints_dir: str, before: str | None) -> str:
        """As `agents.Edit.remove`."""
        if before is not None and not before.strip():
            before = None
        try:
            found = parse(before).value if before else {}
            while (way := next(_ours(text, hints_dir), None)) is not None:
                text = _without(text, way, before, found)
        except NotJson as error:
            raise NotReadable(str(error)) from None
        return text


def _ours(text: str, hints_dir: str) -> Iterator[tuple[Step, ...]]:
    """The ways to our commands' objects: `hooks`, event, index, and `hooks`, index where nested."""
    hooks = find(parse(text), ("hooks",))
    if hooks is None or not isinstance(hooks.value, dict):
        return
    for event, items in hooks.value.items():
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if not isinstance(item, dict):
                continue
            if _holds(item, hints_dir):
                yield ("hooks", event, index)
            inner = item.get("hooks")
            for below, hook in enumerate(inner if isinstance(inner, list) else ()):
                if isinstance(hook, dict) and _holds(hook, hints_dir):
                    yield ("hooks", event, index, "hooks", below)


def _holds(item: dict[str, Any], hints_dir: str) -> bool:
    return any(command.is_ours(value, hints_dir) for value in item.values())


def _without(text: str, way: tuple[Step, ...], before: str | None, was: Any) -> str:
    """The text without what a way leads to, and without what is empty then and was not there."""
    while len(way) > 1:
        siblings = find(parse(text), way[:-1])
        if siblings is None or len(siblings.children) > 1:
            break
        if len(way) == 5:
            way = way[:3]  # an item whose only command is ours goes as a whole
        elif _there(was, way[:-1]):
            break
        else:
            way = way[:-1]
    return remove(text, way, before)


def _there(value: Any, way: tuple[Step, ...]) -> bool:
    for step in way:
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True
