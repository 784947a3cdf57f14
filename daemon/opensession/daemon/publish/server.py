"""Which hub is configured, and where the key comes from: the configuration, the environment, what
a client gave, or the system's keyring.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping

import msgspec

from opensession.core.config import Loaded
from opensession.core.rpc.hub import KeyPlace

log = logging.getLogger(__name__)

KEYRING_SECONDS = 2.0
SERVICE = "opensession"

_ASK = "import sys, keyring; sys.stdout.write(keyring.get_password(sys.argv[1], sys.argv[2]) or '')"


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
        key = await _from_keyring(found.url.rstrip("/"), environ)
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


async def _from_keyring(url: str, environ: Mapping[str, str]) -> str:
    """The key that the system's keyring holds for a hub; empty if it has none, or does not answer
    in time. It is asked in a process of its own, which may hang.
    """
    process = None
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-c",
            _ASK,
            SERVICE,
            url,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
            cwd="/",
        )
        async with asyncio.timeout(KEYRING_SECONDS):
            out, _ = await process.communicate()
    except (OSError, TimeoutError):
        return ""
    finally:
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
    return out.decode("utf-8", "replace").strip() if process.returncode == 0 else ""
