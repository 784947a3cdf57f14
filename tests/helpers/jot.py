"""A toy agent whose sessions are easy to write down, for everything between reading and storing.

One JSON object per line of `<session id>.jot`:

    {"id", "at", "type", "text", "data", "attributes"}     an event; all but `type` may be left out
    {"child", "secondary", …}                              one of `<session id>-<child>` inside it
    {"title"}, {"cwd"}, {"ended"}                          what is said of the session
    {"usage": {"message_id", "output"}, …}                 tokens, on the event of the same line
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec

from opensession.core.hail import Event, SessionInfo, Usage, text
from opensession.core.ids import content_id
from opensession.core.privacy import Stripper
from opensession.daemon.batch import Batch
from opensession.daemon.prepare import batches
from opensession.daemon.store import body
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import open_reader
from opensession.daemon.store.sources import SourceRow
from opensession.daemon.store.writer import Writer
from opensession.parsers.agent import (
    SLICE_BYTES,
    Agent,
    Cursor,
    Delta,
    Environment,
    Root,
    SessionDelta,
    Source,
)
from opensession.parsers.jsonl import Fed, Line, read_lines

NOON = 1_767_268_800_000_000
STRIPPER = Stripper("/home/somebody", b"k" * 32)


class _State(msgspec.Struct):
    info: SessionInfo
    counts: dict[str, int] = {}
    ended: bool = False


class Jot(Agent):
    """The agent. `parser_version` and `slice_bytes` can be set by a test."""

    name = "jot"
    ids = "the name of the file"
    label = "Jot"
    color = "#000000"
    variables: tuple[str, ...] = ()
    retention_days: int | None = None
    resume: tuple[str, ...] = ()

    def __init__(self, parser_version: int = 1, slice_bytes: int = SLICE_BYTES) -> None:
        self.parser_version = parser_version
        self.slice_bytes = slice_bytes

    def roots(self, env: Environment) -> list[Root]:
        return [Root(self.name, f"{env.home}/jots")]

    def sources(self, root: Root) -> Iterator[Source]:
        for path in sorted(Path(root.path).glob("**/*.jot*")):
            yield Source(self.name, root.path, str(path))

    def source_of(self, root: Root, path: str) -> Source | None:
        return Source(self.name, root.path, path) if ".jot" in path else None

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        return read_lines(source, cursor, self._feed, slice_bytes=self.slice_bytes)

    def _feed(self, source: Source, state: bytes, lines: list[Line]) -> Fed:
        native_id = Path(source.path).name.split(".jot")[0]
        known = (
            msgspec.msgpack.decode(state, type=_State)
            if state
            else _State(SessionInfo(id=native_id, agent=self.name))
        )
        found: dict[str, tuple[list[Event], list[Usage], bool]] = {native_id: ([], [], False)}
        before = dict(known.counts)
        skipped = 0
        for line in lines:
            try:
                entry = json.loads(line.data)
            except ValueError:
                skipped += 1
                continue
            for name in ("title", "cwd"):
                if name in entry:
                    known.info = msgspec.structs.replace(known.info, **{name: entry[name]})
            known.ended = known.ended or "ended" in entry
            if "type" not in entry:
                continue
            child = f"{native_id}-{entry['child']}" if "child" in entry else native_id
            events, usage, _ = found.setdefault(child, ([], [], bool(entry.get("secondary"))))
            seq = known.counts[child] = known.counts.get(child, 0) + 1
            events.append(self._event(line, entry))
            if "usage" in entry:
                usage.append(
                    Usage(seq=seq, time_us=events[-1].time_us, model="m", **entry["usage"])
                )
        sessions = [
            SessionDelta(
                info=known.info
                if child == native_id
                else SessionInfo(id=child, agent=self.name, role="auxiliary", parent=native_id),
                keep=before.get(child, 0),
                events=events,
                usage=usage,
                secondary=secondary,
                ended=known.ended and child == native_id,
            )
            for child, (events, usage, secondary) in found.items()
        ]
        return Fed(
            sessions=sessions,
            state=msgspec.msgpack.encode(known),
            skipped={"malformed": skipped} if skipped else {},
        )

    def _event(self, line: Line, entry: dict[str, Any]) -> Event:
        said = entry.get("text", "")
        return Event(
            event_id=entry.get("id") or content_id(entry["type"], str(entry.get("at")), line.data),
            time_us=NOON + entry.get("at", 0) * 1_000_000,
            type=entry["type"],
            data=entry.get("data"),
            blocks=[text(said if self.parser_version == 1 else f"v{self.parser_version} {said}")],
            attributes=entry.get("attributes", {}),
        )


def line(said: str = "", kind: str = "UserMessage", **more: Any) -> str:
    """One line of a jot file, with its line break."""
    return json.dumps({"type": kind, "text": said, **more}) + "\n"


class Desk:
    """A folder of jot files, an index and an archive; reads as the daemon would, in this thread."""

    def __init__(self, folder: Path, agent: Jot | None = None, *, archive: bool = True) -> None:
        self.folder = folder
        self.jots = folder / "jots"
        self.index = folder / "index.db"
        self.archive_dir = folder / "archive"
        self.agent = agent or Jot()
        self.archiving = archive
        self.jots.mkdir(exist_ok=True)
        self.writer = self.open()

    def open(self) -> Writer:
        """A writer of this desk; the one before is expected to be closed or dead."""
        return Writer(self.index, self.archive_dir, archive=self.archiving)

    def restart(self) -> None:
        """As if the daemon had been stopped and started."""
        self.writer.close()
        self.writer = self.open()
        self.writer.recover({"jot": self.agent.parser_version}, 1)

    def source(self, name: str) -> Source:
        return Source("jot", str(self.jots), str(self.jots / name))

    def row(self, name: str) -> SourceRow:
        """A source's row, registered if it is new."""
        wanted = self.writer.register([self.source(name)])[0]
        return next(row for row in self.writer.sources() if row.id == wanted)

    def ids(self, name: str = "a") -> list[str]:
        """The ids of a session's events, in order."""
        return [event[1] for event in dump(self.index)[name]["events"]]

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """What the index answers."""
        db = open_reader(self.index)
        rows: list[tuple[object, ...]] = db.execute(query).fetchall()
        db.close()
        return rows

    def found(self, words: str) -> list[int]:
        """The seqs where words are found."""
        db = open_reader(self.index)
        rows = db.execute("SELECT rowid & 0xffffff FROM search WHERE search MATCH ?", (words,))
        seqs = sorted(seq for (seq,) in rows)
        db.close()
        return seqs

    def write(self, name: str, *lines: str, append: bool = False) -> None:
        path = self.jots / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if append else "w", encoding="utf-8") as out:
            out.write("".join(lines))

    def replace(self, name: str, *lines: str) -> None:
        """Another file takes the name, as editors and agents do it."""
        self.write(f"{name}.new", *lines)
        (self.jots / f"{name}.new").rename(self.jots / name)

    def prepared(self, name: str, *, read_from: str = "") -> list[Batch]:
        """What a read of a source gives now."""
        row = self.row(name)
        source = Source(row.agent, row.root, row.path, read_from)
        agent: Agent = self.agent
        return list(batches(agent, row.id, source, row.cursor, STRIPPER, archive=self.archiving))

    def read(self, name: str) -> list[Change]:
        """Reads a source, and every other that has to be read because of that."""
        changes = self.writer.apply(self.prepared(name))
        for _ in range(20):
            again = self.writer.unread()
            if not again:
                return changes
            rows = {row.id: row for row in self.writer.sources()}
            for source_id in again:
                path = rows[source_id].path
                changes += self.writer.apply(self.prepared(str(Path(path).relative_to(self.jots))))
        raise AssertionError("sources are read again and again")

    def add(self, name: str, *lines: str) -> list[Change]:
        """Appends lines and reads them."""
        self.write(name, *lines, append=True)
        return self.read(name)


