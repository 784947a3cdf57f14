"""`alias`, `tag`, `note`, `star`: what a person calls sessions. It stays on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from opensession.client import output
from opensession.client.connection import Daemon
from opensession.client.options import All, AsJson, NoStart
from opensession.client.start import reach
from opensession.core.errors import UsageError
from opensession.core.rpc.envelope import Nothing
from opensession.core.rpc.names import (
    NamedSession,
    NamesListResult,
    NamesSetParams,
    NamesSetResult,
)

Named = Annotated[
    str,
    typer.Argument(metavar="[REF]", help="A session: a short, an id, HEAD, an alias; none: list."),
]
Remove = Annotated[bool, typer.Option("--remove", "-d", help="Take it away.")]


def alias(
    ref: Named = "",
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One line, in quotes.")
    ] = None,
    remove: Remove = False,
    all_: All = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Call a session by a name: it is its title from then on, and a REF. It outlives the session's
    file and a rebuilt index, and stays on this machine.

    opensession alias HEAD limiter
    opensession show limiter
    opensession alias 7f3a9c1e "the login bug"
    opensession alias limiter --remove
    opensession alias                      # all
    """
    if name and remove:
        raise UsageError("an alias is either given or taken away", "opensession alias REF --remove")
    if name is not None and not name.strip():  # an unset variable: neither asked for nor given
        raise UsageError("the alias has no words", "opensession alias REF --remove")
    with reach(no_start=no_start) as daemon:
        if not ref:
            _list([one for one in _all(daemon).sessions if one.alias], "alias", as_json=json)
            return
        given = "" if remove else name
        done = _set(daemon, ref, all_=all_, alias=given)
        _said(done, asked=given is not None, as_json=json)


def tag(
    ref: Named = "",
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="[TAG]...", help="Words to find it by.")
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", "-d", help="Take these away; none given: all.")
    ] = False,
    all_: All = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Put tags on a session, to find it by: `log --tag`, `search tag:`.

    opensession tag HEAD wip auth
    opensession tag HEAD~3 release
    opensession tag HEAD wip --remove
    opensession tag                        # all tags
    opensession log --all --tag wip
    """
    with reach(no_start=no_start) as daemon:
        if not ref:
            _list_tags(_all(daemon), as_json=json)
        elif remove:
            every = not tags
            done = _set(daemon, ref, all_=all_, remove_tags=tags or [], remove_all_tags=every)
            _said(done, asked=True, as_json=json)
        else:
            done = _set(daemon, ref, all_=all_, add_tags=tags or [])
            _said(done, asked=bool(tags), as_json=json)


def note(
    ref: Named = "",
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="The note; - reads stdin.")
    ] = None,
    remove: Remove = False,
    all_: All = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Write a note on a session, in place of the one that it had; `show` shows it.

    opensession note HEAD "works, but slow: try the other index"
    opensession note HEAD - < notes.txt
    opensession note HEAD --remove
    opensession note                       # all
    """
    if words and remove:
        raise UsageError("a note is either written or taken away", "opensession note REF --remove")
    text: str | None = " ".join(words) if words else None
    if text == "-":
        text = sys.stdin.read()
    if text is not None and not text.strip():  # an unset variable must not cost what was written
        raise UsageError("the note has no words", "opensession note REF --remove")
    with reach(no_start=no_start) as daemon:
        if not ref:
            _list([one for one in _all(daemon).sessions if one.note], "note", as_json=json)
            return
        given = "" if remove else text
        _said(_set(daemon, ref, all_=all_, note=given), asked=given is not None, as_json=json)


def star(
    ref: Named = "",
    remove: Remove = False,
    all_: All = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Put a star on a session: `log --starred`, `search star:yes`.

    opensession star HEAD
    opensession star HEAD --remove
    opensession star                       # all
    """
    with reach(no_start=no_start) as daemon:
        if not ref:
            _list([one for one in _all(daemon).sessions if one.starred], "star", as_json=json)
            return
        _said(_set(daemon, ref, all_=all_, starred=not remove), asked=True, as_json=json)


def _all(daemon: Daemon) -> NamesListResult:
    return daemon.call("names.list", Nothing(), NamesListResult)


def _set(
    daemon: Daemon,
    ref: str,
    *,
    all_: bool,
    alias: str | None = None,
    note: str | None = None,
    starred: bool | None = None,
    add_tags: Iterable[str] = (),
    remove_tags: Iterable[str] = (),
    remove_all_tags: bool = False,
) -> NamesSetResult:
    """What sessions are called; with nothing to change, only tells."""
    params = NamesSetParams(
        ref=ref,
        scope=str(Path.cwd()),
        all=all_,
        alias=alias,
        note=note,
        starred=starred,
        add_tags=list(add_tags),
        remove_tags=list(remove_tags),
        remove_all_tags=remove_all_tags,
    )
    return daemon.call("names.set", params, NamesSetResult)


def _said(done: NamesSetResult, *, asked: bool, as_json: bool) -> None:
    if as_json:
        output.emit_json(done)
        return
    from opensession.client.render import names

    output.emit(names.session_lines(done.sessions, output.screen_of(sys.stdout)))
    if asked and not done.changed:
        output.note("nothing was changed: so it was already")


def _list(sessions: list[NamedSession], what: str, *, as_json: bool) -> None:
    if as_json:
        output.emit_json(sessions)
        return
    from opensession.client.render import names

    output.emit(names.session_lines(sessions, output.screen_of(sys.stdout)))
    if not sessions:
        output.note(f"no session has {'an' if what == 'alias' else 'a'} {what} yet")
        output.note(f"next: opensession {what} HEAD{_EXAMPLES[what]}")


def _list_tags(found: NamesListResult, *, as_json: bool) -> None:
    if as_json:
        output.emit_json(found.tags)
        return
    from opensession.client.render import names

    output.emit(names.tag_lines(found.tags, output.screen_of(sys.stdout)))
    if not found.tags:
        output.note("no session has a tag yet")
        output.note(f"next: opensession tag HEAD{_EXAMPLES['tag']}")


_EXAMPLES = {"alias": " NAME", "note": ' "…"', "star": "", "tag": " wip"}
