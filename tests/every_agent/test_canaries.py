"""Nothing private gets beyond the archive: secrets of every kind in the files of every agent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.parsers.registry import BUILT_IN
from tests.every_agent.canaries import Planting
from tests.every_agent.people import move_in
from tests.every_agent.test_every_field import SETS_ON
from tests.helpers.daemon import Home, running, temporary_home

WORD = re.compile(r"[A-Za-z0-9]{12,}")


class Seen:
    """What a daemon that indexed the planted files left and said."""

    def __init__(self, home: Home, planted: set[str], said: str) -> None:
        self.home = home
        self.planted = planted
        self.said = said


@pytest.fixture(scope="module")
def seen(corpus: Path) -> Iterator[Seen]:
    with temporary_home() as home:
        move_in(home, corpus)
        config = home.paths.config_file
        config.write_text(config.read_text() + SETS_ON)
        planting = Planting(7, home.path.name)
        planting.plant(home.path)
        said = []
        with running(home) as daemon:
            daemon.index()
            with daemon.client() as rpc:
                listed = rpc.call("sessions.list", all=True, limit=500, children=True)
                said.append(listed)
                for row in listed["sessions"]:
                    ref = f"{row['tool']}:{row['id']}"
                    said.append(rpc.call("sessions.get", ref=ref))
                    said.append(rpc.call("sessions.events", ref=ref, limit=1000))
                    said.append(rpc.call("sessions.export", ref=ref))
                said.append(rpc.call("search.query", query="end", limit=200))
                said.append(rpc.call("daemon.status"))
                said.append(rpc.call("agents.coverage"))
            daemon.stop()
        assert {row["tool"] for row in listed["sessions"]} == {each.name for each in BUILT_IN}
        yield Seen(home, planting.planted, json.dumps(said, ensure_ascii=False))


def test_secrets_were_planted_and_found(seen: Seen) -> None:
    assert len(seen.planted) > 200
    assert seen.said.count("[redacted:") > 1000


def test_no_answer_holds_one(seen: Seen) -> None:
    assert [value for value in seen.planted if value in seen.said] == []


def test_no_file_but_the_archive_holds_one(seen: Seen) -> None:
    """Databases with their free pages and search words, logs, run files, temporary files."""
    own = seen.home.path / "os"
    files = [path for path in own.rglob("*") if path.is_file()]
    kept = [path for path in files if path.relative_to(own).parts[:2] != ("data", "archive")]
    assert {path.name for path in kept} >= {"index.db", "user.db"}
    for path in [*kept, *(seen.home.path / "tmp").rglob("*")]:
        if not path.is_file():
            continue
        data = path.read_bytes().lower()
        for value in seen.planted:
            assert value.lower().encode() not in data, path.name
            for word in WORD.findall(value):
                if any(character.isdigit() for character in word):
                    assert word.lower().encode() not in data, path.name
