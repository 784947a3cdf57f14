"""The tools of Cline's SDK (CLI 3, VS Code extension 4): what a call does, and what it gave.

One call of `run_commands`, `read_files`, `search_codebase` or `fetch_web_content` does several
things at once; each is an action of its own, and the result lists what each of them gave:

    [{"query": "python3 -c \\"1/0\\"", "result": "[Command exited with code 1] …",
      "error": "Command exited with code 1", "success": false}]

Tools that do one thing record such an object as JSON in a string. A result without `success` is
that of a tool of another kind (MCP, `spawn_agent`), and is kept as it is.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from opensession.core.hail import Block, code, json_block, text
from opensession.parsers import diffs
from opensession.parsers.actions import (
    Action,
    Tool,
    Tools,
    action,
    edit,
    fetch,
    find,
    interactive,
    other,
    patch,
    path_in,
    read,
    search,
    shell,
    string,
    task,
    web_search,
    with_rest,
    write,
)
from opensession.parsers.cline.values import image, obj, words
from opensession.parsers.decoding import decode_any
from opensession.parsers.languages import language_of

MANY = 64
"""So many actions of one call are told apart; a call of more is one plain call."""

_DIFF = re.compile(r"\n?```diff\n(.*?)\n?```", re.DOTALL)
_DIFF_LINE = re.compile(r"([-+])(\d{1,9}): ?")
_EXIT = re.compile(r"\[?Command (?:exited|failed) with (?:exit )?code (-?\d{1,9})")
_NUMBERED = re.compile(r" *(\d{1,9}) \| ?")


class Outcome(NamedTuple):
    """What one action gave. `exit_code` and `diff` where the result says them."""

    blocks: list[Block]
    is_error: bool = False
    exit_code: int | None = None
    diff: str = ""


def actions_of(name: str, arguments: Any) -> list[Action]:
    """The actions of a call, at least one."""
    split = _SPLIT.get(name)
    if split is not None:
        parts = split(arguments)
        if parts and len(parts) <= MANY:
            return [action(name, part, TOOLS) for part in parts]
    if name == "apply_patch" and isinstance(arguments, str):
        arguments = {"input": arguments}
    tools = TOOLS if name in TOOLS or not name.startswith("team_") else {name: other("task")}
    return [action(name, arguments, tools)]


def outcomes_of(
    name: str, content: Any, is_error: bool, paths: Sequence[str] = ("",)
) -> list[Outcome]:
    """What a result holds, an outcome for each action that it reports, at least one.

    `paths` are the files of the call's actions, where they have some.
    """
    value = content
    if isinstance(content, str):
        value = _decoded(content)
    if isinstance(value, dict) and "success" in value:
        value = [value]
    if isinstance(value, list) and value and all(_is_operation(part) for part in value):
        each = paths if len(paths) == len(value) else [paths[0]] * len(value)
        return [
            _operation(name, part, is_error, path) for part, path in zip(value, each, strict=True)
        ]
    if name == "spawn_agent" and isinstance(value, dict) and isinstance(value.get("text"), str):
        said = value["text"]
        failed = is_error or value.get("finishReason") in ("error", "aborted", "failed")
        return [Outcome([text(said)] if said else [], failed)]
    if isinstance(content, str):
        return [Outcome([text(content)] if content else [], is_error)]
    if isinstance(content, list):
        return [Outcome([_part(part) for part in content], is_error)]
    return [Outcome([json_block(content)] if content else [], is_error)]


def _is_operation(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("success"), bool)


def _operation(name: str, given: dict[str, Any], is_error: bool, path: str) -> Outcome:
    done = given["success"] and not is_error
    said, why = given.get("result"), words(given.get("error"))
    exit_code: int | None = None
    diff = ""
    blocks: list[Block] = []
    if isinstance(said, str):
        if name == "run_commands":
            found = _EXIT.match(said) or _EXIT.match(why)
            if found is not None:
                exit_code = int(found[1])
            elif done and not said.startswith("["):  # a mark says that it still runs, or was cut
                exit_code = 0
        if name == "editor" and done:
            said, diff = _taken_diff(said, path)
        blocks = _read_blocks(said, path) if name == "read_files" else []
        if not blocks and said:
            blocks = [text(said)]
    elif isinstance(said, list):
        blocks = [_part(part) for part in said]
    elif said is not None:
        blocks = [json_block(said)]
    if why and why not in words(said) and exit_code is None:
        blocks.append(text(why))
    return Outcome(blocks, not done, exit_code, diff)


def _part(part: Any) -> Block:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return text(part["text"])
    if kind == "image":
        return image(part.get("data"), part.get("mediaType"))
    if kind == "file" and isinstance(part.get("content"), str):
        return {"type": "File", "path": words(part.get("path")), "content": part["content"]}
    return json_block(part)


def _read_blocks(said: str, path: str) -> list[Block]:
    """A file's lines, which are given with their numbers (`462 | text`), as code without them."""
    if not said:
        return []
    lines = said.split("\n")
    found = [_NUMBERED.match(line) for line in lines]
    if found[0] is None or not all(found):
        return []
    bare = [line[mark.end() :] for line, mark in zip(lines, found, strict=True) if mark]
    return [code("\n".join(bare), language_of(path), int(found[0][1]))]


