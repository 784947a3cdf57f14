"""The sums of a scan: by kind, file and session. Values are counted by fingerprints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import apsw
import msgspec

from opensession.core.hail import Event
from opensession.core.privacy import Finding, Stripper
from opensession.core.rpc.privacy import ScanFile, ScanKind, ScanReport, ScanSession
from opensession.daemon.archive import DamagedArchive
from opensession.daemon.findings import SETS, raw_values, valued
from opensession.daemon.native import Native
from opensession.daemon.store import body, marks
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK
from opensession.daemon.store.sessions_write import ORIGIN
from opensession.parsers.agent import Delta, SourceGone, SourceRefused

MOST_FILES = 1000


_Marks: TypeAlias = set[bytes]


class _Kind(msgspec.Struct):
    """The sums of one kind; `values` are marks of the distinct ones."""

    set: str
    mode: str
    sure: Counter[str]
    values: _Marks
    left: int = 0


class _Session(msgspec.Struct):
    """The findings of one session, event by event, and what the index has of it."""

    stripper: Stripper
    events: dict[int, list[tuple[Finding, bytes]]] = {}
    replaced: dict[str, int] = {}
    left: list[Finding] = []


class FileTally:
    """What one native file holds. `of_folder` is the stripper of the sessions of a folder, where a
    repository may have stricter rules.
    """

    def __init__(
        self,
        stripper: Stripper,
        native: Native,
        of_folder: Callable[[str], Stripper] | None = None,
    ) -> None:
        self._stripper = stripper
        self._of_folder = of_folder or (lambda folder: stripper)
        self.native = native
        self.sessions: dict[str, _Session] = {}
        self.raw: dict[bytes, tuple[Finding, int]] = {}
        self.problem = ""

    def read(self, read: Callable[[], Iterator[Delta]]) -> None:
        """Looks through all pieces of the source; a failure is a `problem`."""
        try:
            for delta in read():
                for part in delta.sessions:
                    stripper = self._of_folder(part.info.cwd)
                    session = self.sessions.setdefault(
                        self.native.session(part.info.id), _Session(stripper)
                    )
                    session.stripper = stripper
                    for seq in [seq for seq in session.events if seq > part.keep]:
                        del session.events[seq]
                    for seq, event in enumerate(part.events, start=part.keep + 1):
                        found = _of_event(stripper, event)
                        if found:
                            session.events[seq] = found
                self.read_raw(delta.raw)
        except SourceGone:
            self.problem = "it is gone"
        except SourceRefused as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = error.strerror or type(error).__name__
        except (DamagedArchive, MemoryError, KeyError) as error:
            self.problem = type(error).__name__

    def read_raw(self, raw: bytes) -> None:
        """Looks for secrets in bytes, whatever a parser makes of them."""
        for one, forms in raw_values(self._stripper, raw):
            mark = self._stripper.fingerprint(one.kind, forms[-1])
            self.raw[mark] = (one, self.raw.get(mark, (one, 0))[1] + 1)

    def read_index(self, db: apsw.Connection) -> None:
        """Looks for secrets in what the index has of the file's sessions."""
        for name, session in self.sessions.items():
            row = db.execute(
                "SELECT id, redactions FROM session"
                " WHERE origin = ? AND agent = ? AND native_id = ?",
                (ORIGIN, self.native.source.agent, name),
            ).fetchone()
            if row is None:
                continue
            session.replaced = marks.replaced(msgspec.json.decode(row[1], type=dict[str, int]))
            for stored in db.execute(
                "SELECT event_id, time_us, type, task, body FROM event WHERE id BETWEEN ? AND ?",
                (row[0] << SEQ_BITS, row[0] << SEQ_BITS | SEQ_MASK),
            ):
                found = session.stripper.find_event(body.decode(*stored))
                session.left += [one for _, one in found if one.set in SETS]

    def beyond(self) -> dict[bytes, tuple[Finding, int]]:
        """Secrets in the file's bytes that are in none of its events."""
        known = {
            mark
            for session in self.sessions.values()
            for found in session.events.values()
            for _, mark in found
        }
        return {mark: found for mark, found in self.raw.items() if mark not in known}

    def file(self) -> ScanFile:
        """The file as clients get it."""
        kinds: Counter[str] = Counter()
        rows = []
        for name, session in self.sessions.items():
            own = Counter(one.kind for found in session.events.values() for one, _ in found)
            kinds += own
            replaced = sum(session.replaced.values())
            if own or replaced or session.left:
                rows.append(
                    ScanSession(
                        id=name,
                        tool=self.native.source.agent,
                        kinds=dict(own),
                        replaced=replaced,
                        left=len(session.left),
                    )
                )
        beyond: Counter[str] = Counter()
        for one, count in self.beyond().values():
            beyond[one.kind] += count
        return ScanFile(
            path=self.native.source.path,
            tool=self.native.source.agent,
            bytes=self.native.size,
            read_from="archive" if self.native.archive_file else "file",
            kinds=dict(kinds),
            beyond=dict(beyond),
            sessions=rows,
            problem=self.problem,
        )


