"""Secrets at the door: what came through although it was to be stripped before it left.

The same detectors that the daemon strips with, for what is a secret wherever it is found.
"""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from opensession.core.hub import DoorFinding
from opensession.core.privacy import Rules, Stripper
from opensession.core.privacy.engine import Engine
from opensession.server.receiving.lines import Received

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

    def scan(self, events: Sequence[Received]) -> list[DoorFinding]:
        """What is in some events, by kind; never the value."""
        findings = []
        for one in self._suspects(events):
            found = Counter(
                (finding.kind, finding.confidence)
                for _, finding in self._stripper.find_event(one.event)
                if finding.set in _SETS
            )
            findings += [
                DoorFinding(seq=one.seq, kind=kind, confidence=confidence, count=count)
                for (kind, confidence), count in sorted(found.items())
            ]
        return findings

    def _suspects(self, events: Sequence[Received]) -> Iterator[Received]:
        """Those in which a keyword of a secret stands. Looked for in all lines at once: a call for
        each would cost more than it finds.
        """
        ends = list(itertools.accumulate(len(one.line) + 1 for one in events))
        hits = self._hits(b"\n".join(one.line for one in events))
        marked = {bisect.bisect_right(ends, start) for _, start, _ in hits}
        for number, one in enumerate(events):
            if number in marked or b"\\u" in one.line:
                yield one
