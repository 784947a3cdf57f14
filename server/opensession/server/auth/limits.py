"""How often an address may try: token buckets in memory."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from opensession.server.api.errors import ApiError

MOST_BUCKETS = 50_000
"""Of all; the one that was used longest ago goes first."""


class Limits:
    """Counts tries by (limit, who). `per_minute` 0 is no limit."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = max(1.0, per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def count(self, limit: str, who: str) -> None:
        """One try; raises ApiError `rate_limited` with the seconds until the next is allowed."""
        if not self._per_second:
            return
        left = self.check(limit, who)
        self._buckets[limit, who] = (left - 1, self._clock())
        self._buckets.move_to_end((limit, who))
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)

    def check(self, limit: str, who: str) -> float:
        """How many tries are left, without making one; raises as `count` does where none is."""
        if not self._per_second:
            return self._most
        left, at = self._buckets.get((limit, who), (self._most, 0.0))
        left = min(self._most, left + (self._clock() - at) * self._per_second)
        if left < 1:
            wait = math.ceil((1 - left) / self._per_second)
            raise ApiError("rate_limited", "too many tries", f"wait {wait} s", retry_after=wait)
        return left
