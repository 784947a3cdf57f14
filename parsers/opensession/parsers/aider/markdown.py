"""From the lines of a chat history to launches.

    # aider chat started at 2026-11-20 23:58:23   a launch, in local time
    > Aider v0.86.2␠␠                              what Aider printed; two spaces end an output,
    > Commit b0e5e6c Make a greeting               one that lacks them goes on in the next lines
    #### Make a hello.py␠␠                         a prompt, line by line
    I will make a file.                            all else is the model's answer

In a code block of an answer, `>` and `####` count only with two spaces at the line's end. What is
not closed by a next line yet is told as it stands, and again when it has grown.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from opensession.parsers.agent import SessionDelta, Source
from opensession.parsers.aider.launch import Launch
from opensession.parsers.jsonl import Fed, Line
from opensession.parsers.timeline import State, dump, load

BLOCK_CHARACTERS = 64 << 10
"""An answer longer than this is told in pieces."""

MOST_BLANK = 64
"""So many empty lines between two others are kept."""

_HEADER = re.compile(r"# aider chat started at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\Z")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_BLANK = "<blank>"


def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The feed of `jsonl.read_lines` for chat histories."""
    reading = _Reading(source, load(state))
    for line in lines:
        reading.take(line)
    return reading.fed()


class _Reading:
    """Where reading is in a history: the launch, and the block that is not closed yet."""

    def __init__(self, source: Source, state: State) -> None:
        self.folder = posixpath.dirname(source.path)
        self.launch = Launch(state)
        self.sessions: list[SessionDelta] = []
        self.skipped: dict[str, int] = {}

    @property
    def own(self) -> dict[str, Any]:
        return self.launch.own

    def fed(self) -> Fed:
        """What was read; a block that is open is told as it is so far, and anew the next time."""
        state = dump(self.launch.line.state)
        if self.launch.line.state.id:  # a first prompt makes the id: it has to be whole
            self._close()
        self._told(ended=False)
        return Fed(sessions=self.sessions, state=state, skipped=self.skipped)

    def take(self, line: Line) -> None:
        words = line.data.decode("utf-8", "replace")
        if line.oversized:
            self._skip("oversized")
        blank = max(0, line.offset - self.own.get("end", line.offset))
        self.own["end"] = line.offset + len(line.data) + 1
        if _HEADER.match(words):
            self._close()
            self._begin(words)
        elif "header" not in self.own:
            self._skip("before the first launch")
        elif self.own.get("kind") == "console":  # an output of several lines
            self._grow(words.removesuffix("  "), blank)
            if words.endswith("  "):
                self._close()
        else:
            self._line(words, blank)

    def _line(self, words: str, blank: int) -> None:
        plain = not self.own.get("fence") or words.endswith("  ")
        if plain and words.startswith("#### "):
            if self.own.get("kind") != "prompt" or blank:
                self._close()
                self.own["kind"] = "prompt"
            said = words[5:].removesuffix("  ")
            self._grow("" if said == _BLANK else said, 0)
        elif plain and words.startswith("> "):
            self._close()
            self.own["kind"] = "console"
            self._grow(words[2:].removesuffix("  "), 0)
            if words.endswith("  "):
                self._close()
        else:
            if self.own.get("kind") != "answer":
                self._close()
                self.own["kind"] = "answer"
            self._grow(words, blank)
            if _FENCE.match(words):
                self.own["fence"] = not self.own.get("fence")
            if self.own["size"] > BLOCK_CHARACTERS:
                fence = self.own.get("fence", False)
                self._close()
                self.own["kind"], self.own["fence"] = "answer", fence

    def _grow(self, words: str, blank: int) -> None:
        block = self.own.setdefault("block", [])
        if block:
            block.extend([""] * min(blank, MOST_BLANK))
        if self.own.get("size", 0) <= 4 * BLOCK_CHARACTERS:
            block.append(words[: 4 * BLOCK_CHARACTERS])
            self.own["size"] = self.own.get("size", 0) + len(words) + blank + 1

    def _close(self) -> None:
        """The open block is whole."""
        kind, lines = self.own.pop("kind", ""), self.own.pop("block", None)
        self.own.pop("fence", None)
        self.own.pop("size", None)
        if lines is None:
            return
        block = "\n".join(lines)
        if kind == "prompt":
            self.launch.prompt(block)
        elif kind == "answer" and self.launch.line.state.id:
            self.launch.answer(block)
        else:
            self.launch.console(block)

    def _begin(self, header: str) -> None:
        self._told(ended=True)
        before = self.own
        if "header" in before and not self.launch.line.state.id:
            self._skip("a launch without a prompt")
        state = State(own={"launches": before.get("launches", {}), "end": before["end"]})
        self.launch = Launch(state)
        self.launch.begin(header, self.folder)

    def _skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def _told(self, *, ended: bool) -> None:
        line = self.launch.line
        if line.state.id:
            self.sessions.append(line.delta(ended=ended))
