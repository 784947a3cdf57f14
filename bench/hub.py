"""What a hub takes in, and how it is with very many sessions.

Real hubs in folders of their own, asked over HTTP. The clients are other processes
(`bench.hub_sender`); they share the machine with the hub, so what they cost is told beside it.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import IO

import apsw
import msgspec
import psutil

from bench.hub_sender import Orders, Report, header, pool
from bench.table import Figure, percentile
from opensession.core.hub import chain_start, hub_session_key
from opensession.server.receiving.about import about, header_of
from opensession.server.receiving.lines import prepare
from opensession.server.receiving.spool import Spool
from opensession.server.storage.bodies import Bodies
from opensession.server.storage.connect import DATABASE, open_writer
from opensession.server.storage.interface import Batch, Key
from opensession.server.storage.search_index import SearchIndex
from opensession.server.storage.taking import Taking
from tests.helpers.hub import Account, Hub, running_hub

CLIENTS = 200
PROCESSES = 2
ACCOUNTS = 10
EVENTS = 20
PAUSE = 2.0
"""Seconds between two batches of a client that goes slowly."""

MANY_EVENTS = 4
ASKED = 200
_MB = 1 << 20


def hub(scratch: Path, seconds: float, sessions: int) -> list[Figure]:
    """The load as fast as it goes, the load of people at work, a hub with many sessions."""
    figures = []
    with running_hub() as running:
        keys = list(_keys(running))
        figures += _load(running, keys, seconds, 0.0)
        figures += _load(running, keys, seconds / 2, PAUSE)
    return figures + _many(scratch, sessions)


def _keys(running: Hub) -> Iterator[tuple[str, str]]:
    """A key for each client, with the account that it is of."""
    accounts = [running.account(f"bench{number}") for number in range(ACCOUNTS)]
    for number in range(CLIENTS):
        account = accounts[number % ACCOUNTS]
        yield running.key(account, "read", "publish"), account.id


def _load(running: Hub, keys: list[tuple[str, str]], seconds: float, pause: float) -> list[Figure]:
    process = psutil.Process(running.pid)
    senders = [
        _sender(running, keys[number::PROCESSES], seconds, pause, number + int(pause * 10))
        for number in range(PROCESSES)
    ]
    ends = [_ends(sender) for sender in senders]
    for _, out in ends:
        out.readline()
    watching = Memory(process)
    watching.start()
    used, begin = process.cpu_times(), time.monotonic()
    for into, _ in ends:
        into.write("go\n")
        into.flush()
    for _, out in ends:
        out.readline()
    took = time.monotonic() - begin
    now = process.cpu_times()
    watching.end()
    busy = now.user + now.system - used.user - used.system
    theirs = sum(sum(psutil.Process(one.pid).cpu_times()[:2]) for one in senders)
    total = Report()
    for (into, out), sender in zip(ends, senders, strict=True):
        into.write("check\n")
        into.flush()
        got = msgspec.json.decode(out.readline(), type=Report)
        for name in Report.__struct_fields__:
            setattr(total, name, getattr(total, name) + getattr(got, name))
        sender.wait(60)
    return _told(total, seconds=took, busy=busy, theirs=theirs, memory=watching, pause=pause)


def _told(
    total: Report, *, seconds: float, busy: float, theirs: float, memory: Memory, pause: float
) -> list[Figure]:
    requests = len(total.times_ms)
    if not requests:
        raise RuntimeError(f"nothing was taken: {total.failures[:3]}")
    name = f"hub, a batch every {pause:g} s" if pause else "hub, as fast as it goes"
    lost = f"{len(total.lost)} of {total.sessions} sessions differ" if total.lost else "none"
    return [
        Figure(
            f"{name}: events",
            f"{total.events / seconds:,.0f}/s",
            note=f"{CLIENTS} clients, {requests:,} requests of {EVENTS} events and"
            f" {total.bytes / requests / 1024:.0f} KiB on average (zstd) in {seconds:.0f} s;"
            f" {len(total.failures)} failed {total.failures[:1] or ''}",
        ),
        Figure(
            f"{name}: p95 of a request",
            f"{percentile(total.times_ms, 0.95):.0f} ms",
            note=f"p50 {percentile(total.times_ms, 0.5):.0f} ms, until all is on the disk",
        ),
        Figure(
            f"{name}: CPU of the hub",
            f"{busy / requests * 1000:.1f} ms a request",
            note=f"{busy / seconds:.2f} of a core, clients {theirs / seconds:.2f};"
            f" {busy / total.events * 1e6:.0f} µs an event",
        ),
        Figure(
            f"{name}: memory",
            f"{memory.rss / _MB:.0f} MiB",
            note=f"peak RSS; PSS {memory.pss / _MB:.0f} MiB",
        ),
        Figure(
            f"{name}: lost",
            lost,
            "none",
            not total.lost,
            f"every acknowledged line of {total.sessions:,} sessions compared with what the hub"
            f" gives back, {total.bytes / _MB:.0f} MiB",
        ),
    ]


def _sender(
    running: Hub, keys: list[tuple[str, str]], seconds: float, pause: float, seed: int
) -> subprocess.Popen[str]:
    sender = subprocess.Popen(
        [sys.executable, "-m", "bench.hub_sender"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    orders = Orders(
        port=running.port,
        keys=[key for key, _ in keys],
        owners=[owner for _, owner in keys],
        seconds=seconds,
        events=EVENTS,
        pause=pause,
        seed=seed,
    )
    into, _ = _ends(sender)
    into.write(msgspec.json.encode(orders).decode() + "\n")
    into.flush()
    return sender


def _ends(sender: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert sender.stdin is not None and sender.stdout is not None
    return sender.stdin, sender.stdout


class Memory(threading.Thread):
    """Watches how much memory a process has at most."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.rss = self.pss = 0
        self._process = process
        self._ending = threading.Event()

    def run(self) -> None:
        """Until `end`."""
        while not self._ending.wait(0.5):
            self.rss = max(self.rss, self._process.memory_info().rss)
            self.pss = max(self.pss, self._process.memory_full_info().pss)

    def end(self) -> None:
        """Once more, then no more."""
        self._ending.set()
        self.join()


