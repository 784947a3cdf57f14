"""A hub that is killed while it takes sessions in: what it acknowledged is there, to the byte."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import threading

import pytest

from opensession.core.hub import chain_of, chain_start, hub_session_key
from opensession.server.storage.interface import Key
from tests.helpers.hub import Account, Hub, Reply, running_hub
from tests.server.storage.keeping import header_line, line

SESSIONS = 6
ROUNDS = 4 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 2


class Sender(threading.Thread):
    """Sends one session, ever on from what the hub says it has; sometimes it rewinds."""

    def __init__(self, hub: Hub, account: Account, key: Key, seed: int, acked: Acked) -> None:
        super().__init__()
        self.key = key
        self.lines: list[bytes] = []
        self.rewind = 0
        self.acknowledged = (0, 0)
        """The rewind and the seq of the last receipt."""
        self.versions: dict[int, list[bytes]] = {}
        self._hub = hub
        self._bearer = account.access
        self._chance = random.Random(seed)
        self._acked = acked

    def run(self) -> None:
        """Until the hub goes away."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                self.step()

    def step(self) -> None:
        """Write some events, and send what the hub lacks of the last ones, or more."""
        if self.lines and self._chance.random() < 0.2:
            self.lines = self.lines[: self._chance.randrange(len(self.lines))]
            self.rewind += 1
        for _ in range(self._chance.randint(1, 20)):
            number = self._chance.getrandbits(60)
            self.lines.append(line(number % 10**9, "x" * self._chance.randrange(2000)))
        self.versions[self.rewind] = list(self.lines)
        first = self._chance.randint(1, len(self.lines))
        while (reply := self.put(first)).status == 409:
            have = reply.json["have"]
            first = 1 if not have["seq"] else max(1, min(first, have["seq"] + 1) - 1)
        assert reply.status in (200, 201), reply.body
        receipt = reply.json
        assert receipt["seq"] == len(self.lines)
        self.acknowledged = (receipt["rewind"], receipt["seq"])
        self._acked.one()

    def put(self, first: int) -> Reply:
        """Send all from a seq on."""
        key = self.key
        name = hub_session_key(key.owner, key.device, key.agent, key.id)
        chain = chain_of(chain_start(name, 1), self.lines[: first - 1]).hex()
        body = b"".join(one + b"\n" for one in [header_line(key), *self.lines[first - 1 :]])
        path = (
            f"/api/sessions/{key.id}/events?generation=1&rewind={self.rewind}&from={first}"
            f"&chain={chain}&device={key.device}&agent={key.agent}"
        )
        kind = {"Content-Type": "application/x-ndjson"}
        return self._hub.call("PUT", path, body, bearer=self._bearer, headers=kind)


class Acked:
    """Counts receipts of all senders, and kills the hub at one of them, in the midst of others."""

    def __init__(self, hub: Hub, at: int) -> None:
        self._hub = hub
        self._left = at
        self._lock = threading.Lock()

    def one(self) -> None:
        """A receipt came."""
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last:
            self._hub.kill()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_hub_has_what_it_acknowledged_and_no_mixture(seed: int) -> None:
    chance = random.Random(seed)
    with running_hub() as hub:
        account = hub.account("somebody")
        senders: list[Sender] = []
        for number in range(SESSIONS):
            key = Key(account.id, "device", "codex", f"session-{number}")
            senders.append(Sender(hub, account, key, seed * 100 + number, Acked(hub, 0)))
        for _ in range(ROUNDS):
            acked = Acked(hub, chance.randint(5, 60))
            senders = [again(one, hub, account, acked, chance) for one in senders]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            hub.start()
            for sender in senders:
                check(hub, account, sender)


def again(old: Sender, hub: Hub, account: Account, acked: Acked, chance: random.Random) -> Sender:
    """The same sender, for another life of the hub."""
    new = Sender(hub, account, old.key, chance.getrandbits(30), acked)
    new.lines, new.rewind = old.lines, old.rewind
    new.acknowledged, new.versions = old.acknowledged, old.versions
    return new


def check(hub: Hub, account: Account, sender: Sender) -> None:
    """What is there is a version that was sent, at least as far as it was acknowledged."""
    path = f"/api/sessions/{sender.key.id}"
    reply = hub.call("GET", f"{path}/raw?as=sent", bearer=account.access)
    if reply.status == 404:
        assert sender.acknowledged == (0, 0)
        return
    header, *lines = reply.body.split(b"\n")[:-1]
    assert json.loads(header)["session_id"] == sender.key.id
    rewind, seq = sender.acknowledged
    found = [
        number for number, version in sender.versions.items() if version[: len(lines)] == lines
    ]
    assert found, "what is there was never sent"
    if rewind in found:
        assert len(lines) >= seq or max(found) > rewind
    else:
        assert max(found) > rewind, "an older version came back"
    counted = hub.call("GET", path, bearer=account.access).json
    assert counted["event_count"] == counted["message_count"] == len(lines)
