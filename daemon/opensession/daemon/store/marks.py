"""Sessions that hold something of a set whose mode is `block` or `warn`.

The marks stand among a session's redactions, as `block:<set>` and `warn:<set>` with a count each,
so they are added, confirmed and counted anew in the same ways. Readers take the two apart here.
"""

from __future__ import annotations

from collections.abc import Mapping

from opensession.core.hail import Event
from opensession.core.privacy import Stripper

BLOCK = "block:"
WARN = "warn:"


def count(stripper: Stripper, event: Event, redactions: dict[str, int]) -> None:
    """Adds the marks that an event (before it is stripped) gives its session."""
    for _, found in stripper.find_event(event):
        if found.mode in ("block", "warn"):
            name = f"{found.mode}:{found.set}"
            redactions[name] = redactions.get(name, 0) + 1


def blocked(redactions: Mapping[str, int]) -> list[str]:
    """The sets for which a session is kept from leaving."""
    return sorted(name.removeprefix(BLOCK) for name in redactions if name.startswith(BLOCK))


def warned(redactions: Mapping[str, int]) -> dict[str, int]:
    """What was found and left as it was, by set."""
    return {
        name.removeprefix(WARN): number
        for name, number in redactions.items()
        if name.startswith(WARN)
    }


def replaced(redactions: Mapping[str, int]) -> dict[str, int]:
    """What was taken out, by kind."""
    return {
        name: number for name, number in redactions.items() if not name.startswith((BLOCK, WARN))
    }
