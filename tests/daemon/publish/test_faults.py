"""Whatever happens on the way, and whoever is killed: the hub has what the daemon would send, every
line once and in order.
"""

from __future__ import annotations

import contextlib
import json
import os
import random

import pytest

from tests.daemon.publish.proxy import proxy
from tests.daemon.publish.stage import Stage, Transcript, eventually, stage, states
from tests.helpers.daemon import Daemon, running

SEEDS = 1000 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 8
AT_ONCE = 50
"""So many seeds share a daemon and a hub, a session each."""

STEPS = 5


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_every_way_ends_in_the_same_bytes(first: int) -> None:
    seeds = range(first, min(first + AT_ONCE, SEEDS))
    chances = {f"seed{seed:04}": random.Random(seed) for seed in seeds}
    batch = random.Random(f"batch {first}")
    kills = {batch.randrange(1, STEPS): "daemon", batch.randrange(1, STEPS): "hub"}
    with stage() as on, proxy(on.hub.port, first) as between, contextlib.ExitStack() as ending:
        on.connect(between.url)
        sessions = {name: on.transcript(name) for name in chances}
        daemon = ending.enter_context(running(on.home))
        daemon.call("stream.enable", agent="claude-code")
        for step in range(STEPS):
            for name, chance in chances.items():
                _do_something(sessions[name], chance, step)
            daemon.index()
            if kills.get(step) == "daemon":
                daemon.kill()
                daemon = ending.enter_context(running(on.home))
            elif kills.get(step) == "hub":
                on.hub.kill()
                on.hub.start()
        daemon.index()
        eventually(lambda: _tries(between.counts) >= len(chances))
        between.calm()
        eventually(lambda: not states(daemon))
        between.release()
        for name in chances:
            assert _hub_has(on, name) == _would_send(daemon, name), f"{name} of {first}"
        assert states(daemon) == {}


def _do_something(said: Transcript, chance: random.Random, step: int) -> None:
    """The agent appends, or writes its file anew from some record on."""
    texts = [f"{step}: {chance.randrange(1000)} {'x' * chance.randrange(200)}" for _ in range(4)]
    texts = texts[: chance.randrange(1, 5)]
    if step and chance.random() < 0.35:
        said.rewrite(chance.randrange(len(said.records) + 1), *texts)
    else:
        said.say(*texts)


def _tries(counts: dict[str, int]) -> int:
    return sum(counts.values())


def _hub_has(on: Stage, name: str) -> list[bytes]:
    status, lines = on.raw(name)
    assert status == 200
    return lines


def _would_send(daemon: Daemon, name: str) -> list[bytes]:
    """The lines that `privacy preview` shows: those of `publish.lines`."""
    found: list[bytes] = []
    cursor = ""
    with daemon.client() as client:
        while True:
            client.send({"jsonrpc": "2.0", "id": 1, "method": "privacy.preview",
                         "params": {"ref": name, "all": True, "cursor": cursor}})  # fmt: skip
            page = client.receive()["result"]
            found += [json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()
                      for line in page["lines"]]  # fmt: skip
            cursor = page["next"]
            if not cursor:
                return found
