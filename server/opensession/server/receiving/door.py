"""Secrets at the door: what came through although it was to be stripped before it left.

The same detectors that the daemon strips with, for what is a secret wherever it is found.
"""

from __future__ import annotations

from collections import Counter

from opensession.core.hail import Event
from opensession.core.hub import DoorFinding
from opensession.core.privacy import Rules, Stripper
from opensession.core.privacy.engine import Engine

_SETS = ("keys", "assignments", "urls", "headers", "private-keys")
_OFF = ("paths", "names", "cards", "mail", "phone", "iban", "health")
MAX_FINDINGS = 1000


class Door:
    """Looks at events; immutable, and used by several threads at once."""

    def __init__(self) -> None:
        modes = {**dict.fromkeys(_SETS, "warn"), **dict.fromkeys(_OFF, "off")}
        rules = Rules(strip_paths=False, modes=modes)
        self._stripper = Stripper("", b"", rules)
        # Where no keyword is in the line as it came there is none in its texts either: escapes of
        # JSON only add characters, and those that stand for a letter are looked at.
        self._hits = Engine("", "", b"", rules).hits

    def scan(self, seq: int, line: bytes, event: Event) -> list[DoorFinding]:
        """What is in an event, by kind; never the value."""
        if not self._hits(line) and b"\\u" not in line:
            return []
        found = Counter(
            (finding.kind, finding.confidence)
            for _, finding in self._stripper.find_event(event)
            if finding.set in _SETS
        )
        return [
            DoorFinding(seq=seq, kind=kind, confidence=confidence, count=count)
            for (kind, confidence), count in sorted(found.items())
        ]
