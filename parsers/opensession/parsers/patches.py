"""The patch format of `apply_patch`, as diffs by file.

    *** Begin Patch
    *** Update File: src/app.py
    *** Move to: src/main.py
    @@ def main():
    -    old
    +    new
    *** Add File: notes.md
    +text
    *** Delete File: old.py
    *** End Patch

A hunk of this format says what surrounds it, not where it is. Its `@@` line therefore counts its
lines from 0, which no place in a file is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from opensession.parsers import diffs

BEGIN = "*** Begin Patch"
_END = "*** End Patch"
_FILE = re.compile(r"\*\*\* (Update|Add|Delete) File: (.+)")
_MOVE = "*** Move to: "
_BEFORE = re.compile(
    r"\s*(?:cd\s+(?P<cd>\S+)\s*(?:&&|;)\s*)?(?:apply_patch|applypatch)\s*"
    r"(?:(?:\"?\$\(\s*cat\s*)?<<-?\s*['\"]?\w+['\"]?[ \t]*\n\s*|['\"]\s*)"
)
_AFTER = re.compile(r"\s*(?:\w+\s*)?\)?['\"]?\s*")


class FilePatch(NamedTuple):
    """What a patch does to one file; `kind` is `update`, `add` or `delete`.

    `body` is the patch's own text for the file, for `add` the content of the file.
    """

    kind: str
    path: str
    move_to: str
    body: str
    diff: str


def parse(text: str) -> list[FilePatch]:
    """The files of a patch, in order; none where the text is no patch. Never raises."""
    start = text.find(BEGIN)
    if start < 0:
        return []
    out: list[FilePatch] = []
    kind = path = ""
    lines: list[str] = []
    for line in text[start:].split("\n")[1:]:
        line = line.removesuffix("\r")
        header = _FILE.match(line) if line.startswith("*** ") else None
        ended = line.startswith(_END)
        if header is None and not ended:
            lines.append(line)
            continue
        if kind:
            out.append(_file(kind, path, lines))
        kind, path, lines = "", "", []
        if ended or header is None:
            break
        kind, path = header[1].lower(), header[2].strip()
    if kind:
        out.append(_file(kind, path, lines))
    return [file for file in out if file.path]


def in_command(command: str) -> tuple[str, str] | None:
    """The patch in a shell command that does nothing but `apply_patch`, and the folder it first
    changes to; None for any other command.
    """
    start = command.find(BEGIN)
    if start < 0:
        return None
    end = command.find(_END, start)
    call = _BEFORE.fullmatch(command, 0, start)
    if call is None or end < 0 or not _AFTER.fullmatch(command, end + len(_END)):
        return None
    return command[start : end + len(_END)], (call["cd"] or "").strip("\"'")


def _file(kind: str, path: str, lines: list[str]) -> FilePatch:
    if kind == "add":
        content = "\n".join(line[1:] for line in lines if line.startswith("+"))
        content += "\n" if content else ""
        return FilePatch(kind, path, "", content, diffs.of_new_file(path, content))
    if kind == "delete":
        return FilePatch(kind, path, "", "", "")
    move_to = ""
    if lines and lines[0].startswith(_MOVE):
        move_to = lines.pop(0)[len(_MOVE) :].strip()
    while lines and not lines[-1]:
        lines.pop()
    body = "\n".join(lines)
    hunks = _hunks(lines)
    diff = diffs.with_header(path, "\n".join(hunks), new_path=move_to) if hunks else ""
    return FilePatch(kind, path, move_to, body, diff)


def _hunks(lines: list[str]) -> list[str]:
    out: list[str] = []
    hunk: list[str] = []
    context = ""
    for line in [*lines, "@@"]:
        if line.startswith("***"):
            continue
        if not line.startswith("@@"):
            hunk.append(line or " ")
            continue
        if hunk:
            old = sum(1 for part in hunk if part[0] != "+")
            new = sum(1 for part in hunk if part[0] != "-")
            out.append(f"@@ -0,{old} +0,{new} @@{' ' + context if context else ''}")
            out += hunk
            hunk, context = [], ""
        context = line[2:].strip()
    return out
