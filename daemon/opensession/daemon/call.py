"""One method without a daemon: what `opensession-daemon call` does.

For what needs no watching daemon: the configuration, the agents on disk, reading an index that is
there. A running daemon is not disturbed, and takes up a changed configuration by itself.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping

import msgspec

from opensession.core.errors import Unreachable, UsageError
from opensession.core.paths import Paths, find_paths
from opensession.core.rpc.envelope import Error, Request, encode_line
from opensession.core.rpc.methods import METHODS
from opensession.daemon import rpc
from opensession.daemon.bus import Bus
from opensession.daemon.client import Nobody
from opensession.daemon.library import Library
from opensession.daemon.methods import HANDLERS
from opensession.daemon.state import App, load_config

ALONE = frozenset(
    {"config.get", "config.set", "agents.list"}
    | {"changes.record", "changes.list", "changes.undone"}
    | {method.name for method in METHODS if method.name.startswith(("sessions.", "search."))}
    | {"stats.get", "daemon.logs"}
    | {"doctor.run", "doctor.mend"}
    | {"privacy.test", "privacy.explain", "privacy.preview", "leaks.list", "leaks.resolve"}
)
"""The methods that make sense without a daemon."""


def run(environ: Mapping[str, str], method: str, params: str) -> int:
    """Run one method and print its result as JSON. Raises OpenSessionError as the method does,
    UsageError for a wrong call, Unreachable for a method that needs a running daemon.
    """
    if params == "-":
        params = sys.stdin.read()
    request = Request(id=1, method=method, params=msgspec.Raw(params.encode()))
    try:
        typed = rpc.read_params(request)
    except rpc.BadRequest as bad:
        error = msgspec.convert(msgspec.json.decode(bad.line)["error"], Error)
        raise UsageError(error.message, error.data.hint) from None
    if method not in ALONE:
        raise Unreachable(f"{method} needs a running daemon", "opensession daemon start")
    result = asyncio.run(_call(find_paths(environ), environ, method, typed))
    sys.stdout.buffer.write(encode_line(result))
    return 0


async def _call(paths: Paths, environ: Mapping[str, str], method: str, params: object) -> object:
    loaded = load_config(paths, environ)
    library = Library(paths, environ, loaded.settings)
    try:
        app = App(
            paths,
            environ,
            loaded,
            socket=paths.state_dir,
            instance="",
            library=library,
            bus=Bus(),
            user=None,
        )
        app.refused = loaded.errors
        return await HANDLERS[method](app, params, Nobody())
    finally:
        await library.close()
