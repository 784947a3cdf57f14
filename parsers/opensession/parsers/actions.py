"""Calls of tools as the events of what they do, by a table that each agent has of its own tools.

    TOOLS: Tools = {"run": shell("command"), "replace": edit("file_path", "old", "new")}
    action("replace", {"file_path": "a.py", "old": "x", "new": "y"}, TOOLS)

A tool that is not in the table, or is called with arguments of another shape, is a plain ToolCall
with its arguments. What of the arguments an event does not show otherwise follows as a Json block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec

from opensession.core.hail import Block, code, json_block, text
from opensession.parsers import diffs, patches
from opensession.parsers.languages import language_of

NAME_CHARACTERS = 256
"""A longer name of a tool is cut: it is none."""

PATH_CHARACTERS = 4096
"""A longer path is none."""

DIFF_CHARACTERS = 256 << 10
"""No diff is made of an edit with more text than this."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What a call does, as an event.

    `kind` is file_read, file_write, shell, search, web, task, interactive or other; `name` the
    tool's own. `diff` is what an edit by these arguments changes, to be reported by its result
    where the agent does not say better. A patch of several files has `more` than one action.
    """

    type: str
    data: dict[str, Any]
    kind: str
    name: str
    blocks: list[Block] = []
    diff: str = ""
    more: tuple[Action, ...] = ()


Given: TypeAlias = dict[str, Any]


class Tool(NamedTuple):
    """A tool of an agent: its kind, and what makes the action of a call by its name and arguments.

    That is None where the arguments are not what the tool takes.
    """

    kind: str
    read: Callable[[str, Given], Action | None]


Tools: TypeAlias = Mapping[str, Tool]


def action(name: str, arguments: Any, tools: Tools) -> Action:
    """The action of a call, whatever it is called with."""
    name = name[:NAME_CHARACTERS] or "unknown"
    tool = tools.get(name)
    if isinstance(arguments, dict):
        found = tool.read(name, arguments) if tool is not None else None
        if found is not None:
            return found
    return _plain(name, arguments, tool.kind if tool is not None else "other")


def shell(command: str, description: str = "", *, language: str = "bash") -> Tool:
    """Runs a command: a string, or a list of words."""

    def made(name: str, given: Given) -> Action | None:
        line = given.get(command)
        if isinstance(line, list) and all(isinstance(word, str) for word in line):
            line = " ".join(line)
        if not isinstance(line, str) or not line:
            return None
        said = string(given, description)
        blocks = [text(said)] if said else []
        blocks.append(code(line, language))
        return Action(
            type="ShellCommand",
            data={"command": line},
            kind="shell",
            name=name,
            blocks=with_rest(blocks, given, command, description),
        )

    return Tool("shell", made)


def read(*paths: str) -> Tool:
    """Reads the file that the first of these arguments names."""

    def made(name: str, given: Given) -> Action | None:
        path = path_in(given, *paths)
        if not path:
            return None
        return Action(
            type="FileRead",
            data={"path": path},
            kind="file_read",
            name=name,
            blocks=with_rest([text(path)], given, *paths),
        )

    return Tool("file_read", made)


def write(path: str, content: str) -> Tool:
    """Writes a whole file."""

    def made(name: str, given: Given) -> Action | None:
        place, words = path_in(given, path), string(given, content)
        if not place:
            return None
        blocks = [text(place)]
        if words:
            blocks.append(code(words, language_of(place)))
        return Action(
            type="FileCreate",
            data={"path": place},
            kind="file_write",
            name=name,
            blocks=with_rest(blocks, given, path, content),
            diff=diffs.of_new_file(place, words) if 0 < len(words) <= DIFF_CHARACTERS else "",
        )

    return Tool("file_write", made)


def edit(path: str, old: str = "", new: str = "", edits: str = "") -> Tool:
    """Replaces text in a file: `old` by `new`, or each of the list `edits` with the same keys."""

    def made(name: str, given: Given) -> Action | None:
        place = path_in(given, path)
        if not place:
            return None
        listed = given.get(edits) if edits else None
        parts = [part for part in listed if isinstance(part, dict)] if listed else [given]
        pairs = [(string(part, old), string(part, new)) for part in parts] if old else []
        return Action(
            type="FileEdit",
            data={"path": place},
            kind="file_write",
            name=name,
            blocks=with_rest([text(place)], given, path, old, new, edits if pairs else ""),
            diff=edit_diff(place, pairs),
        )

    return Tool("file_write", made)


def delete(path: str) -> Tool:
    """Deletes a file."""

    def made(name: str, given: Given) -> Action | None:
        place = path_in(given, path)
        if not place:
            return None
        return Action(
            type="FileDelete",
            data={"path": place},
            kind="file_write",
            name=name,
            blocks=with_rest([text(place)], given, path),
        )

    return Tool("file_write", made)


def patch(argument: str) -> Tool:
    """Applies a patch in the format of `apply_patch`."""

    def made(name: str, given: Given) -> Action | None:
        words = string(given, argument)
        files = [file for file in patches.parse(words) if len(file.path) <= PATH_CHARACTERS]
        parts = [_of_patch(name, file) for file in files]
        return msgspec.structs.replace(parts[0], more=tuple(parts[1:])) if parts else None

    return Tool("file_write", made)


def search(*queries: str) -> Tool:
    """Looks for text in files."""
    return _named("CodeSearch", "query", "search", queries)


def find(*patterns: str) -> Tool:
    """Looks for files by name, or lists a folder."""
    return _named("FileSearch", "pattern", "search", patterns)


def web_search(*queries: str) -> Tool:
    """Searches the web."""
    return _named("WebSearch", "query", "web", queries)


def fetch(*urls: str) -> Tool:
    """Reads a page of the web."""
    return _named("WebFetch", "url", "web", urls)


def task(prompt: str, description: str = "") -> Tool:
    """Hands work to a subagent."""

    def made(name: str, given: Given) -> Action | None:
        words, said = string(given, prompt), string(given, description)
        if not words:
            return None
        blocks = [text(said)] if said else []
        blocks.append(text(words))
        return Action(
            type="ToolCall",
            data={"name": name},
            kind="task",
            name=name,
            blocks=with_rest(blocks, given, prompt, description),
        )

    return Tool("task", made)


def interactive() -> Tool:
    """Asks the person."""
    return _of_kind("interactive")


def other(kind: str = "other") -> Tool:
    """Any other tool, of which only the kind is known."""
    return _of_kind(kind)


def string(given: Given, key: str) -> str:
    """A string among the arguments; empty if there is none."""
    value = given.get(key) if key else None
    return value if isinstance(value, str) else ""


def path_in(given: Given, *keys: str) -> str:
    """The first path among some arguments; empty if there is none."""
    for key in keys:
        value = string(given, key)
        if value and len(value) <= PATH_CHARACTERS:
            return value
    return ""


def with_rest(blocks: list[Block], given: Given, *shown: str) -> list[Block]:
    """Blocks, and what of the arguments they do not show."""
    rest = {key: value for key, value in given.items() if key not in shown}
    return [*blocks, json_block(rest)] if rest else blocks


def edit_diff(path: str, pairs: list[tuple[str, str]]) -> str:
    """The diff of replacements, whose places in the file are not known; empty beyond a size."""
    if not pairs or sum(len(old) + len(new) for old, new in pairs) > DIFF_CHARACTERS:
        return ""
    found = [diffs.from_texts(path, old, new) for old, new in pairs if old != new]
    if not found:
        return ""
    header, hunks = found[0].split("\n", 2)[:2], [diff.split("\n", 2)[2] for diff in found]
    return "\n".join([*header, *hunks])


def _plain(name: str, arguments: Any, kind: str) -> Action:
    if isinstance(arguments, str):
        blocks = [code(arguments)] if arguments else []
    else:
        blocks = [json_block(arguments)] if arguments else []
    return Action(type="ToolCall", data={"name": name}, kind=kind, name=name, blocks=blocks)


_EVENT_OF_PATCH = {"update": "FileEdit", "add": "FileCreate", "delete": "FileDelete"}


def _of_patch(name: str, file: patches.FilePatch) -> Action:
    language = "diff" if file.kind == "update" else language_of(file.path)
    return Action(
        type=_EVENT_OF_PATCH[file.kind],
        data={"path": file.path},
        kind="file_write",
        name=name,
        blocks=[code(file.body, language)] if file.body else [],
        diff=file.diff if len(file.diff) <= DIFF_CHARACTERS else "",
    )


def _named(event_type: str, field: str, kind: str, keys: tuple[str, ...]) -> Tool:
    """Of a tool that is told by one string of its arguments."""

    def made(name: str, given: Given) -> Action | None:
        for key in keys:
            value = string(given, key)
            if value:
                return Action(
                    type=event_type,
                    data={field: value},
                    kind=kind,
                    name=name,
                    blocks=with_rest([text(value)], given, key),
                )
        return None

    return Tool(kind, made)


def _of_kind(kind: str) -> Tool:
    def made(name: str, given: Given) -> Action | None:
        return _plain(name, given, kind)

    return Tool(kind, made)
