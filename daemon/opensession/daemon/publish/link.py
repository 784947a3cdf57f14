"""The one hub that is published to: its address, the key, whose it is, and how contact goes."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import apsw
import msgspec

from opensession.core.errors import OpenSessionError
from opensession.core.hub import Identity, is_device
from opensession.daemon.publish import records
from opensession.daemon.publish.backoff import delay
from opensession.daemon.publish.records import Hub
from opensession.daemon.publish.server import Server
from opensession.daemon.user_data import UserData

if TYPE_CHECKING:
    from opensession.daemon.publish.client import HubClient, Later, Stranger

log = logging.getLogger(__name__)

ACCOUNT = "hub.account"


class Account(msgspec.Struct, frozen=True):
    """Whose a key is on a hub; `mark` is a keyed hash of the key."""

    url: str
    mark: str
    user_id: str
    nickname: str
    scopes: list[str] = []


class Link:
    """Contact with the hub. Used in the loop's thread; `clock` is monotonic seconds."""

    def __init__(
        self, user: UserData, device: str, secret: bytes, clock: Callable[[], float]
    ) -> None:
        self._user = user
        self._secret = secret
        self._clock = clock
        self._client: HubClient | None = None
        self.failures = 0
        self.device = device
        self.server = Server()
        self.account: Account | None = None
        self.problem: OpenSessionError | None = None
        self.stranger: Stranger | None = None
        self.held_until = 0.0
        self.reachable: bool | None = None
        self.error = ""
        self.version = ""
        self.last_ok_us = 0

    @property
    def hub(self) -> Hub:
        """Where publications go; the account is empty while it is not known."""
        return Hub(self.server.url, self.account.user_id if self.account else "")

    @property
    def usable(self) -> bool:
        """Whether anything can be sent at all."""
        server = self.server
        return bool(server.url and server.key) and self.stranger is None and self.problem is None

    @property
    def held_seconds(self) -> float:
        """For how long nothing is sent."""
        return max(0.0, self.held_until - self._clock())

    async def use(self, server: Server) -> bool:
        """This server counts from now on; reports whether that is news."""
        if server == self.server:
            return False
        problem = _problem(server) if server.url else None
        account = None
        if server.url:
            account = await self._user.run(lambda db: self._remembered(db, server))
        # All at once: nobody may see the new address without what is against it.
        before, self._client = self._client, None
        self.server = server
        self.account = account
        self.problem = problem
        self.stranger = None
        self.held_until = 0.0
        self.failures = 0
        self.reachable, self.error, self.version = None, "", ""
        if before is not None:
            await before.close()
        return True

    def client(self) -> HubClient:
        """The client; only where `usable`."""
        from opensession.daemon.publish.client import HubClient  # brings aiohttp: 20 MB

        if self._client is None:
            self._client = HubClient(self.server.url, self.server.key)
        return self._client

    async def close(self) -> None:
        """End the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def known(self) -> bool:
        """Whether it is known whose the key is; asks the hub where it is not."""
        return self.account is not None or await self.verify()

    async def verify(self) -> bool:
        """Ask the hub whose the key is."""
        from opensession.daemon.publish.client import Later, Stranger

        server = self.server
        found = await self.client().verify()
        if server != self.server:
            return False
        if isinstance(found, Identity):
            self.worked()
            self.stranger = None
            self.account = Account(
                server.url, self._mark(server.key), found.user_id, found.nickname, found.scopes
            )
            await self._user.run(self._remember)
            return True
        if isinstance(found, Stranger):
            self.refused(found)
        elif isinstance(found, Later):
            self.hold(found)
        else:
            self.hold(Later("what answered there is no hub of this version"))
        return False

    def worked(self) -> None:
        """The hub answered as it should."""
        self.reachable, self.error = True, ""
        self.last_ok_us = records.now_us()
        self.held_until = 0.0
        self.failures = 0

    def hold(self, later: Later) -> float:
        """Nobody answered, or not now: nothing is sent for a while; for how many seconds."""
        self.failures += 1
        self.reachable, self.error = False, later.reason
        seconds = max(later.seconds, delay(self.failures))
        self.held_until = self._clock() + seconds
        if self.failures == 1:
            log.info("the hub: %s", later.reason)
        return seconds

    def refused(self, stranger: Stranger) -> None:
        """The key does not do: nothing is sent until there is another."""
        self.reachable, self.error = True, stranger.reason
        self.stranger = stranger
        log.warning("the hub does not take the key; nothing is sent")

    def _mark(self, key: str) -> str:
        return hashlib.blake2b(key.encode(), key=self._secret, person=b"hub-key").hexdigest()[:32]

    def _remembered(self, db: apsw.Connection, server: Server) -> Account | None:
        stored = db.execute("SELECT value FROM setting WHERE key = ?", (ACCOUNT,)).get
        try:
            found = msgspec.json.decode(stored or "null", type=Account | None)
        except msgspec.DecodeError:
            return None
        if found is None or found.url != server.url:
            return None
        return found if not server.key or found.mark == self._mark(server.key) else None

    def _remember(self, db: apsw.Connection) -> None:
        assert self.account is not None  # noqa: S101 - just set
        db.execute(
            "INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)",
            (ACCOUNT, msgspec.json.encode(self.account).decode()),
        )
        records.adopt(db, self.hub)


def _problem(server: Server) -> OpenSessionError | None:
    """Why nothing may be sent to a server's address."""
    from opensession.daemon.publish.client import check_address

    try:
        check_address(server.url, insecure=server.insecure)
    except OpenSessionError as error:
        return error
    return None


def device_of(db: apsw.Connection) -> str:
    """The id of this machine, made at the first call."""
    import secrets

    db.execute(
        "INSERT OR IGNORE INTO setting (key, value) VALUES ('device', ?)", (secrets.token_hex(8),)
    )
    found = db.execute("SELECT value FROM setting WHERE key = 'device'").get
    if not isinstance(found, str) or not is_device(found):
        raise OpenSessionError("the id of this machine in user.db is none")
    return found
