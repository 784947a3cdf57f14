"""Unified diffs from what agents record of their edits.

Made of hunks (Claude Code's `structuredPatch`), of the text before and after, or of an
`apply_patch` text. The diffs begin with `--- path` and `+++ path`, `/dev/null` where there is no
file on that side, and have no line break at their end.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import msgspec

from opensession.core.stats import diff_lines

_COMPARED_LINES = 2_000
_COMPARED_PRODUCT = 1_000_000
"""Bounds of line-by-line comparison (its cost is quadratic): beyond, the whole middle counts as
replaced."""


class Hunk(msgspec.Struct, frozen=True, rename="camel"):
    """A run of changed lines; `lines` begin with ` `, `+`, `-` or `\\`. Lines count from 1."""

    old_start: int = 0
    old_lines: int = 0
    new_start: int = 0
    new_lines: int = 0
    lines: list[str] = []


def from_hunks(path: str, hunks: Iterable[Hunk], *, created: bool = False) -> str:
    """The unified diff of hunks; empty where there are none."""
    out = _header(path, path, created=created, deleted=False)
    for hunk in hunks:
        out.append(f"@@ -{hunk.old_start},{hunk.old_lines} +{hunk.new_start},{hunk.new_lines} @@")
        out += hunk.lines
    return "\n".join(out) if len(out) > 2 else ""


def from_texts(path: str, old: str, new: str, *, start_line: int = 1, context: int = 3) -> str:
    """The unified diff of two texts; empty where they are equal.

    `start_line` is the line of the file where both begin, where that is known.
    """
    if old == new:
        return ""
    before, after = _lines(old), _lines(new)
    out = _header(path, path, created=False, deleted=False)
    for group in _groups(before, after, context):
        first, last = group[0], group[-1]
        old_range = _range(first[1], last[2], start_line)
        new_range = _range(first[3], last[4], start_line)
        out.append(f"@@ -{old_range} +{new_range} @@")
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                out += [" " + line for line in before[old_from:old_to]]
                continue
            out += ["-" + line for line in before[old_from:old_to]]
            out += ["+" + line for line in after[new_from:new_to]]
    return "\n".join(out) if len(out) > 2 else ""


def of_new_file(path: str, content: str) -> str:
    """The diff that creates a file."""
    return _one_sided(path, content, "+")


def of_deleted_file(path: str, content: str) -> str:
    """The diff that deletes a file whose content is known."""
    return _one_sided(path, content, "-")


def with_header(path: str, body: str, *, new_path: str = "") -> str:
    """A diff that an agent recorded from its first `@@` on, under our header."""
    body = body.rstrip("\n")
    if not body or body.startswith(("--- ", "diff ")):
        return body
    return "\n".join([*_header(path, new_path or path, created=False, deleted=False), body])


count = diff_lines
"""Lines added and removed by a unified diff."""


def _header(path: str, new_path: str, *, created: bool, deleted: bool) -> list[str]:
    return [
        "--- " + ("/dev/null" if created else path),
        "+++ " + ("/dev/null" if deleted else new_path),
    ]


def _one_sided(path: str, content: str, sign: str) -> str:
    lines = _lines(content)
    out = _header(path, path, created=sign == "+", deleted=sign == "-")
    if lines:
        span = f"1,{len(lines)}"
        out.append(f"@@ -0,0 +{span} @@" if sign == "+" else f"@@ -{span} +0,0 @@")
        out += [sign + line for line in lines]
    return "\n".join(out)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _range(start: int, stop: int, start_line: int) -> str:
    return f"{start + start_line if stop > start else start + start_line - 1},{stop - start}"


_Code = tuple[str, int, int, int, int]


def _groups(before: Sequence[str], after: Sequence[str], context: int) -> list[list[_Code]]:
    """The changed places with their context, as `difflib` gives them."""
    head = 0
    shortest = min(len(before), len(after))
    while head < shortest and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shortest - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    old_middle, new_middle = len(before) - head - tail, len(after) - head - tail
    if (
        max(old_middle, new_middle) <= _COMPARED_LINES
        and old_middle * new_middle <= _COMPARED_PRODUCT
    ):
        first, last = max(0, head - context), max(0, tail - context)
        matcher = difflib.SequenceMatcher(
            None, before[first : len(before) - last], after[first : len(after) - last], False
        )
        return [
            [(tag, a + first, b + first, c + first, d + first) for tag, a, b, c, d in group]
            for group in matcher.get_grouped_opcodes(context)
        ]
    first, last = max(0, head - context), max(0, tail - context)
    codes: list[_Code] = [
        ("equal", first, head, first, head),
        ("replace", head, len(before) - tail, head, len(after) - tail),
        ("equal", len(before) - tail, len(before) - last, len(after) - tail, len(after) - last),
    ]
    return [codes]
