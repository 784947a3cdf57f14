"""`opensession forget`, `unforget`: taking away what is stored of sessions, and that back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from opensession.client import output
from opensession.client.arguments import folder_or_name, moment
from opensession.client.confirming import go_on
from opensession.client.connection import Daemon
from opensession.client.options import All, AsJson, NoStart, Yes
from opensession.client.start import reach
from opensession.core.rpc.envelope import Nothing
from opensession.core.rpc.keeping import (
    ForgetParams,
    ForgetResult,
    Forgettable,
    ForgettableParams,
    Forgotten,
)

AT_ONCE = 20
"""Sessions of one call, so that each is answered soon."""

ERASE_SECONDS = 2.0
"""How long to wait for the bytes to be overwritten; it goes on all the same."""

SHOWN = 5
"""Titles and files that are shown before the question."""


def forget(
    refs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF]...", help="A short, an id, HEAD or an alias."),
    ] = None,
    project: Annotated[
        str, typer.Option("--project", metavar="PATH", help="All sessions of a project.")
    ] = "",
    before: Annotated[
        str,
        typer.Option(
            "--before",
            metavar="TIME",
            help="All not active since: 90d, a date. Not those without any time.",
        ),
    ] = "",
    also_source: Annotated[
        bool,
        typer.Option("--also-source", help="Remove the agents' own files of them too; asks again."),
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="How many are forgotten, and whether all is erased.")
    ] = False,
    yes: Yes = False,
    all_: All = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Take away what is stored of sessions and of their subagents, the archive included, and take
    in no more of them. They are hidden at once, and erased when their bytes are overwritten, in the
    background; a hub that has them is asked to delete them. The agents' own files are untouched
    without --also-source.

    opensession forget 7f3a9c1e 0b2c4d6e
    opensession forget --project ~/work/api --before 90d
    opensession forget --status
    """
    with reach(no_start=no_start) as daemon:
        if status:
            _tell_status(daemon, as_json=json)
            return
        asked = ForgettableParams(
            refs=refs or [],
            project=folder_or_name(project),
            before=moment(before, "--before"),
            scope=str(Path.cwd()),
            all=all_,
        )
        found = daemon.call("archive.forgettable", asked, Forgettable)
        if not found.sessions:
            if json:
                output.emit_json(ForgetResult())
            output.note("no session fits: nothing was changed")
            return
        _show(found)
        go_on("this takes data away", yes=yes, otherwise="opensession log")
        if also_source and found.files:
            _show_files(found)
            go_on("this removes files of your agents", yes=yes, otherwise="opensession log")
        done = _forget(daemon, [row.ref for row in found.sessions], also_source)
        state = _settled(daemon)
    if json:
        output.emit_json({**msgspec.to_builtins(done), "erasing": state.erasing})
        return
    _tell(found, done, state)


