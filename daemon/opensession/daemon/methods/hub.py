"""hub.*: the hub that this machine publishes to, and what a person uploads."""

from __future__ import annotations

import functools

from opensession.core.errors import UsageError
from opensession.core.rpc import hub as rpc
from opensession.daemon import jobs
from opensession.daemon.client import Client
from opensession.daemon.jobs import Work
from opensession.daemon.methods.publish import publisher_of
from opensession.daemon.publish import reporting, uploading, uploading_file
from opensession.daemon.state import App, Handler


async def status(app: App, params: rpc.HubStatusParams, client: Client) -> rpc.HubStatus:
    """How contact with the hub is."""
    await app.refresh_config()
    publisher = await publisher_of(app)
    if params.verify and publisher.parts.link.server.url:
        await reporting.verify(publisher)
    return await reporting.hub_status(publisher)


async def login(app: App, params: rpc.HubLoginParams, client: Client) -> rpc.HubStatus:
    """Take up what a client wrote, or the key it gives; `logout` forgets that."""
    publisher = await publisher_of(app)
    if params.logout or params.key:
        publisher.given_key = "" if params.logout else params.key
    await app.refresh_config(force=True)
    await publisher.take_up()
    if not params.logout:
        await reporting.verify(publisher)
        await publisher.look_again()
    return await reporting.hub_status(publisher)


async def upload(app: App, params: rpc.HubUploadParams, client: Client) -> rpc.HubUploadResult:
    """The plan of an upload and, if `really`, its job. Raises NotFound, UsageError, Refused."""
    await app.refresh_config()
    publisher = await publisher_of(app)
    publisher.check_usable()
    if sum((bool(params.refs), bool(params.path), params.all)) != 1:
        raise UsageError("sessions, a file or all of them", "opensession upload HEAD")
    if params.path:
        plan, file = await uploading_file.plan(publisher, params)
    else:
        plan, file = await uploading.plan(publisher, params), None
    if not params.really or not plan.sends:
        if file is not None:
            await file.close()
        return plan.result
    work: Work
    if file is not None:
        work = functools.partial(uploading_file.run, publisher, plan, file, params)
    else:
        work = functools.partial(uploading.run, publisher, plan, params)
    return uploading.with_job(plan.result, jobs.start(client, work))


HANDLERS: dict[str, Handler] = {
    "hub.status": status,
    "hub.login": login,
    "hub.upload": upload,
}
