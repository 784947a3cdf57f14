"""Edits as a response lists them: `textEditGroup`, `notebookEditGroup`, `workspaceEdit` and others.

Mostly they are what a tool's call did, and that call is told already. Where no call is (inline
chat, edit mode), each is told as an edit of its own. What was replaced is not recorded, so a diff
can be made of text that was put in and replaced nothing, and of nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

from opensession.core.hail import text
from opensession.parsers.actions import DIFF_CHARACTERS, Action
from opensession.parsers.copilot.fields import Object, obj, objects, string, whole
from opensession.parsers.vscode_copilot.uris import path_of

KINDS = frozenset(("textEditGroup", "notebookEditGroup", "workspaceEdit", "externalEdit"))

_TYPES = {"create": "FileCreate", "delete": "FileDelete"}


class Edit(NamedTuple):
    """One file that was changed."""

    path: str
    type: str
    diff: str = ""

    @property
    def action(self) -> Action:
        """The edit as the action of a call."""
        return Action(
            type=self.type,
            data={"path": self.path},
            kind="file_write",
            name="edit",
            blocks=[text(self.path)],
            diff=self.diff,
        )


def of_part(part: Object) -> list[Edit]:
    """The files that a part of a response changes, those without a path left out."""
    kind = part.get("kind")
    path = path_of(part.get("uri"))
    if kind == "workspaceEdit":
        return [edit for each in objects(part, "edits") if (edit := _of_files(each)).path]
    if not path:
        return []
    if kind == "externalEdit":
        return [Edit(path, _TYPES.get(string(part, "editKind"), "FileEdit"))]
    if kind == "textEditGroup":
        return [Edit(path, "FileEdit", _diff(path, part))]
    return [Edit(path, "FileEdit")]


def _of_files(edit: Object) -> Edit:
    """A file that was made, removed or renamed."""
    before, after = path_of(edit.get("oldResource")), path_of(edit.get("newResource"))
    if before and after:
        return Edit(after, "FileEdit")
    return Edit(after, "FileCreate") if after else Edit(before, "FileDelete")


def _diff(path: str, part: Object) -> str:
    """The diff of a group that consists of one insertion of whole lines; else none."""
    listed = part.get("edits")
    flat = [
        edit
        for batch in (listed if isinstance(listed, list) else [])
        for edit in (batch if isinstance(batch, list) else [batch])
        if isinstance(edit, dict)
    ]
    flat = [edit for edit in flat if string(edit, "text") or not _is_empty(edit)]
    if len(flat) != 1 or not _is_empty(flat[0]):
        return ""
    words, line = string(flat[0], "text"), whole(obj(flat[0], "range"), "startLineNumber")
    column = whole(obj(flat[0], "range"), "startColumn")
    if line is None or line < 1 or column != 1 or len(words) > DIFF_CHARACTERS:
        return ""
    if line > 1 and not words.endswith("\n"):
        return ""
    lines = words.removesuffix("\n").split("\n")
    header = [f"--- {path}", f"+++ {path}", f"@@ -{line - 1},0 +{line},{len(lines)} @@"]
    return "\n".join([*header, *("+" + added for added in lines)])


def _is_empty(edit: Object) -> bool:
    """Reports whether an edit replaces nothing."""
    place = obj(edit, "range")
    start = whole(place, "startLineNumber"), whole(place, "startColumn")
    return start == (whole(place, "endLineNumber"), whole(place, "endColumn")) and None not in start
