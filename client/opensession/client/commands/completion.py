"""`opensession completion`: scripts for shells; ids and agents are asked for as one types."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from opensession.client import output
from opensession.client.connection import Daemon
from opensession.core.errors import OpenSessionError

_WORD = re.compile(r"[\w.+@-]+\Z")


class Shell(StrEnum):
    """The shells with a script."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """A completion script, with the ids of sessions.

    opensession completion bash > ~/.local/share/bash-completion/completions/opensession
    opensession completion zsh > "${fpath[1]}/_opensession"
    opensession completion fish > ~/.config/fish/completions/opensession.fish
    """
    from opensession.client import completing

    output.emit([completing.script(shell.value)])


def complete(kind: Annotated[str, typer.Argument(help="refs, agents, tags or keys.")]) -> None:
    """Candidates for a completion script: `value<TAB>what it is`, nothing where none is known.

    opensession complete refs
    """
    from opensession.client import connection
    from opensession.core.paths import find_paths

    found = {"refs": _refs, "agents": _agents, "tags": _tags, "keys": _keys}.get(kind)
    if found is None:
        return
    try:
        with connection.connect(find_paths(os.environ), os.environ, client="completion") as daemon:
            output.emit(found(daemon))
    except OpenSessionError:
        return  # a person who presses Tab wants candidates, not errors


def _refs(daemon: Daemon) -> list[str]:
    from opensession.client.render.cells import cut
    from opensession.client.render.words import line
    from opensession.core.rpc.sessions import SessionsListParams, SessionsListResult

    params = SessionsListParams(scope=str(Path.cwd()), limit=30)
    rows = daemon.call("sessions.list", params, SessionsListResult).sessions
    newest = ["HEAD\tthe newest here"] if rows else []
    shorts = [f"{r.short}\t{line(r.tool)}: {cut(line(r.title), 60)}" for r in rows]
    return newest + _aliases(daemon) + shorts


def _aliases(daemon: Daemon) -> list[str]:
    """Those that every shell takes as one word, of sessions everywhere."""
    from opensession.client.render.cells import cut
    from opensession.client.render.words import line
    from opensession.core.rpc.envelope import Nothing
    from opensession.core.rpc.names import NamesListResult

    found = daemon.call("names.list", Nothing(), NamesListResult).sessions
    return [
        f"{each.alias}\t{line(each.tool)}: {cut(line(each.native_title), 60)}"
        for each in found
        if _WORD.match(each.alias) and each.indexed
    ]


def _tags(daemon: Daemon) -> list[str]:
    from opensession.client.render.numbers import count
    from opensession.core.rpc.envelope import Nothing
    from opensession.core.rpc.names import NamesListResult

    found = daemon.call("names.list", Nothing(), NamesListResult).tags
    return [f"{each.tag}\t{count(each.sessions, 'session')}" for each in found]


def _agents(daemon: Daemon) -> list[str]:
    from opensession.core.rpc.index import AgentsListParams, AgentsListResult

    rows = daemon.call("agents.list", AgentsListParams(scan=False), AgentsListResult).agents
    return [f"{row.name}\t{row.label}" for row in rows]


def _keys(daemon: Daemon) -> list[str]:
    from opensession.core.rpc.config import ConfigGetParams, ConfigGetResult

    settings = daemon.call("config.get", ConfigGetParams(), ConfigGetResult).settings
    return [f"{setting.key}\t{setting.origin}" for setting in settings]
