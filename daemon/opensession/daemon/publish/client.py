"""The hub over HTTP: one connection pool, each answer as one of a few kinds.

No redirect is followed, no proxy of the environment is used, and the key is in no error.
"""

from __future__ import annotations

import asyncio
import ipaddress
import urllib.parse
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

import aiohttp
import msgspec
import zstandard

from opensession.core import __version__
from opensession.core.errors import Refused as NotAllowed
from opensession.core.hub import Have, HubError, HubHealth, Identity, Position, Receipt

T = TypeVar("T")

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
"""A request that is not answered by then is sent again."""

MOST_ANSWER_BYTES = 1 << 20
MOST_RETRY_SECONDS = 3600.0
LEVEL = 3

_NO_HUB = "what answered there is no hub of this version"


class Accepted(msgspec.Struct, frozen=True):
    """The hub has it on disk."""

    receipt: Receipt


class Conflict(msgspec.Struct, frozen=True):
    """The hub has something else than was thought; `have` may be a tombstone."""

    have: Have


class Later(msgspec.Struct, frozen=True):
    """Nobody answered, or not now. `everybody` says that the whole hub is meant, not this one
    session; `seconds` is what it asked to wait, 0 where it did not say.
    """

    reason: str
    seconds: float = 0
    everybody: bool = True


class Refusal(msgspec.Struct, frozen=True):
    """The hub does not take this one."""

    reason: str
    code: str = ""


class Stranger(msgspec.Struct, frozen=True):
    """The key is not known there, or may not do this."""

    reason: str
    hint: str


Answer: TypeAlias = Accepted | Conflict | Later | Refusal | Stranger


class HubClient:
    """Made within a running loop; `close` it, or use it as a context."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(
                total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS, connect=None
            ),
            headers={
                "Authorization": f"Bearer {key}",
                "User-Agent": f"opensession/{__version__}",
                "Accept": "application/json",
            },
            connector=aiohttp.TCPConnector(limit=8, keepalive_timeout=30),
            auto_decompress=True,
        )

    async def close(self) -> None:
        await self._session.close()

    async def __aenter__(self) -> HubClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def health(self) -> HubHealth | Answer:
        """Whether a hub is there; the key is not asked for."""
        found: HubHealth | Answer = await self._ask("GET", "/api/health", HubHealth)
        return found

    async def verify(self) -> Identity | Answer:
        """Whose the key is."""
        found: Identity | Answer = await self._ask("POST", "/api/auth/verify", Identity)
        return found

    async def put(
        self,
        session_id: str,
        position: Position,
        header: bytes,
        lines: Sequence[bytes],
        *,
        expires: str = "",
        team_id: str = "",
        parents: Sequence[str] = (),
    ) -> Answer:
        """Sends lines of a session."""
        query = [
            ("generation", str(position.generation)),
            ("rewind", str(position.rewind)),
            ("from", str(position.from_seq)),
            ("chain", position.chain),
            ("device", position.device),
            ("agent", position.agent),
        ]
        query += [("expires", expires)] if expires else []
        query += [("team_id", team_id)] if team_id else []
        query += [("parent", parent) for parent in parents]
        body = await asyncio.to_thread(_packed, header, lines)
        found = await self._ask(
            "PUT",
            f"/api/sessions/{urllib.parse.quote(session_id, safe='')}/events",
            Receipt,
            query=query,
            body=body,
            headers={"Content-Type": "application/x-ndjson", "Content-Encoding": "zstd"},
        )
        if isinstance(found, Refusal) and found.code == "not_found":
            return Later(_NO_HUB)
        return Accepted(found) if isinstance(found, Receipt) else found

    async def delete(self, session_id: str, agent: str, device: str) -> bool | Answer:
        """Takes a session back; whether there was one to be deleted."""
        found: Answer | None = await self._ask(
            "DELETE",
            f"/api/sessions/{urllib.parse.quote(session_id, safe='')}",
            None,
            query=[("agent", agent), ("device", device)],
        )
        if found is None:
            return True
        if isinstance(found, Conflict) and found.have.gone:
            return True
        if isinstance(found, Refusal) and found.code == "not_found":
            return False
        return found

    async def _ask(
        self,
        method: str,
        path: str,
        kind: type[T] | None,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        try:
            async with self._session.request(
                method,
                self.url + path,
                params=list(query),
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as response:
                data = await _read(response)
                return _understood(response.status, response.headers, data, kind)
        except TimeoutError:
            return Later("the hub did not answer in time")
        except aiohttp.ClientConnectorCertificateError:
            return Later("the hub's certificate is not valid")
        except aiohttp.ClientConnectorError as error:
            return Later(f"the hub cannot be reached ({error.os_error.strerror or 'no route'})")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            said = f"the connection to the hub broke ({type(error).__name__})"
            return Later(said, everybody=False)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    found = bytearray()
    async for part in response.content.iter_chunked(1 << 16):
        found += part
        if len(found) > MOST_ANSWER_BYTES:
            raise ValueError("an answer that is too large")
    return bytes(found)


def _understood(
    status: int, headers: Mapping[str, str], data: bytes, kind: type[T] | None
) -> T | Answer | None:
    """What an answer says."""
    if 200 <= status < 300:
        if kind is None:
            return None
        try:
            return msgspec.json.decode(data, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Later(_NO_HUB)
    error = _error(data)
    if error is None:
        if status == 404 and kind is None:
            return Later(_NO_HUB)
        if status in (401, 403):
            return Stranger("the hub does not take the key", "opensession account login")
        return Later(f"what answered there is no hub (status {status})", _wait(headers, None))
    said = error.message or f"status {status}"
    if status in (409, 410):
        have = error.have
        if have is None and status == 410:
            have = Have(gone=True)
        return Conflict(have) if have is not None else Later(said, everybody=False)
    if status == 401:
        return Stranger(said, error.hint or "opensession account login")
    if status == 403:
        return Stranger(said, error.hint or "opensession account connect")
    if status in (429, 503, 507):
        return Later(said, _wait(headers, error.retry_after))
    if status >= 500 or status in (405, 408):
        return Later(said, _wait(headers, error.retry_after), everybody=False)
    return Refusal(said, error.code)


def _error(data: bytes) -> HubError | None:
    try:
        return msgspec.json.decode(data, type=HubError)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _wait(headers: Mapping[str, str], told: int | None) -> float:
    """Seconds that a hub asked to wait."""
    value = headers.get("Retry-After", "").strip()
    seconds = float(value) if value.isascii() and value.isdigit() else float(told or 0)
    return max(0.0, min(seconds, MOST_RETRY_SECONDS))


def _packed(header: bytes, lines: Sequence[bytes]) -> bytes:
    return zstandard.ZstdCompressor(level=LEVEL).compress(b"\n".join((header, *lines)) + b"\n")


def check_address(url: str, *, insecure: bool = False) -> None:
    """Raises Refused for an address that a key must not go to."""
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        raise NotAllowed("the hub's address is none", "opensession config --server https://…")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise NotAllowed(
            "the hub's address holds more than an address", "opensession config --server https://…"
        )
    if parts.scheme == "http" and not insecure and not is_loopback(host):
        raise NotAllowed(
            "a key goes over https, or to this machine only",
            "opensession config --server https://… (or --insecure)",
        )


def is_loopback(host: str) -> bool:
    """Whether a host's name is this machine, without asking anybody."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
