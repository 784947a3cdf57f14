"""`opensession stream enable|disable|status`: which sessions are published by themselves."""

from __future__ import annotations

import contextlib
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from opensession.client import output
from opensession.client.connection import Daemon
from opensession.client.options import AsJson, NoStart, Yes
from opensession.client.start import reach
from opensession.core.errors import NotFound, UsageError
from opensession.core.paths import find_paths
from opensession.core.rpc.publish import StreamParams, StreamResult

Agent = Annotated[
    str, typer.Option("--agent", metavar="NAME", help="Its sessions; else who last wrote here.")
]
Repo = Annotated[
    str, typer.Option("--repo", metavar="PATH", help="Sessions below this folder, of any agent.")
]
Hook = Annotated[bool, typer.Option("--hook", help="The hook in the agent's own settings as well.")]


class On(StrEnum):
    """When a session is sent."""

    realtime = "realtime"
    session_end = "session_end"
    manual = "manual"


def enable(
    agent: Agent = "",
    repo: Repo = "",
    on: Annotated[On, typer.Option("--on", help="While it runs, or when it ended.")] = On.realtime,
    hook: Hook = False,
    yes: Yes = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Publish sessions by themselves, each from its first event on. Sessions that nobody goes on
    with are not covered: send those with `upload`. With --hook the agent tells at once when it
    wrote, by a line in its settings (`stream disable --hook` takes it out again).

    opensession stream enable
    opensession stream enable --agent codex --on session_end --hook
    opensession stream enable --repo .
    """
    params = _params(agent, repo, on)
    with reach(no_start=no_start) as daemon:
        params = _named(daemon, params)
        planned = msgspec.structs.replace(params, really=False)
        _confirm(daemon.call("stream.enable", planned, StreamResult), yes=yes)
        with contextlib.ExitStack() as undo:
            # The hook comes first, and goes again if the policy is not made: all of it or nothing.
            for name in _hooked(daemon, agent or params.agent) if hook else []:
                if _install(name):
                    undo.callback(_remove, name)
            done = daemon.call("stream.enable", params, StreamResult)
            undo.pop_all()
        if json:
            output.emit_json(done)
            return
        from opensession.client.render import publish as render

        output.emit(render.enabled_lines(done, output.screen_of(sys.stdout), _home()))


def disable(
    agent: Agent = "",
    repo: Repo = "",
    hook: Hook = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Stop publishing sessions by themselves. What was sent stays on the hub: `recall` takes it
    back. With --hook our line is taken out of the agent's settings, which are then as they were.

    opensession stream disable
    opensession stream disable --agent codex --hook
    """
    params = _params(agent, repo, On.realtime)
    with reach(no_start=no_start) as daemon:
        done = daemon.call("stream.disable", params, StreamResult)
        if hook:
            for name in _hooked(daemon, agent or (done.changed.agent if done.changed else "")):
                _remove(name)
    if json:
        output.emit_json(done)
        return
    from opensession.client.render import publish as render

    output.note("it is off now" if done.undone else "no such policy was on")
    output.emit(render.stream_lines(done, output.screen_of(sys.stdout), _home()))


def status(json: AsJson = False, no_start: NoStart = False) -> None:
    """What is published by itself, what each policy covers, and which agents have our hook.

    opensession stream status
    opensession stream status --json
    """
    with reach(no_start=no_start) as daemon:
        found = daemon.call("stream.status", StreamParams(scope=str(Path.cwd())), StreamResult)
    if json:
        output.emit_json(found)
        return
    from opensession.client.hooks import installing
    from opensession.client.hooks.agents import HOOKED
    from opensession.client.render import publish as render

    output.emit(render.stream_lines(found, output.screen_of(sys.stdout), _home()))
    paths = find_paths(os.environ)
    names = [each.name for each in HOOKED if installing.is_installed(each, paths, os.environ)]
    if names:
        output.emit([f"hooks: {', '.join(names)}"])


def _params(agent: str, repo: str, on: On) -> StreamParams:
    folder = Path(repo).expanduser().resolve() if repo else None
    if folder is not None and not folder.is_dir():
        raise UsageError(f"no such folder: {repo}", "opensession stream enable --repo .")
    return StreamParams(
        agent=agent.replace("_", "-").lower(),
        repo=str(folder) if folder else "",
        scope=str(Path.cwd()),
        mode=on.value,
    )


def _named(daemon: Daemon, params: StreamParams) -> StreamParams:
    """The parameters with the agent that last wrote here, where none and no folder was named."""
    if params.agent or params.repo:
        return params
    from opensession.core.rpc.sessions import SessionsListParams, SessionsListResult

    newest = SessionsListParams(scope=params.scope, limit=1)
    rows = daemon.call("sessions.list", newest, SessionsListResult).sessions
    if not rows:
        raise NotFound("no agent wrote here yet", "opensession stream enable --agent NAME")
    return msgspec.structs.replace(params, agent=rows[0].tool)


def _confirm(plan: StreamResult, *, yes: bool) -> None:
    from opensession.client import confirming
    from opensession.client.render import publish as render

    for said in render.planned_lines(plan, output.screen_of(sys.stderr), _home()):
        output.note(said)
    what = "sessions would leave this machine by themselves"
    confirming.go_on(what, yes=yes, otherwise="opensession stream status")


def _hooked(daemon: Daemon, agent: str) -> list[str]:
    """The agents whose settings a call is about: one, or all with hooks that were used here.
    Raises UsageError for one without hooks.
    """
    from opensession.client.hooks import installing

    if agent:
        return [installing.hooked(agent).name]
    from opensession.client.hooks.agents import HOOKED
    from opensession.core.rpc.index import AgentsListParams, AgentsListResult

    known = {each.name for each in HOOKED}
    rows = daemon.call("agents.list", AgentsListParams(scan=False), AgentsListResult).agents
    paths = find_paths(os.environ)
    return [
        row.name
        for row in rows
        if row.name in known and installing.hooked(row.name).home(os.environ, paths.home).is_dir()
    ]


def _install(name: str) -> bool:
    """Reports whether the hook was put there now."""
    from opensession.client.hooks import installing

    path = installing.install(installing.hooked(name), find_paths(os.environ), os.environ)
    output.note(f"{name}: the hook is in {path}" if path else f"{name}: the hook was there")
    return path is not None


def _remove(name: str) -> None:
    from opensession.client.hooks import installing

    done = installing.remove(installing.hooked(name), find_paths(os.environ))
    for path in done:
        output.note(f"{name}: the hook is out of {path}")
    if not done:
        output.note(f"{name}: there was no hook of ours")


def _home() -> str:
    return str(find_paths(os.environ).home)
