"""Secrets that were scrubbed stay so: what a source still has of them is archived with a mask."""

from __future__ import annotations

from collections.abc import Collection

from opensession.core.privacy import Stripper
from opensession.daemon.findings import raw_values, valued
from opensession.daemon.masking import Needles
from opensession.parsers.agent import Delta


def without_scrubbed(stripper: Stripper, delta: Delta, scrubbed: Collection[bytes]) -> bytes:
    """The bytes of a read with a mask over the values whose fingerprints are `scrubbed`, wherever
    they stand in these bytes; the same object if none does.
    """
    wanted = frozenset(scrubbed)
    values: dict[str, None] = {}
    for part in delta.sessions:
        for event in part.events:
            for _, one, value in valued(stripper, event):
                if stripper.fingerprint(one.kind, value) in wanted:
                    values[value] = None
    for one, forms in raw_values(stripper, delta.raw):
        if any(stripper.fingerprint(one.kind, form) in wanted for form in forms):
            values.update(dict.fromkeys(forms))
    return Needles(values).masked(delta.raw) if values else delta.raw
