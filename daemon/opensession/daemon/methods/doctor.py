"""doctor.run, doctor.mend: every check there is, and mending what needs no running daemon."""

from __future__ import annotations

import asyncio

from opensession.core.errors import UsageError
from opensession.core.rpc.doctor import Diagnosis, DoctorParams, MendParams, MendResult
from opensession.daemon import doctor, earlier_config
from opensession.daemon.client import Client
from opensession.daemon.state import App, Handler


async def run(app: App, params: DoctorParams, client: Client) -> Diagnosis:
    """Look at everything. The whole archive is read by `archive.verify` while a daemon runs."""
    if params.archive == "all" and app.instance:
        raise UsageError("the whole archive is read by archive.verify", "opensession doctor --deep")
    await app.refresh_config()
    return await doctor.diagnose(app, params)


async def mend(app: App, params: MendParams, client: Client) -> MendResult:
    """Narrow the modes of what is ours, remove what a crash left, take over the settings of the
    original program.
    """
    changed: list[str] = []
    if params.modes:
        changed += await asyncio.to_thread(doctor.mend_modes, app)
    if params.left_over:
        changed += await asyncio.to_thread(doctor.remove_left_over, app)
    if params.config:
        changed += await asyncio.to_thread(earlier_config.take, app.paths, app.loaded)
        await app.refresh_config(force=True)
    return MendResult(changed)


HANDLERS: dict[str, Handler] = {"doctor.run": run, "doctor.mend": mend}
