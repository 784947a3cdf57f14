"""Nothing private gets beyond the archive: a canary of every detector in every field of every type
of event, by a real daemon, through every way out.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import ahocorasick_rs
import pytest

from tests.every_agent.every_field import Files
from tests.helpers.daemon import PATIENCE, Daemon, Home, Rpc, RpcError, running, temporary_home
from tests.helpers.hub import Hub, running_hub

WORD = re.compile(r"[A-Za-z0-9]{12,}")

SETS_ON = "[privacy.modes]\n" + "".join(
    f'{name} = "redact"\n' for name in ("mail", "phone", "iban", "health")
)

DATA = {
    "index.db",
    "index.db-shm",
    "index.db-wal",
    "user.db",
    "user.db-shm",
    "user.db-wal",
    "privacy.key",
}
STATE = {"daemon.lock", "daemon.log", "daemon.json", "daemon.sock", "audit.log"}
"""Every file that there may be beside the archive: what is new has to be thought of here."""


class Canaries:
    """Finds values, and the words of them that a search would know, in any bytes."""

    def __init__(self, values: Collection[str]) -> None:
        names = {value.lower() for value in values}
        for value in values:
            for word in WORD.findall(value):
                if any(character.isdigit() for character in word):
                    names.add(word.lower())
        self._names = sorted(names)
        self._automaton = ahocorasick_rs.BytesAhoCorasick([name.encode() for name in self._names])

    def in_(self, data: bytes) -> list[str]:
        hits = self._automaton.find_matches_as_indexes(data.lower())
        return sorted({self._names[number] for number, _, _ in hits})


class Seen:
    """What the daemon said, what it left while it ran, and after it had ended."""

    def __init__(self, home: Home, made: Files) -> None:
        self.home = home
        self.made = made
        self.said: dict[str, str] = {}
        self.leaves: dict[str, str] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.hub: dict[str, bytes] = {}

    def look(self, when: str) -> None:
        """Reads every file of ours, and all that lies in the temporary folder, to its end."""
        found = self.files.setdefault(when, {})
        for base in ("os", "tmp", "run"):
            for path in (self.home.path / base).rglob("*"):
                if path.is_file():
                    found[str(path.relative_to(self.home.path))] = path.read_bytes()


def _pages(rpc: Rpc, method: str, key: str, **params: Any) -> list[Any]:
    found = []
    cursor = ""
    while True:
        page = rpc.call(method, cursor=cursor, **params)
        found += page[key]
        cursor = page["next"]
        if not cursor:
            return found


def _client(home: Home, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "opensession.client", *words],
        env=home.environ, cwd=home.path, capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout + done.stderr


def _ask(seen: Seen, rpc: Rpc) -> None:
    listed = rpc.call("sessions.list", all=True, limit=500)
    seen.said["list"] = json.dumps(listed)
    for row in listed["sessions"]:
        ref = row["id"]
        events = _pages(rpc, "sessions.events", "events", ref=ref, all=True, limit=1000)
        seen.said[f"events {ref}"] = json.dumps(events)
        seen.said[f"get {ref}"] = json.dumps(rpc.call("sessions.get", ref=ref, all=True))
        seen.leaves[f"export {ref}"] = json.dumps(
            _pages(rpc, "sessions.export", "lines", ref=ref, all=True)
        )
        seen.said[f"explain {ref}"] = json.dumps(rpc.call("privacy.explain", ref=ref, all=True))
        seen.leaves[f"preview {ref}"] = json.dumps(rpc.call("privacy.preview", ref=ref, all=True))
    for query in ("after", "before deploy", "redacted", "/[a-z]{12}/"):
        seen.said[f"search {query}"] = json.dumps(rpc.call("search.query", query=query, limit=200))
    for method in ("daemon.status", "daemon.health", "agents.coverage", "leaks.list", "stats.get"):
        seen.said[method] = json.dumps(rpc.call(method))
    seen.said["scan"] = json.dumps(rpc.job("privacy.scan", everything=True))
    for method, params in (
        ("sessions.get", {"ref": "made-000", "scope": "nowhere"}),
        ("sessions.events", {"ref": "made-001#99999"}),
        ("search.query", {"query": "/(/"}),
    ):
        try:
            seen.said[f"error of {method}"] = json.dumps(rpc.call(method, **params))
        except RpcError as error:
            seen.said[f"error of {method}"] = f"{error} {error.hint}"


def _run_client(seen: Seen, daemon: Daemon) -> None:
    for ref in ("made-000-0a1b2c3d", "made-005-0a1b2c3d"):
        for words in (
            ("show", ref), ("show", ref, "--full"), ("show", ref, "--json"),
            ("show", ref, "--format", "markdown"), ("timeline", ref), ("timeline", ref, "--json"),
            ("privacy", "explain", ref), ("privacy", "scan", ref),
        ):  # fmt: skip
            seen.said[" ".join(words)] = _client(seen.home, *words, "--no-start")
        for words in (("show", ref, "--format", "hail"), ("privacy", "preview", ref)):
            seen.leaves[" ".join(words)] = _client(seen.home, *words, "--no-start")
    for command in ("log --all", "search after", "leaks", "daemon logs", "stats"):
        seen.said[command] = _client(seen.home, *command.split())


def _publish(seen: Seen, hub: Hub, daemon: Daemon) -> None:
    """Everything is uploaded, from the index and once from a file; what the hub has is read."""
    with daemon.client() as rpc:
        last = rpc.job("hub.upload", all=True, really=True)
        states = {row["state"] for row in last["result"]["sessions"]}
        assert states == {"sent"}, last["error"]
        for method in ("publish.receipts", "publish.pending", "hub.status", "daemon.health"):
            seen.said[f"published {method}"] = json.dumps(rpc.call(method))
    hub.stop()
    for path in hub.data.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".lines":
                seen.leaves[f"hub {path.name}"] = data.decode()
            seen.hub[str(path.relative_to(hub.data))] = data


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    with temporary_home() as home, running_hub() as hub:
        key = hub.key(hub.account("ann"))
        home.configure(f'{SETS_ON}[server]\nurl = "{hub.url}"\napi_key = "{key}"\n')
        made = Files(3, home.path.name)
        for name, data in made.files.items():
            home.write(f".local/share/hail/{name}", data)
        found = Seen(home, made)
        with running(home) as daemon:
            daemon.index()
            with daemon.client() as rpc:
                _ask(found, rpc)
            _run_client(found, daemon)
            _publish(found, hub, daemon)
            # The journal has pages, and the database free ones.
            daemon.call("archive.forget", ref="made-003-0a1b2c3d")
            found.look("while it runs")
            daemon.stop()
        found.look("after its end")
        yield found


@pytest.fixture(scope="module")
def canaries(seen: Seen) -> Canaries:
    return Canaries(seen.made.planted)


def test_every_field_was_read_and_much_was_found(seen: Seen) -> None:
    assert len(seen.made.names) > 70
    assert len(seen.made.planted) > 4_000
    said = "".join(text for name, text in seen.said.items() if name.startswith("events"))
    assert said.count("[redacted:") > 4_000
    assert said.count("/home/[user]") > 100
    for type_ in ("FutureThing", "Hologram", "VideoGenerate"):
        assert type_ in said


def test_no_answer_and_no_output_holds_one(seen: Seen, canaries: Canaries) -> None:
    found = {name: canaries.in_(text.encode()) for name, text in seen.said.items()}
    assert {name: hits[:5] for name, hits in found.items() if hits} == {}


def test_nothing_that_leaves_holds_one_in_structural_fields_either(
    seen: Seen, canaries: Canaries
) -> None:
    """DECISIONS §5: folders, branches and paths of files are stripped on the way out."""
    structural = Canaries(seen.made.structural)
    for name, text in seen.leaves.items():
        assert canaries.in_(text.encode())[:5] == [], name
        assert structural.in_(text.encode())[:5] == [], name
        assert not re.search(r"\[redacted:[a-z0-9-]+:", text), name


def test_nothing_of_a_hub_holds_one(seen: Seen, canaries: Canaries) -> None:
    """Bodies, the database, what is searched, journals, the log."""
    structural = Canaries(seen.made.structural)
    found = {name: canaries.in_(data) + structural.in_(data) for name, data in seen.hub.items()}
    assert {name: hits[:5] for name, hits in found.items() if hits} == {}
    assert {"data/hub.db", "data/search.db", "log"} <= seen.hub.keys()
    assert sum(data.count(b"[redacted:") for data in seen.hub.values()) > 1_000


@pytest.mark.parametrize("when", ["while it runs", "after its end"])
def test_no_file_but_the_archive_holds_one(seen: Seen, canaries: Canaries, when: str) -> None:
    """Database pages, free ones and those of the search included, journals, logs, run files."""
    found = {
        name: canaries.in_(data)[:5]
        for name, data in seen.files[when].items()
        if not name.startswith("os/data/archive/")
    }
    assert {name: hits for name, hits in found.items() if hits} == {}
    assert "os/data/index.db" in found


def test_there_is_no_file_that_was_not_thought_of(seen: Seen) -> None:
    for when, files in seen.files.items():
        kept = {name for name in files if not name.startswith("os/data/archive/")}
        data = {Path(name).name for name in kept if name.startswith("os/data/")}
        rest = {name for name in kept if not name.startswith("os/data/")}
        assert data <= DATA, when
        assert {Path(name).name for name in rest} <= STATE | {"daemon.toml"}, when
        assert {str(Path(name).parent) for name in kept} <= {"os/data", "os/state", "os/config"}
    archived = [name for name in seen.files["after its end"] if "/archive/" in name]
    assert archived
    assert all(name.endswith(".zst") for name in archived)
