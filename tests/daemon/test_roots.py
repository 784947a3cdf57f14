"""Where agents' folders are."""

from __future__ import annotations

import msgspec
import pytest

from opensession.core.config import Settings
from opensession.daemon.roots import environment, named_by
from opensession.daemon.user_data import ExtraRoot
from opensession.parsers.agent import Environment
from opensession.parsers.registry import AGENTS, agent
from tests.helpers.daemon import Home
from tests.helpers.transcripts import claude, codex

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"


def settings(*custom: str) -> Settings:
    found = Settings()
    watchers = msgspec.structs.replace(found.watchers, custom_paths=custom)
    return msgspec.structs.replace(found, watchers=watchers)


def found_below(home: Home, custom: str, told: tuple[ExtraRoot, ...] = ()) -> dict[str, list[str]]:
    """The names of the sources that each agent finds with this custom path."""
    names: dict[str, list[str]] = {}
    for each in AGENTS:
        env = environment(each, home.paths, {}, settings(custom), told)
        sources = [source for root in each.roots(env) for source in each.sources(root)]
        names[each.name] = sorted(source.path.rsplit("/", 1)[-1] for source in sources)
    return {name: found for name, found in names.items() if found}


@pytest.mark.parametrize("below", ["", "/sessions"])
def test_a_custom_folder_of_codex_is_not_read_as_another_agents(home: Home, below: str) -> None:
    """Claude Code takes any `.jsonl`: it gives way where Codex has its rollouts."""
    name = f"rollout-2026-01-02T03-04-05-{TWO}.jsonl"
    home.write(f"backup/sessions/2026/01/02/{name}", codex(TWO, "hello"))
    home.write("backup/history.jsonl", b"{}\n")

    assert found_below(home, f"{home.path}/backup{below}") == {"codex": [name]}


@pytest.mark.parametrize("below", ["", "/projects"])
def test_a_custom_folder_of_claude_code_is_found(home: Home, below: str) -> None:
    """As the folder above `projects`, or as that itself."""
    home.write(f"backup/projects/p/{ONE}.jsonl", claude(ONE, "hello"))

    assert found_below(home, f"{home.path}/backup{below}") == {"claude-code": [f"{ONE}.jsonl"]}


def test_what_clients_told_counts_for_its_agent_alone(home: Home) -> None:
    """A folder that CODEX_HOME named says nothing of Claude Code."""
    home.write(f"elsewhere/projects/p/{ONE}.jsonl", claude(ONE, "hello"))
    root = f"{home.path}/elsewhere/projects"

    mine = (ExtraRoot("claude-code", root, "CLAUDE_CONFIG_DIR"),)
    others = (ExtraRoot("codex", root, "CODEX_HOME"),)

    assert found_below(home, "/nowhere", mine) == {"claude-code": [f"{ONE}.jsonl"]}
    assert found_below(home, "/nowhere", others) == {}


def test_only_what_is_new_is_named(home: Home) -> None:
    """DECISIONS §6: the fixed list of variables is that of the agents' rows."""
    codex_agent = agent("codex")
    known = Environment(home=str(home.path), variables={"CODEX_HOME": "/known"}, platform="linux")
    base = f"{home.path}/.codex"

    assert named_by(codex_agent, {"CODEX_HOME": "/known"}, known) == []
    assert named_by(codex_agent, {"CODEX_HOME": base}, known) == []
    assert named_by(codex_agent, {"HOME": "/other", "CLAUDE_CONFIG_DIR": "/x"}, known) == []
    new = named_by(codex_agent, {"CODEX_HOME": "/new"}, known)
    assert {(root.agent, root.variable) for root in new} == {("codex", "CODEX_HOME")}
    assert {root.path for root in new} == {"/new/sessions", "/new/archived_sessions"}
