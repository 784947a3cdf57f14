"""The bytes of one scan, with what was worked out about them."""

from __future__ import annotations

import re

from opensession.core.privacy.view import unescaped

_NEAR = 400
"""How far around a keyword an escape matters: values end at one."""


_BEFORE, _REACH = 256, 1024
"""How far before a keyword and behind it a detector that is `near` looks at most."""

_EDGE = 64
"""No colour and no escape is longer, but for runs of backslashes."""

_PARTS = 16
"""So many parts of a text are looked at without their escapes before all of it is."""

_WORD = 24
"""More than a short word is long."""


class Text:
    """The bytes of one scan, with what was worked out about them.

    A text that is nothing but keywords would otherwise have the same run measured at each of them.
    """

    __slots__ = ("_gaps", "_part", "_parts", "_plain", "_runs", "_view", "data", "passed")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._view: bytes | None = None
        self.passed: dict[str, int] = {}
        self._plain = 0, -1  # from where to where no escape is
        self._part = 0, -1, data  # from where to where it is without escapes, and the text
        self._parts = 0
        self._runs: dict[re.Pattern[bytes], tuple[int, int]] = {}
        self._gaps: dict[re.Pattern[bytes], tuple[int, int]] = {}

    @property
    def view(self) -> bytes:
        """The text without its escapes, of the same length."""
        if self._view is None:
            self._view = unescaped(self.data)
        return self._view

    def near(self, start: int, end: int) -> bytes:
        """As `around`, but only what is near is without its escapes for sure."""
        if self._view is not None:
            return self._view
        if not self._is_escaped(start, end):
            return self.data
        begin, stop, seen = self._part
        data = self.data
        low, high = max(0, start - _BEFORE), min(len(data), end + _REACH)
        if begin <= low and high <= stop:
            return seen
        self._parts += 1
        begin, stop = max(0, low - 2 * _EDGE), min(len(data), high + _REACH)
        before = data[max(0, begin - _EDGE) : begin]
        begin -= len(before) - len(before.rstrip(b"\\"))  # an escape is not cut in two
        if (
            self._parts > _PARTS
            or stop - begin > len(data) // 2
            or begin + _EDGE <= low - 2 * _EDGE
        ):
            return self.view
        seen = data[:begin] + unescaped(data[begin:stop]) + data[stop:]
        self._part = begin, stop - _EDGE if stop < len(data) else stop, seen
        return seen

    def around(self, start: int, end: int) -> bytes:
        """The text as it is where no escape is near, else the view: that takes longer to make."""
        return self.view if self._view is not None or self._is_escaped(start, end) else self.data

    def _is_escaped(self, start: int, end: int) -> bool:
        low, high = max(0, start - _NEAR), min(len(self.data), end + _NEAR)
        begin, stop = self._plain
        if low > stop:
            stop = self._escape(low, len(self.data))
            self._plain = low, stop
        elif low < begin:
            before = self._escape(low, begin)
            stop = before if before < begin else stop
            self._plain = low, stop
        return stop < high

    def _escape(self, low: int, high: int) -> int:
        """Where the first escape of a part begins; `high` if there is none."""
        for sign in (b"\\", b"\x1b"):
            at = self.data.find(sign, low, high)
            high = high if at < 0 else at
        return high

    def run_end(self, pattern: re.Pattern[bytes], start: int) -> int:
        """Where a run of a pattern's bytes that begins at `start` ends; `start` if there is none.

        The pattern must match any part of what it matches, from that part's beginning.
        """
        begin, end = self._runs.get(pattern, (0, 0))
        if not begin <= start < end:
            match = pattern.match(self.data, start)
            begin, end = start, match.end() if match is not None else start
            self._runs[pattern] = (begin, end)
        return end

    def holds(self, words: re.Pattern[bytes], low: int, high: int) -> bool:
        """Reports whether one of some short words is in a part of the text. What two parts that
        overlap have in common is looked at once.
        """
        begin, stop = self._gaps.get(words, (0, -1))
        if not begin <= low <= stop:
            begin = stop = low
        match = words.search(self.data, stop, high)
        stop = max(stop, high - _WORD) if match is None else match.start()
        self._gaps[words] = begin, stop
        return match is not None