def _many(scratch: Path, sessions: int) -> list[Figure]:
    with running_hub() as running:
        account = running.account("bench")
        key = running.key(account, "read")
        running.stop()
        begin = time.monotonic()
        _fill(running.database.parent, scratch, account, sessions)
        made = time.monotonic() - begin
        begin = time.monotonic()
        running.start()
        started = time.monotonic() - begin
        process = psutil.Process(running.pid)
        used = sum(process.cpu_times()[:2])
        figures = [
            Figure(
                f"hub with {sessions:,} sessions: start",
                f"{started:.1f} s",
                note=f"of the process until it takes sessions, {used:.1f} s CPU; all of one"
                f" account, {MANY_EVENTS} events each, written in {made:.0f} s",
            )
        ]
        for name, query in (
            ("list", "per_page=20"),
            ("list, the last page", f"per_page=20&page={-(-sessions // 20)}"),
            ("search, a rare word", "search=rare{number}"),
            ("search, two words", "search=cursor%20config"),
        ):
            times = _ask(running, key, query, sessions)
            figures.append(
                Figure(
                    f"hub with {sessions:,} sessions: {name}, p95",
                    f"{percentile(times, 0.95):.0f} ms",
                    note=f"n = {len(times)}, p50 {percentile(times, 0.5):.0f} ms, over HTTP",
                )
            )
        figures.append(
            Figure(
                f"hub with {sessions:,} sessions: memory",
                f"{process.memory_info().rss / _MB:.0f} MiB",
                note=f"RSS after that; PSS {process.memory_full_info().pss / _MB:.0f} MiB",
            )
        )
        return figures


def _ask(running: Hub, key: str, query: str, sessions: int) -> list[float]:
    connection = HTTPConnection("127.0.0.1", running.port, timeout=120)
    times = []
    for number in range(ASKED):
        asked = query.format(number=number * 97 % sessions)
        begin = time.perf_counter()
        connection.request(
            "GET", f"/api/sessions?{asked}", headers={"Authorization": f"Bearer {key}"}
        )
        got = connection.getresponse()
        body = got.read()
        times.append((time.perf_counter() - begin) * 1000)
        if got.status != 200 or not msgspec.json.decode(body)["sessions"]:
            raise RuntimeError(f"{asked}: {got.status} {body[:200]!r}")
    connection.close()
    return times


def _fill(data: Path, scratch: Path, account: Account, sessions: int) -> None:
    """Stores sessions as the hub's writer does, but for the waits for the disk."""
    db = open_writer(data / DATABASE)
    db.execute("PRAGMA synchronous = OFF")
    bodies = Bodies(data / "bodies")
    lines, numbers = pool(1), iter(range(1, sessions + 1))
    for begin in range(0, sessions, 1000):
        db.execute("BEGIN IMMEDIATE")
        for number in range(begin, min(begin + 1000, sessions)):
            _store(db, bodies, _batch(scratch, account, number, lines), numbers)
        db.execute("COMMIT")
    db.close()
    index = SearchIndex(data, bodies)
    index.catch_up(sessions, 3600)
    index.close()


def _store(db: apsw.Connection, bodies: Bodies, batch: Batch, numbers: Iterator[int]) -> None:
    change = Taking(
        bodies,
        batch,
        default_plugin="heuristic_v1",
        prefix=None,
        number=lambda: next(numbers),
        tell=lambda _event: None,
    )
    change.stage(db)
    change.apply(db)
    change.done(True)


def _batch(scratch: Path, account: Account, number: int, lines: list[bytes]) -> Batch:
    """A session of its own, with a word that no other has."""
    key = Key(account.id, "bench", "codex", f"s-{number}")
    line = header(key.id).replace(b"A session called", b"rare%d called" % number)
    start = chain_start(hub_session_key(key.owner, key.device, key.agent, key.id), 1)
    spool = Spool(scratch)
    first = number * MANY_EVENTS % (len(lines) - MANY_EVENTS)
    spool.add(b"".join(one + b"\n" for one in lines[first : first + MANY_EVENTS]))
    prepared = prepare(spool, 0, 1, start, lambda _events: [])
    return Batch(
        key=key,
        generation=1,
        rewind=0,
        first=1,
        chain=start,
        header=line,
        about=about(header_of(line)),
        lines=prepared.lines,
        hashes=prepared.hashes,
        ends=prepared.ends,
        facts=prepared.facts,
    )