@contextmanager
def desk(folder: Path, agent: Jot | None = None, *, archive: bool = True) -> Iterator[Desk]:
    """A desk that is closed at the end."""
    found = Desk(folder, agent, archive=archive)
    try:
        yield found
    finally:
        found.writer.close()


def dump(index: Path, *names: str) -> dict[str, Any]:
    """Everything an index says of sessions, in terms that do not depend on how it came to be.

    With `names`, of these sessions only.
    """
    db = apsw.Connection(str(index), flags=apsw.SQLITE_OPEN_READONLY)
    sessions = {
        key: native_id
        for key, native_id in db.execute("SELECT id, native_id FROM session")
        if not names or native_id in names
    }
    found: dict[str, Any] = {name: {} for name in sessions.values()}
    for row in db.execute(f"SELECT id, {_SAID} FROM session"):
        if row[0] in sessions:
            found[sessions[row[0]]] = {"session": row[1:], "events": [], "usage": [], "touch": []}
    for key, *rest, content in db.execute(
        "SELECT id, event_id, time_us, type, flags, task, body FROM event ORDER BY id"
    ):
        if key >> 24 in sessions:
            place = found[sessions[key >> 24]]["events"]
            place.append((key & 0xFFFFFF, *rest, body.unpack(content)))
    for table, order in (("usage", "message_id"), ("file_touch", "seq, path, kind")):
        for key, *rest in db.execute(f"SELECT * FROM {table} ORDER BY session, {order}"):
            if key in sessions:
                found[sessions[key]][table.removeprefix("file_")].append(tuple(rest))
    db.execute("CREATE VIRTUAL TABLE temp.word USING fts5vocab (main, search, instance)")
    words: dict[str, set[tuple[Any, ...]]] = {name: set() for name in sessions.values()}
    for term, key, column, offset in db.execute("SELECT term, doc, col, offset FROM temp.word"):
        if key >> 24 in sessions:
            words[sessions[key >> 24]].add((key & 0xFFFFFF, term, column, offset))
    for name, entries in words.items():
        found[name]["words"] = sorted(entries)
    db.close()
    return found


_SAID = (
    "role, parent, model, title, description, cwd, created_us, updated_us, event_count,"
    " message_count, user_message_count, tool_call_count, error_count, lines_added, lines_removed,"
    " ended, redactions, parser_version, reread, secondary"
)
