"""What is forgotten, kept out of the archives of databases that a restore joins.

A database is archived as a log of rows with many sessions. One that is forgotten is spaces in the
log of the side on which it was forgotten, and stands as it was in that of the other. It is made
spaces there too before the two are compared: then both are the same again wherever they were.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from opensession.core.paths import make_private
from opensession.daemon import restore_archive
from opensession.daemon.archive import archived_sources, file_for
from opensession.daemon.archive.frames import Identity, open_file, scan_open
from opensession.daemon.archive.reading import read_around
from opensession.daemon.archive.torn import line_by_line
from opensession.daemon.guards import Guards
from opensession.daemon.store.forgetting_archive import blank_archive
from opensession.daemon.store.private import is_database
from opensession.daemon.store.sources import SourceRow

_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What may be the id of a session (DECISIONS §2). Tombstones name none, so each is asked about."""

_MOST_KNOWN = 1 << 18


def is_left_out(guards: Guards, identity: Identity) -> bool:
    """Whether the archive of a source is not to come back: it holds a forgotten session alone, or
    is a file that nothing can be taken out of.
    """
    agent, path = identity.agent, identity.path
    if guards.source_hash(agent, path) in guards.private_sources:
        return True
    return guards.is_unarchived(agent, path) and not is_database(_row(identity))


def merge_file(archive_dir: Path, other: Path, identity: Identity, guards: Guards) -> bool:
    """Joins an archive file of a backup with the one that is here, both without what is forgotten;
    see `restore_archive.merge_file`. `other` lies in an archive folder of its own.
    """
    target = file_for(archive_dir, identity.agent, identity.path)
    if guards.knows_private and is_database(_row(identity)):
        if target.exists():
            # By their hashes, so before anything is blank; what was blank is mended afterwards.
            restore_archive.mend_from(target, other, _row(identity).source)
        blank(other.parent.parent, other, identity, guards)
        if target.exists():
            restore_archive.mend_from(target, other, _row(identity).source)
            blank(archive_dir, target, identity, guards)
    return restore_archive.merge_file(archive_dir, target, other)


def blank_here(archive_dir: Path, guards: Guards) -> None:
    """Takes out of the databases that are archived here what was forgotten elsewhere."""
    if not guards.knows_private:
        return
    for found in archived_sources(archive_dir):
        identity = Identity(found.agent, found.root, found.path)
        if is_database(_row(identity)):
            blank(archive_dir, found.file, identity, guards)


def blank(archive_dir: Path, file: Path, identity: Identity, guards: Guards) -> None:
    """Makes the rows of forgotten sessions spaces in the log of a database, if it has any."""
    names = forgotten_in(file, identity.agent, guards)
    if names:
        make_private(archive_dir)
        blank_archive(archive_dir, _row(identity), names)


def forgotten_in(file: Path, agent: str, guards: Guards) -> set[str]:
    """The forgotten sessions that any state of a log names."""
    found: set[str] = set()
    known: set[bytes] = set()
    descriptor = open_file(file)
    try:
        entries = scan_open(descriptor).entries
        for generation in sorted({entry.generation for entry in entries}):
            for chunk, _ in line_by_line(read_around(descriptor, entries, generation)):
                new = set(_NAME.findall(chunk)) - known
                if len(known) > _MOST_KNOWN:
                    known.clear()
                known |= new
                found |= {name for name in map(bytes.decode, new) if guards.is_private(agent, name)}
    finally:
        os.close(descriptor)
    return found


def _row(identity: Identity) -> SourceRow:
    return SourceRow(id=0, agent=identity.agent, root=identity.root, path=identity.path)
