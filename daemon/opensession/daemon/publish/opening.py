"""How the publisher is put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from opensession.core.config import Loaded
from opensession.core.paths import Paths
from opensession.core.privacy import load_key
from opensession.daemon.library import Library
from opensession.daemon.publish.foreign import tidy
from opensession.daemon.publish.link import Link, device_of
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.publisher import Publisher
from opensession.daemon.user_data import UserData


async def open_publisher(
    paths: Paths,
    environ: Mapping[str, str],
    library: Library,
    user: UserData,
    loaded: Callable[[], Loaded],
) -> Publisher:
    """A publisher that is not started yet."""
    await asyncio.to_thread(tidy, paths.state_dir / "work")
    secret = await asyncio.to_thread(load_key, paths.key_file)
    device = await user.run(device_of)
    link = Link(user, device, secret, asyncio.get_running_loop().time)
    return Publisher(Parts(paths, environ, library, user, link, loaded))
