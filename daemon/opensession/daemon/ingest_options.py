"""Where an ingest keeps what it makes, and what of its ways may change while it runs."""

from __future__ import annotations

from pathlib import Path

import msgspec

from opensession.daemon.reading import Setup
from opensession.daemon.schedule import Timing


class Options(msgspec.Struct, frozen=True):
    """What may change while it runs. Seconds: looks at watched roots, at polled roots, until a
    source is quiet.
    """

    setup: Setup
    timing: Timing = Timing()
    reconcile: float = 600.0
    poll: float = 60.0
    idle: float = 300.0


class Place(msgspec.Struct, frozen=True):
    """Where the index, the archive and short-lived private copies lie."""

    index: Path
    archive: Path
    scratch: Path
