"""The hub's migrations: `migrations/<number>_<what>.sql`."""

from __future__ import annotations

import functools
import re
from importlib import resources

from opensession.core.migrations import in_order

_NAME = re.compile(r"(\d{4})_[a-z_]+\.sql\Z")


@functools.cache
def scripts() -> tuple[str, ...]:
    """The migrations as SQL, in order from number 1."""
    found: dict[int, str] = {}
    for entry in (resources.files("opensession.server.storage") / "migrations").iterdir():
        match = _NAME.match(entry.name)
        if match is None:
            continue
        if int(match[1]) in found:
            raise RuntimeError(f"two migrations have the number {match[1]}")
        found[int(match[1])] = entry.read_text("utf-8")
    return in_order(found, "the hub")


def latest() -> int:
    """The version that this program writes."""
    return len(scripts())