def unforget(
    sessions: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="Whole ids of sessions, as their agents have them."),
    ],
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Take in again sessions that `forget` or a line `#private` made be forgotten, from their
    agents' files. Lines `#private` that are in them now count no more; later ones do.

    opensession unforget 0a1b2c3d-1111-4222-8333-444455556666
    """
    there: list[str] = []
    with reach(no_start=no_start) as daemon:
        files = 0
        for one in sessions:
            params = ForgetParams(refs=[one], undo=True)
            found = daemon.call("archive.forget", params, ForgetResult).sources
            files += found
            there += [one] if found else []
    if json:
        output.emit_json(ForgetResult(sources=files))
        return
    if there:
        output.note(f"taken in again: {', '.join(there)}")
    if away := [one for one in sessions if one not in there]:
        output.note(f"forgotten no more, but no file of it is here any more: {', '.join(away)}")


def _forget(daemon: Daemon, refs: list[str], also_source: bool) -> ForgetResult:
    done = ForgetResult()
    for start in range(0, len(refs), AT_ONCE):
        params = ForgetParams(refs=refs[start : start + AT_ONCE], also_source=also_source)
        part = daemon.call("archive.forget", params, ForgetResult)
        done = ForgetResult(
            ids=done.ids + part.ids,
            recalled=done.recalled + part.recalled,
            removed=done.removed + part.removed,
            left=done.left + part.left,
            kept=done.kept + part.kept,
        )
    return done


def _settled(daemon: Daemon) -> Forgotten:
    """How it stands, after a moment for the overwriting, which mostly takes no longer."""
    deadline = time.monotonic() + ERASE_SECONDS
    while True:
        state = daemon.call("archive.forgotten", Nothing(), Forgotten)
        if not state.erasing or time.monotonic() >= deadline:
            return state
        time.sleep(0.1)


def _show(found: Forgettable) -> None:
    """What will be taken away: counts, the newest titles, bytes, and what cannot be had back."""
    from opensession.client.render.numbers import count, size
    from opensession.client.render.words import line

    subagents = f" and {count(found.subagents, 'subagent')}" if found.subagents else ""
    output.note(
        f"{count(len(found.sessions), 'session')}{subagents} will be forgotten:"
        f" {count(found.events, 'event')}, {size(found.bytes)} of the archive"
    )
    for row in found.sessions[:SHOWN]:
        mark = "  running" if row.running else ""
        output.note(
            f"  {row.updated_at[:10]}  {line(row.tool)} {row.short}  {line(row.title)}{mark}"
        )
    if len(found.sessions) > SHOWN:
        output.note(f"  and {len(found.sessions) - SHOWN} older")
    if found.gone:
        output.note(f"of {found.gone} the agent has deleted the file: there will be no way back")
    if found.named:
        whose = f" of {found.named} of them" if len(found.sessions) > 1 else ""
        output.note(f"alias, tags, note and star{whose} go too, for good")
    if found.beside:
        others = "1 other session is" if found.beside == 1 else f"{found.beside} other sessions are"
        output.note(f"{others} in the same files, and will not be in the archive any more")
    if found.published:
        output.note(f"{found.published} may be on a hub, which will be asked to delete them")


def _show_files(found: Forgettable) -> None:
    from opensession.client.render.numbers import count, size
    from opensession.client.render.words import line

    output.note(f"{count(len(found.files), 'file')} of your agents will be removed as well,")
    output.note(f"{size(found.file_bytes)}; no way back, and no `unforget`:")
    for path in found.files[:SHOWN]:
        output.note(f"  {line(path)}")
    if len(found.files) > SHOWN:
        output.note(f"  and {len(found.files) - SHOWN} more")


def _tell(found: Forgettable, done: ForgetResult, state: Forgotten) -> None:
    from opensession.client.render.numbers import count
    from opensession.client.render.words import line

    others = len(done.ids) - len(found.sessions)
    subagents = f" and {count(others, 'subagent')}" if others > 0 else ""
    sessions = count(len(done.ids) - max(others, 0), "session")
    output.note(f"hidden: {sessions}{subagents}, found by nothing any more")
    if done.removed:
        output.note(f"removed: {count(len(done.removed), 'file')} of your agents")
    elif not done.left:
        output.note("the agents' own files are untouched")
    for path in done.left:
        output.note(f"left, since it holds more than these or cannot be removed: {line(path)}")
    if done.recalled:
        output.note(f"{done.recalled} may be on a hub, which is asked to delete them")
    if state.erasing:
        output.note("their bytes are still being overwritten: opensession forget --status")
    else:
        output.note("erased: their bytes are overwritten")
    # All of them: the tombstones hold no ids, so nothing can tell them later.
    back = [row for row in found.sessions if not row.source_gone]
    if done.removed:
        back = [row for row in back if row.id in done.kept]
    ids = " ".join(line(row.id) for row in back)
    if ids:
        output.note(
            f"next: opensession unforget {ids}    # by the whole ids, if you want them back"
        )


def _tell_status(daemon: Daemon, *, as_json: bool) -> None:
    from opensession.client.render.numbers import count

    state = daemon.call("archive.forgotten", Nothing(), Forgotten)
    if as_json:
        output.emit_json(state)
        return
    how = "bytes of some are still being overwritten" if state.erasing else "all of it is erased"
    said = f"{count(state.sessions, 'session')} forgotten; {how}"
    output.note(said if state.sessions else "no session is forgotten")
    if state.recalls:
        output.note(f"{count(state.recalls, 'publication')} a hub is still to delete")
