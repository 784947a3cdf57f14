"""Taking a secret's value out of what is ours: archive, index, other files of the data folder.

The value is stored nowhere, so it is looked for in the agents' files and in the archive once more,
by a process of its own, and known in memory until this is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from opensession.core.rpc.index import Progress
from opensession.core.rpc.leaks import ScrubReport
from opensession.daemon import audit, scan_process
from opensession.daemon.archive import DamagedArchive
from opensession.daemon.archive.space import DiskFull
from opensession.daemon.findings import tag
from opensession.daemon.jobs import Report
from opensession.daemon.methods.on_user import on_user
from opensession.daemon.native import Native
from opensession.daemon.scanning import Request
from opensession.daemon.state import App
from opensession.daemon.store import leaks_write, natives, scrub
from opensession.daemon.store.leaks import Leak
from opensession.daemon.store.sources import SourceRow
from opensession.daemon.store.writer import Writer

log = logging.getLogger(__name__)


async def run(app: App, leak: Leak, *, archive: bool, report: Report) -> dict[str, Any]:
    """The numbers of a `ScrubReport`. What could not be done is told there, not raised."""
    name = tag(leak.fingerprint)
    keys = [each.key for each in leak.reached]
    audit.record(app.paths, "leaks.scrub", "destroy", id=name, archive=archive, sessions=len(keys))
    rows = await app.library.query(natives.sources_of, keys)
    values = await _values(app, leak, rows, report)
    if not values:
        return msgspec.structs.asdict(ScrubReport(id=name, found=False))
    try:
        value = scrub.Value(values, f"[redacted:{leak.kind}:{name}]")
    except ValueError as error:
        problem = f"its value is {error}"
        return msgspec.structs.asdict(ScrubReport(id=name, found=True, problems=[problem]))
    problems: list[str] = []
    occurrences = archives = 0
    if archive:
        # From now on nothing new of it is archived; then what is there is overwritten.
        length, signs = app.library.form_of(leak.fingerprint, values)
        mark = partial(leaks_write.mark_scrubbed, leak=leak.number, length=length, signs=signs)
        await on_user(app, mark)
        await app.library.take_scrubbed()
        for number, row in enumerate(rows):
            report(Progress(job="", done=number, total=len(rows), unit="files"))
            count, problem = await _archive(app, row, value)
            occurrences += count
            archives += count > 0
            problems += [problem] if problem else []
        if archives:
            await on_user(app, partial(leaks_write.mark_altered, sessions=keys))
        if problems:
            await on_user(app, partial(leaks_write.mark_scrubbed, leak=leak.number, undo=True))
            await app.library.take_scrubbed()
    loop = asyncio.get_running_loop()

    def turn(work: Callable[[Writer], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(app.library.write(work), loop).result()

    done = await asyncio.to_thread(scrub.scrub_index, turn, keys, value)
    if done.left:
        problems.append("the index still holds bytes of it: opensession index --rebuild")
    problems += await asyncio.to_thread(_elsewhere, app.paths.data_dir, value)
    holders = await asyncio.to_thread(_holders, app, rows, value)
    log.info("secret %s: %d events, %d archive files", name, done.events, archives)
    report(Progress(job="", done=len(rows), total=len(rows), unit="files"))
    return msgspec.structs.asdict(
        ScrubReport(
            id=name,
            found=True,
            events=done.events,
            titles=done.titles,
            occurrences=occurrences,
            archives=archives,
            holders=holders,
            problems=problems,
        )
    )


async def _values(app: App, leak: Leak, rows: Sequence[SourceRow], report: Report) -> list[str]:
    """The value in its forms, from files and archive; of the archive the latest bytes first."""
    folder = app.paths.archive_dir
    files = [Native(row.source, row.size, suffix=row.suffix) for row in rows if _exists(row)]
    latest = [native for row in rows if (native := natives.archived(row, folder)) is not None]
    older = [
        msgspec.structs.replace(native, generation=number)
        for native in latest
        for number in range(native.generation - 1, 0, -1)
    ]
    found: dict[str, None] = {}
    for some in (files, latest, older):
        if some is older and found:
            break
        for native in some:
            report(Progress(job="", done=0, total=len(rows), unit="files", detail="looking"))
            request = Request("values", [native], fingerprint=leak.fingerprint)
            for value in await _asked(app, request):
                found[value.decode("utf-8", "surrogatepass")] = None
    return list(found)


async def _asked(app: App, request: Request) -> list[bytes]:
    answer = await scan_process.ask(app.environ, request)
    return msgspec.json.decode(answer, type=list[bytes])


async def _archive(app: App, row: SourceRow, value: scrub.Value) -> tuple[int, str]:
    """How often the value was overwritten in a source's archive, and what kept it from being."""
    try:
        work = partial(scrub.scrub_source, source_id=row.id, value=value)
        return await app.library.write(work), ""
    except DamagedArchive as error:
        return 0, f"the archive of {row.path} was not changed: {error}"
    except DiskFull:
        return 0, f"the archive of {row.path} was not changed: the disk is full"
    except OSError as error:
        return 0, f"the archive of {row.path} was not changed: {error.strerror}"


def _exists(row: SourceRow) -> bool:
    return row.state != "gone" and Path(row.path).exists()


def _holders(app: App, rows: Sequence[SourceRow], value: scrub.Value) -> list[str]:
    """Files of agents that hold the value: those are never written to."""
    found = []
    for row in rows:
        agents = [agent for agent in app.library.agents if agent.name == row.agent]
        files = agents[0].files(row.source) if agents else (row.path,)
        found += [file for file in files if scrub.holds(Path(file), value)]
    return found


def _elsewhere(folder: Path, value: scrub.Value) -> list[str]:
    """Older copies of the index that hold the value: they are a person's to remove."""
    return [
        f"{path} holds it as well: remove it"
        for path in sorted(folder.glob("index.db.*"))
        if scrub.holds(path, value)
    ]
