"""archive.revive: archived bytes back where their agent looks for them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path

from opensession.core.errors import NotFound, Refused, Unreachable
from opensession.core.rpc.revive import RevivedFile, ReviveParams, ReviveResult
from opensession.core.rpc.sessions import ResolveParams
from opensession.daemon import audit, revive
from opensession.daemon.client import Client
from opensession.daemon.options import place_of
from opensession.daemon.revive import Part, Wanted
from opensession.daemon.revive_states import fullest
from opensession.daemon.root_watch import resolved
from opensession.daemon.state import App, Handler
from opensession.daemon.store import leaks
from opensession.daemon.store.resolve import resolve
from opensession.daemon.store.source_marks import Links, folder_today
from opensession.parsers.agent import Agent, SourceGone, SourceRefused


async def put_back(app: App, params: ReviveParams, client: Client) -> ReviveResult:
    """Put the files of a session back where its agent looks for them, and say how to go on with
    it. Never over a file, never into a database. Raises NotFound, Refused.
    """
    asked = ResolveParams(ref=params.ref, scope=params.scope, all=params.all)
    found = await app.library.read(resolve, asked)
    if len(found.ids) != 1:
        raise NotFound(f"{params.ref} names {len(found.ids)} sessions", "opensession log --all")
    named = found.tools[0], found.ids[0]
    wanted = await app.library.query(revive.wanted, *named)
    agent = next((each for each in app.library.agents if each.name == wanted.agent), None)
    if agent is None or not wanted.sources:
        raise Refused(f"{wanted.agent} is no agent that is known here", "opensession watcher list")
    if params.really and not app.loaded.settings.watchers.enabled(agent.name):
        raise Unreachable(
            f"{agent.label} is not watched", f"opensession watcher enable {agent.name}"
        )
    files, notes = await asyncio.to_thread(_put_back, app, wanted, agent, params)
    written = [file for file in files if file.state == "written"]
    if written:
        audit.record(
            app.paths,
            "archive.revive",
            "change",
            id=wanted.id,
            files=len(written),
            bytes=sum(file.bytes for file in written),
        )
        with contextlib.suppress(Unreachable):
            await app.library.reconcile()
    altered = functools.partial(leaks.altered, agent=wanted.agent, native_id=wanted.id)
    altered_at = None if app.user is None else await app.user.run(altered)
    if altered_at is not None:
        notes.append("a value was scrubbed from the archive: these are not quite its agent's bytes")
    folder = await asyncio.to_thread(_folder_of, wanted.cwd, app.library.links)
    if folder != wanted.cwd:
        now = f"at {folder} now" if folder else "not there any more"
        notes.append(f"its folder {wanted.cwd} is {now}")
    return ReviveResult(
        id=wanted.id,
        short=wanted.short,
        tool=wanted.agent,
        files=files,
        resume=[word.replace("{id}", wanted.id) for word in agent.resume],
        directory=folder,
        load=list(agent.loads) if _are_exports(app, wanted, agent, files) else [],
        notes=notes,
    )


def _folder_of(cwd: str, links: Links) -> str:
    """The folder of a session, or where a person said that it is now; empty where neither is."""
    return next(
        (each for each in (cwd, folder_today(cwd, links)) if each and Path(each).is_dir()), ""
    )


def _put_back(
    app: App, wanted: Wanted, agent: Agent, params: ReviveParams
) -> tuple[list[RevivedFile], list[str]]:
    """The files of all sources of a session. A subagent that cannot be had is only told."""
    roots = [root for found in map(resolved, app.library.roots_of([agent])) for root in found]
    parts: list[Part] = []
    files: list[RevivedFile] = []
    notes: list[str] = []
    really = params.really
    for number, row in enumerate(wanted.sources):
        older = 0 if number else params.older
        try:
            if agent.storage(row.source) == "rows":
                ids = [native_id for native_id, source in wanted.members if source == row.id]
                files += _exports(app, wanted, agent, number, ids, params)
            else:
                parts += revive.parts_of(row, agent, roots, app.paths.archive_dir, older)
        except Refused as error:
            if number == 0:
                raise
            notes.append(f"without a subagent: {error}")
    if not params.older:
        ago, longest = fullest(wanted.sources[0], app.paths.archive_dir)
        if ago:
            notes.append(
                f"before its agent wrote it anew it was longer, {longest:,} bytes:"
                f" opensession revive {wanted.short} --older {ago}"
            )
    return [*revive.put_back(parts, really=really), *files], notes


def _exports(
    app: App, wanted: Wanted, agent: Agent, number: int, ids: Sequence[str], params: ReviveParams
) -> list[RevivedFile]:
    """Files for the agent's own import, of the sessions that its database has not."""
    if not agent.loads:
        raise revive.in_a_database(agent, wanted.short)
    row = wanted.sources[number]
    made: list[RevivedFile] = []
    for native_id in ids:
        try:
            path = revive.export(
                row,
                agent,
                native_id,
                app.paths.archive_dir,
                place_of(app.paths).scratch,
                0 if number else params.older,
            )
        except (SourceRefused, SourceGone, OSError) as error:
            raise Refused(f"{row.path} cannot be looked into", "opensession coverage") from error
        if not path:
            made.append(RevivedFile(path=row.path, state="present"))
            continue
        size = Path(path).stat().st_size
        if params.really:
            made.append(RevivedFile(path=path, state="written", bytes=size))
        else:
            Path(path).unlink()
            made.append(RevivedFile(path=row.path, state="absent", bytes=size))
    return made


def _are_exports(app: App, wanted: Wanted, agent: Agent, files: Sequence[RevivedFile]) -> bool:
    """Whether some of the files are, or would be, for the agent's own import."""
    databases = {row.path for row in wanted.sources if agent.storage(row.source) == "rows"}
    scratch = place_of(app.paths).scratch
    return any(
        file.path in databases if file.state == "absent" else Path(file.path).parent == scratch
        for file in files
        if file.state != "present"
    )


HANDLERS: dict[str, Handler] = {"archive.revive": put_back}
