"""`opensession completion`: scripts for shells; ids and agents are asked for as one types."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from opensession.client import output
from opensession.core.errors import OpenSessionError


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


def complete(kind: Annotated[str, typer.Argument(help="refs or agents.")]) -> None:
    """Candidates for a completion script: `value<TAB>what it is`, nothing where none is known.

    opensession complete refs
    """
    from opensession.client import connection
    from opensession.client.render.cells import cut
    from opensession.client.render.words import line
    from opensession.core.paths import find_paths

    try:
        with connection.connect(find_paths(os.environ), os.environ, client="completion") as daemon:
            if kind == "agents":
                from opensession.core.rpc.index import AgentsListParams, AgentsListResult

                agents = daemon.call("agents.list", AgentsListParams(scan=False), AgentsListResult)
                output.emit(f"{row.name}\t{line(row.label)}" for row in agents.agents)
                return
            from opensession.core.rpc.sessions import SessionsListParams, SessionsListResult

            params = SessionsListParams(scope=str(Path.cwd()), limit=30)
            found = daemon.call("sessions.list", params, SessionsListResult)
            output.emit(["HEAD\tthe newest here"] if found.sessions else [])
            output.emit(
                f"{row.short}\t{line(row.tool)}: {cut(line(row.title), 60)}"
                for row in found.sessions
            )
    except OpenSessionError:
        return  # a person who presses Tab wants candidates, not errors
