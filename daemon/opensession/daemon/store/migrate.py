"""The migrations of index.db and user.db: `migrations/<kind>_<number>.sql`."""

from __future__ import annotations

import functools
import re
from importlib import resources

from opensession.core.migrations import in_order

_NAME = re.compile(r"([a-z]+)_(\d{4})\.sql\Z")


@functools.cache
def scripts(kind: str) -> tuple[str, ...]:
    """The migrations of `kind` (`index`, `user`) as SQL, in order from number 1."""
    found: dict[int, str] = {}
    for entry in (resources.files("opensession.daemon.store") / "migrations").iterdir():
        match = _NAME.match(entry.name)
        if match is not None and match[1] == kind:
            found[int(match[2])] = entry.read_text("utf-8")
    return in_order(found, kind)


def latest(kind: str) -> int:
    """The version that this program writes."""
    return len(scripts(kind))
