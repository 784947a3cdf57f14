"""Which state of a source is put back: the newest, or one from before its agent wrote it anew."""

from __future__ import annotations

from pathlib import Path

from opensession.core.errors import Refused
from opensession.daemon.archive import extent, file_for, scan
from opensession.daemon.archive.frames import Scan
from opensession.daemon.store.sources import SourceRow


def generation_of(row: SourceRow, file: Path, older: int = 0) -> int:
    """The generation of so many states ago; of the newest, all that was read of the source has to
    be there. Raises Refused.
    """
    try:
        found = scan(file)
    except FileNotFoundError as error:
        raise Refused(
            "the archive does not hold this session (archive.raw was off, or it was forgotten)",
            "opensession show, which has what was indexed",
        ) from error
    if older:
        states = _states(found)
        if older >= len(states):
            held = len(states) - 1
            raise Refused(
                f"the archive holds {held} older state{'' if held == 1 else 's'} of {row.path}",
                "opensession revive REF --dry-run",
            )
        return states[older]
    generation = found.generation or row.generation
    length = extent(found.entries, generation)
    if length < row.offset:
        raise Refused(
            f"the archive holds {length} of {row.offset} bytes of {row.path}: a shorter file would"
            " take away what is indexed",
            "opensession show --format hail > FILE",
        )
    return generation


def fullest(row: SourceRow, archive_dir: Path) -> tuple[int, int]:
    """How many states ago a source was longest, and how long (0: the newest is)."""
    try:
        found = scan(file_for(archive_dir, row.agent, row.path))
    except FileNotFoundError:
        return 0, 0
    lengths = [extent(found.entries, generation) for generation in _states(found)]
    longest = max(lengths, default=0)
    return (lengths.index(longest) if lengths else 0), longest


def _states(found: Scan) -> list[int]:
    """The generations of a file, the newest first."""
    return sorted({entry.generation for entry in found.entries}, reverse=True)
