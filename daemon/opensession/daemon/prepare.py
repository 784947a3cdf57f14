"""From a source to batches that are ready to be stored: read, strip, encode, compress.

Runs in a worker process or in a thread and touches no database. Stripping comes first; bodies,
search text and titles are made of what it left. Only the frame for the archive holds the original.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from opensession.core import search_text
from opensession.core.hail import Event
from opensession.core.privacy import STRIP_VERSION, Stripper
from opensession.daemon.archive import make_frame
from opensession.daemon.batch import Batch, PreparedSession, PrivateLine, Row, Touch
from opensession.daemon.findings import secrets_of, secrets_of_info
from opensession.daemon.gitfacts import GitFacts, clean_remote, git_facts
from opensession.daemon.pausing import without_paused
from opensession.daemon.scrubbed import Scrubbed, alone, replaced, replaced_info, without_scrubbed
from opensession.daemon.store import body, marks
from opensession.daemon.taking import Taking
from opensession.daemon.tally import is_error, tally
from opensession.parsers.agent import Agent, Cursor, SessionDelta, Source
from opensession.parsers.masking import blanked

ERROR = 1
"""The bit of `Row.flags` that marks a result that failed."""

PRIVATE_LINE = "#private"

_TOUCHES = {"FileRead": "read", "FileEdit": "edit", "FileCreate": "create", "FileDelete": "delete"}


def batches(
    agent: Agent,
    source_id: int,
    source: Source,
    cursor: Cursor | None,
    stripper: Stripper,
    *,
    archive: bool,
    taking: Taking | None = None,
    scrubbed: Sequence[Scrubbed] = (),
) -> Iterator[Batch]:
    """Reads `source` on from `cursor` (None: from its beginning) to where it ends now. `taking`
    says what of files is left out, and what repositories ask for. Values that are `scrubbed` are
    archived with a mask over them, and replaced wherever they stand.

    At least one batch comes, also where nothing is new. Raises what `agent.read` raises, possibly
    after some batches, which stay valid.
    """
    repositories: dict[str, GitFacts | None] = {}
    taking = taking or Taking(stripper)
    cursor, anew = taking.begin(cursor)
    more = True
    while more:
        delta = agent.read(source, cursor)
        more = delta.more
        sessions = [without_paused(session, taking.paused) for session in delta.sessions]
        bare = alone(stripper, delta.raw, scrubbed) if scrubbed else {}
        frame = None
        if archive and delta.raw:
            hidden = any(
                one is not other for one, other in zip(sessions, delta.sessions, strict=True)
            )
            if hidden:
                raw = blanked(delta.raw, 0, [(0, len(delta.raw))])
            else:
                raw = delta.raw
                if scrubbed:
                    raw = without_scrubbed(stripper, delta, scrubbed, bare)
            frame = make_frame(delta.raw_offset, raw)
        yield Batch(
            source_id=source_id,
            expected_offset=cursor.offset if cursor is not None else 0,
            restarted=delta.restarted or anew,
            frame=frame,
            raw_bytes=len(delta.raw),
            sessions=[_session(session, taking, repositories, bare) for session in sessions],
            cursor=taking.carried(delta.cursor),
            parser_version=agent.parser_version,
            strip_version=STRIP_VERSION,
            skipped=delta.skipped,
            unknown=delta.unknown,
            more=more,
            keeps=delta.keeps,
            present=delta.present,
            private=[line for one in sessions for line in private_lines(one)],
        )
        cursor, anew = delta.cursor, False


def _session(
    delta: SessionDelta,
    taking: Taking,
    repositories: dict[str, GitFacts | None],
    bare: Mapping[str, Scrubbed],
) -> PreparedSession:
    means = taking.of(delta.info.cwd)
    stripper = means.stripper
    delta = taking.without_files(delta)
    redactions: dict[str, int] = {}
    events = []
    rows = []
    touches = []
    clean = stripper.strip_events(delta.events)
    if bare:
        clean = [replaced(event, found, bare) for event, found in clean]
    pairs = zip(delta.events, clean, strict=True)
    for seq, (event, (stripped, found)) in enumerate(pairs, start=delta.keep + 1):
        if found:
            for kind, count in found.items():
                redactions[kind] = redactions.get(kind, 0) + count
        if means.told and (found or "warn" in means.told):
            marks.count(stripper, event, redactions)
        events.append(stripped)
        rows.append(_row(stripped))
        touch = _TOUCHES.get(event.type)
        if touch is not None and event.data is not None:
            path = event.data.get("path")
            if isinstance(path, str) and path:
                folder = event.attributes.get("cwd") or delta.info.cwd
                touches.append(Touch(seq, _absolute(path, folder), touch))
    reports = "warn" in means.told
    secrets = secrets_of(stripper, delta.events, clean, delta.keep + 1, reports=reports)
    info = stripper.strip_info(delta.info)
    if bare:
        info = replaced_info(info, bare)
    if info.title != delta.info.title:
        secrets += secrets_of_info(stripper, delta.info)
    if info.git_remote:
        info = msgspec.structs.replace(info, git_remote=clean_remote(info.git_remote))
    place = delta.info.cwd
    if place not in repositories:
        repositories[place] = git_facts(place)
    return PreparedSession(
        info=info,
        keep=delta.keep,
        rows=rows,
        usage=delta.usage,
        touches=touches,
        tally=tally(events),
        redactions=redactions,
        secondary=delta.secondary,
        ended=delta.ended,
        git=repositories[place],
        secrets=secrets,
    )


def restripped(delta: SessionDelta, taking: Taking) -> PreparedSession:
    """A session that is stored already, as the rules of now have it."""
    return _session(delta, taking, {}, {})


def private_lines(delta: SessionDelta) -> list[PrivateLine]:
    """The prompts in which a person typed `#private` as a whole line (DECISIONS §5)."""
    if delta.info.role != "primary" or delta.secondary:
        return []
    return [
        PrivateLine(
            delta.info.id, seq, 0 if event.attributes.get("time.estimated") else event.time_us
        )
        for seq, event in enumerate(delta.events, start=delta.keep + 1)
        if event.type == "UserMessage"
        and any(
            PRIVATE_LINE in said and any(line.strip() == PRIVATE_LINE for line in said.splitlines())
            for block in event.blocks
            if isinstance(said := block.get("text"), str)
        )
    ]


def _row(event: Event) -> Row:
    searched = search_text.fts_text(search_text.search_text(event))
    return Row(
        event_id=_storable(event.event_id),
        time_us=event.time_us,
        type=_storable(event.type),
        task_id=_storable(event.task_id) if event.task_id is not None else None,
        flags=ERROR if is_error(event) else 0,
        body=body.encode(event),
        search=_storable(searched),
        parts=search_text.identifier_parts(searched) if searched else "",
    )


def _absolute(path: str, folder: str) -> str:
    """A path as the agent named it, made absolute by the session's folder where it has one."""
    path = _storable(path)
    if path.startswith("~/") or path[1:3] in (":\\", ":/"):
        return path
    if folder.startswith("/"):
        return posixpath.normpath(posixpath.join(folder, path))
    return posixpath.normpath(path) if path.startswith("/") else path


def _storable(value: str) -> str:
    """Lone surrogates cannot be stored as text; they become question marks."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode(errors="replace").decode()
    return value
