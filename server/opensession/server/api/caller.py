"""Who a request is from: the address that counts, and the account behind a key or a token."""

from __future__ import annotations

import functools
import hmac
import ipaddress
from urllib.parse import urlsplit

from aiohttp import web

from opensession.server.access import Caller
from opensession.server.config import Config
from opensession.server.state import Hub

ADMIN_HEADER = "X-OpenSession-Admin-Key"
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


async def identify(hub: Hub, request: web.Request) -> Caller:
    """The caller, with `refused` where a credential was sent that is no good.

    Raises ApiError `rate_limited` where an address guesses credentials.
    """
    address, loopback = _place(hub.config, request)
    nobody = Caller(address=address, loopback=loopback)
    given = request.headers.get(ADMIN_HEADER)
    if given is not None:
        return _admin(hub, given, nobody)
    word, _, credential = request.headers.get("Authorization", "").partition(" ")
    if not word:
        return nobody
    if word.lower() != "bearer" or not credential.strip():
        return _refused(nobody, "Authorization is: Bearer, and a key or a token")
    return await hub.vault.bearer(credential.strip(), nobody)


def _admin(hub: Hub, given: str, nobody: Caller) -> Caller:
    right = hub.config.admin_key
    same = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode())
    if not right or not same:
        hub.limits.count("admin", nobody.address)
        return _refused(nobody, "that is not the admin key of this hub")
    return Caller(scopes=frozenset({"admin"}), address=nobody.address, loopback=nobody.loopback)


def _refused(nobody: Caller, why: str) -> Caller:
    return Caller(address=nobody.address, loopback=nobody.loopback, refused=why)


def _place(config: Config, request: web.Request) -> tuple[str, bool]:
    """The address that counts, and whether the request came from this machine itself.

    Only of trusted proxies is `X-Forwarded-For` believed: the last address in it that is not one
    of theirs. A browser that was led here by a foreign name is not "this machine itself".
    """
    peer = _address(request.transport.get_extra_info("peername") if request.transport else None)
    if peer is None:
        return "?", False
    forwarded = any(name in request.headers for name in _FORWARDED)
    asked = (f"//{request.headers.get('Host', '')}", request.headers.get("Origin", "//localhost"))
    loopback = peer.is_loopback and not forwarded and all(map(_names_loopback, asked))
    if not _is_proxy(config, peer):
        return str(peer), loopback
    address = peer
    chain = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for text in reversed(chain):
        found = _parsed(text)
        if found is None:
            break
        address = found
        if not _is_proxy(config, found):
            break
    return str(address), loopback


def _is_proxy(config: Config, address: _Address) -> bool:
    return any(address in network for network in config.proxies)


def _address(peer: object) -> _Address | None:
    return _parsed(str(peer[0])) if isinstance(peer, tuple) and peer else None


@functools.lru_cache(4096)
def _parsed(text: str) -> _Address | None:
    try:
        found = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped if isinstance(mapped, ipaddress.IPv4Address) else found


def _names_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in _LOOPBACK_NAMES
    except ValueError:
        return False