def _of_event(stripper: Stripper, event: Event) -> list[tuple[Finding, bytes]]:
    return [
        (one, stripper.fingerprint(one.kind, value)) for _, one, value in valued(stripper, event)
    ]


class ReportTally:
    """The sums over files."""

    def __init__(self, stripper: Stripper) -> None:
        self.stripper = stripper
        self._kinds: dict[str, _Kind] = {}
        self._replaced: Counter[str] = Counter()
        self._files: list[tuple[int, ScanFile]] = []
        self._sources = 0
        self._bytes = 0
        self._left_out = 0

    def add(self, tally: FileTally) -> None:
        """Takes one more file in; of the files those with most secrets are kept."""
        self._sources += 1
        self._bytes += tally.native.size
        secrets = 0
        for session in tally.sessions.values():
            self._replaced.update(session.replaced)
            for one in session.left:
                self._kind(one).left += 1
                secrets += 1
            for found in session.events.values():
                secrets += self._count(found)
        beyond = tally.beyond()
        for mark, (one, count) in beyond.items():
            secrets += self._count([(one, mark)] * count)
        file = tally.file()
        if file.kinds or file.beyond or file.problem or any(s.left for s in file.sessions):
            self._files.append((secrets, file))
        if len(self._files) > 2 * MOST_FILES:
            self._cut()

    def report(self) -> ScanReport:
        """The report of all."""
        self._cut()
        rows = [
            ScanKind(
                kind=name,
                set=kind.set,
                mode=kind.mode,
                certain=kind.sure["certain"],
                likely=kind.sure["likely"],
                possible=kind.sure["possible"],
                values=len(kind.values),
                replaced=self._replaced.pop(name, 0),
                left=kind.left,
            )
            for name, kind in self._kinds.items()
        ]
        rows += [
            ScanKind(kind=name, set="", mode="", replaced=count)
            for name, count in self._replaced.items()
        ]
        rows.sort(key=lambda row: (row.set not in SETS, -row.values, row.kind))
        return ScanReport(
            sources=self._sources,
            bytes=self._bytes,
            kinds=rows,
            files=[file for _, file in self._files],
            left_out=self._left_out,
        )

    def _cut(self) -> None:
        self._files.sort(key=lambda pair: -pair[0])
        self._left_out += max(0, len(self._files) - MOST_FILES)
        del self._files[MOST_FILES:]

    def _count(self, found: Iterable[tuple[Finding, bytes]]) -> int:
        secrets = 0
        for one, mark in found:
            kind = self._kind(one)
            kind.sure[one.confidence] += 1
            kind.values.add(mark)
            secrets += one.set in SETS
        return secrets

    def _kind(self, one: Finding) -> _Kind:
        return self._kinds.setdefault(one.kind, _Kind(one.set, one.mode, Counter(), set()))
