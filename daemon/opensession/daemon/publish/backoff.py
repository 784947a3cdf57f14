"""How long to wait before the next try: longer after each failure, and never the same for two."""

from __future__ import annotations

import random

FIRST_SECONDS = 1.0
MOST_SECONDS = 300.0


def delay(failures: int, chance: float | None = None) -> float:
    """Seconds after so many failures in a row: anything up to a bound that doubles each time.

    `chance` (0 to 1) is for tests.
    """
    bound = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(max(failures - 1, 0), 30))
    drawn = random.random() if chance is None else chance  # noqa: S311 - no secret
    return bound * drawn