def _taken_diff(said: str, path: str) -> tuple[str, str]:
    """What the editor said without the diff in it, and that as a unified one.

    Its lines are `-467: old` and `+467: new`, without context. One that was cut is left out: the
    call's arguments say more.
    """
    found = _DIFF.search(said)
    if found is None:
        return said, ""
    rest = said[: found.start()] + said[found.end() :]
    hunks: list[diffs.Hunk] = []
    old: list[str] = []
    new: list[str] = []
    starts = {"-": 0, "+": 0}

    def close() -> None:
        if old or new:
            first = starts["-"] or starts["+"]
            hunks.append(
                diffs.Hunk(
                    old_start=first if old else first - 1,
                    old_lines=len(old),
                    new_start=(starts["+"] or first) if new else first - 1,
                    new_lines=len(new),
                    lines=[*old, *new],
                )
            )
            old.clear()
            new.clear()
            starts.update({"-": 0, "+": 0})

    for line in found[1].split("\n"):
        mark = _DIFF_LINE.match(line)
        if mark is None:
            return rest, ""
        sign, number = mark[1], int(mark[2])
        side, expected = (old, starts["-"]) if sign == "-" else (new, starts["+"])
        if side and number != expected + len(side):
            close()
        if not side:
            starts[sign] = number
        side.append(sign + line[mark.end() :])
    close()
    return rest, diffs.from_hunks(path, hunks)


def _decoded(content: str) -> Any:
    if not content.lstrip().startswith(("{", "[")):
        return None
    try:
        return decode_any(content)
    except ValueError:
        return None


def _listed(arguments: Any, *keys: str) -> list[Any]:
    """The parts of a call whose arguments may be one part, a list of them, or an object of one."""
    value = arguments
    if isinstance(arguments, dict):
        value = next((arguments[key] for key in keys if arguments.get(key)), arguments)
    return value if isinstance(value, list) else [value]


def _commands(arguments: Any) -> list[dict[str, Any]]:
    found = []
    for part in _listed(arguments, "commands", "command", "cmd"):
        if isinstance(part, dict):
            given = part.get("args")
            rest = [arg for arg in given if isinstance(arg, str)] if isinstance(given, list) else []
            part = shlex.join([words(part.get("command")), *rest])
        if not isinstance(part, str) or not part:
            return []
        found.append({"command": part})
    if isinstance(arguments, dict) and len(found) == 1:
        kept = {key: arguments[key] for key in arguments if key not in _COMMAND_KEYS}
        found[0] |= kept
    return found


_COMMAND_KEYS = ("commands", "command", "cmd", "args")


def _files(arguments: Any) -> list[dict[str, Any]]:
    found = []
    for part in _listed(arguments, "files", "file_paths", "paths"):
        given = part if isinstance(part, dict) else {"path": part}
        if not words(given.get("path")):
            return []
        found.append({key: value for key, value in given.items() if value is not None})
    return found


def _queries(arguments: Any) -> list[dict[str, Any]]:
    found = [{"query": part} for part in _listed(arguments, "queries", "query")]
    return found if all(words(part["query"]) for part in found) else []


def _requests(arguments: Any) -> list[dict[str, Any]]:
    found = [obj(part) for part in _listed(arguments, "requests")]
    return found if all(words(part.get("url")) for part in found) else []


_SPLIT: dict[str, Callable[[Any], list[dict[str, Any]]]] = {
    "run_commands": _commands,
    "read_files": _files,
    "search_codebase": _queries,
    "fetch_web_content": _requests,
}

_TEXTS = ("path", "old_text", "new_text", "old_str", "new_str", "file_text", "command")


def _editor(name: str, given: dict[str, Any]) -> Action | None:
    """Replaces text, makes a file where no old text is given, or inserts before a line."""
    place = path_in(given, "path")
    if not place:
        return None
    old = string(given, "old_text") or string(given, "old_str")
    new = string(given, "new_text") or string(given, "new_str") or string(given, "file_text")
    rest = {key: value for key, value in given.items() if key not in _TEXTS and value is not None}
    line = given.get("insert_line")
    if isinstance(line, int) and not isinstance(line, bool) and 0 < line < 1 << 31:
        made = edit("path", "old", "new").read(name, {"path": place, "old": "", "new": new})
        if made is None:
            return None
        blocks = [*made.blocks, *([code(new, language_of(place))] if new else [])]
        inserted = diffs.from_texts(place, "", new, start_line=line)
        return msgspec.structs.replace(made, blocks=with_rest(blocks, rest), diff=inserted)
    if not old:
        return write("path", "content").read(name, {"path": place, "content": new, **rest})
    return edit("path", "old", "new").read(name, {"path": place, "old": old, "new": new, **rest})


TOOLS: Tools = {
    "run_commands": shell("command"),
    "read_files": read("path"),
    "search_codebase": search("query"),
    "fetch_web_content": fetch("url"),
    "web_search": web_search("query"),
    "list_files": find("path"),
    "editor": Tool("file_write", _editor),
    "apply_patch": patch("input"),
    "spawn_agent": task("task"),
    "ask_question": interactive(),
    "ask_followup_question": interactive(),
    "skills": other(),
}
