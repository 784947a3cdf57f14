"""A person with every agent, a real daemon: what it lists, shows, finds and counts is what is in
the files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opensession.core.stats import recompute
from opensession.parsers.agent import Environment, Source
from opensession.parsers.registry import BUILT_IN
from tests.every_agent.people import move_in
from tests.helpers.daemon import Daemon, Home, Rpc, running, temporary_home
from tests.helpers.lines import Whole, read_all

AGENTS = [each.name for each in BUILT_IN]


class Person:
    """The home, its daemon, and what every source holds by itself."""

    def __init__(self, home: Home, daemon: Daemon) -> None:
        self.home = home
        self.daemon = daemon
        self.rpc: Rpc = daemon.client()
        self.wholes = dict(_read_all(home))

    def sessions(self, name: str) -> dict[str, list[Whole]]:
        """The reads that gave each session of an agent."""
        found: dict[str, list[Whole]] = {}
        for (owner, _), whole in self.wholes.items():
            if owner == name:
                for session, events in whole.sessions.items():
                    if events:
                        found.setdefault(session, []).append(whole)
        return found

    def listed(self, name: str) -> dict[str, dict[str, Any]]:
        """The sessions of an agent as `log --all --subagents` has them."""
        answer = self.rpc.call("sessions.list", all=True, tool=name, limit=500, children=True)
        return {row["id"]: row for row in answer["sessions"]}


def _read_all(home: Home) -> Iterator[tuple[tuple[str, str], Whole]]:
    projects = (str(home.path / "projects"),)
    for each in BUILT_IN:
        extra = projects if each.name == "aider" else ()
        env = Environment(
            home=str(home.path), variables=home.environ, platform="linux", extra=extra
        )
        sources: dict[str, Source] = {}
        for root in each.roots(env):
            for source in each.sources(root):
                sources.setdefault(source.path, source)
        for source in sources.values():
            yield (each.name, source.path), read_all(each.read, source)[0]


@pytest.fixture(scope="module")
def person(corpus: Path) -> Iterator[Person]:
    with temporary_home() as home:
        move_in(home, corpus)
        with running(home) as daemon:
            daemon.index()
            found = Person(home, daemon)
            with found.rpc:
                yield found


@pytest.mark.parametrize("name", AGENTS)
def test_every_agent_is_discovered(person: Person, name: str) -> None:
    rows = {row["name"]: row for row in person.rpc.call("agents.list", scan=True)["agents"]}
    assert rows[name]["sources"] > 0
    assert rows[name]["existing"]


@pytest.mark.parametrize("name", AGENTS)
def test_log_has_every_session_once(person: Person, name: str) -> None:
    listed, expected = person.listed(name), person.sessions(name)
    assert set(listed) == set(expected)


@pytest.mark.parametrize("name", AGENTS)
def test_show_has_every_event(person: Person, name: str) -> None:
    for session, wholes in person.sessions(name).items():
        longest = max(len(whole.sessions[session]) for whole in wholes)
        detail = person.rpc.call("sessions.get", ref=f"{name}:{session}")
        assert detail["session"]["event_count"] >= longest


@pytest.mark.parametrize("name", AGENTS)
def test_tokens_and_calls_are_those_of_the_file(person: Person, name: str) -> None:
    """Of sessions that one source tells, and without subagents, which their parents count in."""
    listed = person.listed(name)
    parents = {whole.infos[one].parent for whole in person.wholes.values() for one in whole.infos}
    for session, wholes in person.sessions(name).items():
        if len(wholes) > 1 or session in parents:
            continue
        row, stats = listed[session], recompute(wholes[0].sessions[session])
        last = {one.message_id: one for one in wholes[0].usage.get(session, [])}
        assert row["message_count"] == stats.message_count
        assert row["tool_call_count"] == stats.tool_call_count
        assert row["total_output_tokens"] == sum(one.output for one in last.values())
        assert row["total_input_tokens"] == sum(one.input for one in last.values())


@pytest.mark.parametrize("name", AGENTS)
def test_words_of_a_prompt_are_found(person: Person, name: str) -> None:
    tried = 0
    for row in person.listed(name).values():
        words = [word for word in row["title"].split() if word.isalpha() and len(word) > 1]
        if len(words) < 2:
            continue
        tried += 1
        query = f'"{words[0]}" "{words[1]}" agent:{name}'
        answer = person.rpc.call("search.query", query=query, limit=200)
        assert answer["hits"], query
        assert {hit["tool"] for hit in answer["hits"]} == {name}
    assert tried


def test_stats_count_every_agent(person: Person) -> None:
    answer = person.rpc.call("stats.get", period="all")
    counted = {row["tool"] for row in answer["by_tool"]}
    assert counted == {name for name in AGENTS if person.sessions(name)}


def test_nothing_failed_and_nothing_waits(person: Person) -> None:
    status = person.rpc.call("daemon.status")
    assert {*status["agents"]} == {*AGENTS}
    for name, row in status["agents"].items():
        assert row["failed_sources"] == 0, name
        assert row["pending_sources"] == 0, name


def test_another_look_reads_nothing_anew(person: Person) -> None:
    before = [person.listed(name) for name in AGENTS]
    person.daemon.index()
    assert [person.listed(name) for name in AGENTS] == before
