"""Which hub is configured, and where the key comes from: the configuration, the environment, what
a client gave, or the system's keyring.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

import msgspec

from opensession.core import keyring
from opensession.core.config import Loaded
from opensession.core.rpc.hub import KeyPlace


class Server(msgspec.Struct, frozen=True):
    """A hub. `place` is where the key came from."""

    url: str = ""
    key: str = ""
    place: KeyPlace = "none"
    team_id: str = ""
    insecure: bool = False


async def server_of(loaded: Loaded, given_key: str, environ: Mapping[str, str]) -> Server:
    """The hub of the configuration with its key. Without an address nothing else is asked for."""
    found = loaded.settings.server
    if not found.url:
        return Server()
    key, place = found.api_key, _place(loaded)
    if not key and given_key:
        key, place = given_key, "keyring"
    elif not key:
        key = await asyncio.to_thread(keyring.get, found.url.rstrip("/"), environ)
        place = "keyring" if key else "none"
    return Server(
        url=found.url.rstrip("/"),
        key=key.strip(),
        place=place,
        team_id=found.team_id,
        insecure=found.insecure,
    )


def _place(loaded: Loaded) -> KeyPlace:
    if not loaded.settings.server.api_key:
        return "none"
    origin = loaded.origins.get("server.api_key", "")
    return "config" if os.sep in origin else "environment"
