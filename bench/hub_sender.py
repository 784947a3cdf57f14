"""Clients that publish to a hub: a process of the load of `bench.hub`.

Its standard input says what to do (`Orders` as JSON), its standard output what happened (`Report`).
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
import time
from http.client import HTTPConnection
from typing import Any

import msgspec
import zstandard

from opensession.core.hail import Event, text
from opensession.core.hail_lines import chain, event_line
from opensession.core.hub import chain_start, hub_session_key

TEXT = (
    "the parser reads a file and keeps its cursor in a table so that an append costs only what "
    "is new; def handle(request): return await storage.take(batch) # 200 src/main.py:41 error "
    "TypeError test passed in 0.31s cargo build --release git diff HEAD~1 /work/app/config.toml"
)
SESSION_EVENTS = 600
"""Then a client begins another session."""

_PLACE = b"event-000000000000"


class Orders(msgspec.Struct, frozen=True):
    """`keys` and `owner` have an item a client; `pause` is between two batches of one."""

    port: int
    keys: list[str]
    owners: list[str]
    seconds: float
    events: int
    pause: float
    seed: int


class Report(msgspec.Struct):
    """Events that were acknowledged, milliseconds of each request, and what was lost."""

    events: int = 0
    bytes: int = 0
    sessions: int = 0
    times_ms: list[float] = []
    failures: list[str] = []
    lost: list[str] = []


class Session:
    """What was acknowledged of a session: the digest of its lines, and where it goes on."""

    def __init__(self, key: str, owner: str, name: str) -> None:
        self.key = key
        self.name = name
        self.seq = 0
        self.chain = chain_start(hub_session_key(owner, "bench", "codex", name), 1)
        self.header = header(name)
        self.digest = hashlib.sha256(self.header + b"\n")


def header(name: str) -> bytes:
    """The header's line of a session."""
    return msgspec.json.encode(
        {
            "type": "header",
            "version": "hail-1.0.0",
            "session_id": name,
            "agent": {"provider": "openai", "model": "gpt-5", "tool": "codex"},
            "context": {
                "title": f"A session called {name}",
                "tags": [],
                "created_at": "2026-11-01T10:00:00Z",
                "updated_at": "2026-11-01T10:00:00Z",
                "attributes": {"git_repo_name": "app", "cwd": "~/app"},
            },
        }
    )


def pool(seed: int) -> list[bytes]:
    """Lines of events as sessions have them: prompts, answers, calls, results."""
    chance, words = random.Random(seed), TEXT.split()
    kinds = ("UserMessage", "AgentMessage", "ToolCall", "ToolResult", "ShellCommand")
    found: list[bytes] = []
    data: dict[str, dict[str, Any]] = {
        "ToolCall": {"name": "read_file"},
        "ToolResult": {"name": "read_file", "is_error": False, "call_id": "c1"},
        "ShellCommand": {"command": "pytest -q", "exit_code": 0},
    }
    for number in range(400):
        kind = kinds[number % len(kinds)]
        size = min(2000, int(chance.lognormvariate(4.4, 1.0)))
        event = Event(
            event_id=_PLACE.decode(),
            time_us=1_793_000_000_000_000 + number * 1_000_000,
            type=kind,
            data=data.get(kind),
            blocks=[text(" ".join(chance.choices(words, k=max(3, size))))],
            attributes={"source.raw_type": kind, "semantic.call_id": f"c{number}"},
        )
        found.append(event_line(event))
    return found


class Client:
    """One client with its connection."""

    def __init__(self, orders: Orders, number: int, lines: list[bytes], report: Report) -> None:
        self.orders = orders
        self.number = number
        self.lines = lines
        self.report = report
        self.chance = random.Random(f"{orders.seed} {number}")
        self.compress = zstandard.ZstdCompressor(3).compress
        self.sessions: list[Session] = []
        self.count = 0

    async def run(self, end: float) -> None:
        """Publishes until the time is over; the last request is finished."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.orders.port)
            # Not all at the same moment.
            await asyncio.sleep(self.chance.random() * max(0.5, self.orders.pause))
            while time.monotonic() < end:
                await self.batch(reader, writer)
                if self.orders.pause:
                    await asyncio.sleep(self.orders.pause)
            writer.close()
        except (OSError, asyncio.IncompleteReadError) as error:
            self.report.failures.append(repr(error))

    async def batch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Sends some events, and waits for the receipt."""
        session = self.sessions[-1] if self.sessions else None
        if session is None or session.seq >= SESSION_EVENTS:
            name = f"s-{self.orders.seed}-{self.number}-{len(self.sessions)}"
            owner, key = self.orders.owners[self.number], self.orders.keys[self.number]
            session = Session(key, owner, name)
            self.sessions.append(session)
        lines = [self.line() for _ in range(self.chance.randint(1, 2 * self.orders.events - 1))]
        plain = b"".join(line + b"\n" for line in lines)
        body = self.compress(session.header + b"\n" + plain)
        head = (
            f"PUT /api/sessions/{session.name}/events?generation=1&rewind=0&from={session.seq + 1}"
            f"&chain={session.chain.hex()}&device=bench&agent=codex HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {session.key}\r\nContent-Type: application/x-ndjson\r\n"
            f"Content-Encoding: zstd\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        begin = time.perf_counter()
        writer.write(head.encode() + body)
        status, answer = await _answer(reader)
        self.report.times_ms.append((time.perf_counter() - begin) * 1000)
        if status not in (200, 201):
            self.report.failures.append(f"{status} {answer[:200]!r}")
            return
        for line in lines:
            session.chain = chain(session.chain, line)
        session.seq += len(lines)
        session.digest.update(plain)
        self.report.events += len(lines)
        self.report.bytes += len(plain)

    def line(self) -> bytes:
        """An event that nobody sent before."""
        self.count += 1
        return self.chance.choice(self.lines).replace(_PLACE, b"event-%012d" % self.count, 1)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    return int(head[9:12]), await reader.readexactly(length)


def check(port: int, sessions: list[Session], report: Report) -> None:
    """Everything that was acknowledged is there, and nothing else."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    for session in sessions:
        if not session.seq:
            continue
        report.sessions += 1
        path = f"/api/sessions/{session.name}/raw?as=sent&device=bench"
        connection.request("GET", path, headers={"Authorization": f"Bearer {session.key}"})
        got = hashlib.sha256(connection.getresponse().read())
        if got.digest() != session.digest.digest():
            report.lost.append(session.name)
    connection.close()


async def _all(clients: list[Client], end: float) -> None:
    await asyncio.gather(*(client.run(end) for client in clients))


def main() -> None:
    orders = msgspec.json.decode(sys.stdin.readline(), type=Orders)
    lines, report = pool(orders.seed), Report()
    clients = [Client(orders, number, lines, report) for number in range(len(orders.keys))]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()  # all begin together
    asyncio.run(_all(clients, time.monotonic() + orders.seconds))
    sys.stdout.write("sent\n")
    sys.stdout.flush()
    sys.stdin.readline()
    check(orders.port, [one for client in clients for one in client.sessions], report)
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")


if __name__ == "__main__":
    main()
