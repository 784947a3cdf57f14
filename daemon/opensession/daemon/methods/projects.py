"""projects.*: the folders that were worked in, and where they are today."""

from __future__ import annotations

import asyncio
import functools
import posixpath
from pathlib import Path

import apsw

from opensession.core.errors import NotFound, UsageError
from opensession.core.rpc import projects as rpc
from opensession.core.rpc.envelope import Nothing
from opensession.daemon import projects
from opensession.daemon.client import Client
from opensession.daemon.methods.on_user import on_user
from opensession.daemon.state import App, Handler
from opensession.daemon.store.scope import below


async def list_projects(app: App, params: Nothing, client: Client) -> rpc.ProjectsResult:
    """Every project, newest first."""
    linked = await on_user(app, projects.links)
    found = await app.library.query(projects.folders)
    return rpc.ProjectsResult(projects=await asyncio.to_thread(projects.projects, found, linked))


async def link(app: App, params: rpc.ProjectLinkParams, client: Client) -> rpc.ProjectLinkResult:
    """Say where a folder is today. Raises UsageError, NotFound for a folder of no session."""
    old, new = (posixpath.normpath(each) if each else "" for each in (params.old, params.new))
    if not old.startswith("/") or (new and not new.startswith("/")):
        raise UsageError("both folders are absolute", "opensession project link OLD NEW")
    if old == new or new.startswith(old + "/"):
        raise UsageError("a folder is not moved into itself", "opensession project list")
    if new and not await asyncio.to_thread(Path(new).is_dir):
        raise NotFound(f"{new} is no folder that is there", "opensession project list")
    sessions = await app.library.query(_count, old)
    if not sessions:
        raise NotFound(f"no session was begun in {old}", "opensession project list")
    if not new and not any(old in olds for olds in app.library.links.values()):
        raise NotFound(f"{old} is not linked", "opensession project list")
    app.library.links = await on_user(app, functools.partial(projects.link, old=old, new=new))
    return rpc.ProjectLinkResult(old=old, new=new, sessions=sessions)


def _count(db: apsw.Connection, folder: str) -> int:
    condition = below("s.cwd", folder)
    query = f"SELECT count(*) FROM session s WHERE {condition.sql} AND s.role = 'primary'"  # noqa: S608
    return int(db.execute(query, condition.values).get or 0)


HANDLERS: dict[str, Handler] = {"projects.list": list_projects, "projects.link": link}
