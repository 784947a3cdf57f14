"""The bytes of one scan, with what was worked out about them."""

from __future__ import annotations

import re

from opensession.core.privacy.view import unescaped

_NEAR = 400
"""How far around a keyword an escape matters: values end at one."""


_WORD = 24
"""More than a short word is long."""


class Text:
    """The bytes of one scan, with what was worked out about them.

    A text that is nothing but keywords would otherwise have the same run measured at each of them.
    """

    __slots__ = ("_gaps", "_plain", "_runs", "_view", "data", "passed")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._view: bytes | None = None
        self.passed: dict[str, int] = {}
        self._plain = 0, -1  # from where to where no escape is
        self._runs: dict[re.Pattern[bytes], tuple[int, int]] = {}
        self._gaps: dict[re.Pattern[bytes], tuple[int, int]] = {}

    @property
    def view(self) -> bytes:
        """The text without its escapes, of the same length."""
        if self._view is None:
            self._view = unescaped(self.data)
        return self._view

    def around(self, start: int, end: int) -> bytes:
        """The text as it is where no escape is near, else the view: that takes longer to make."""
        if self._view is not None:
            return self._view
        low, high = max(0, start - _NEAR), min(len(self.data), end + _NEAR)
        begin, stop = self._plain
        if low > stop:
            stop = self._escape(low, len(self.data))
            self._plain = low, stop
        elif low < begin:
            before = self._escape(low, begin)
            stop = before if before < begin else stop
            self._plain = low, stop
        return self.view if stop < high else self.data

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
