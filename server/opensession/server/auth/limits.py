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
        now = self._clock()
        left, at = self._buckets.pop((limit, who), (self._most, now))
        left = min(self._most, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._buckets[limit, who] = (left - 1 if allowed else left, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = math.ceil((1 - left) / self._per_second)
            raise ApiError("rate_limited", "too many tries", "wait", retry_after=wait)
