"""Where agents' folders are."""

from __future__ import annotations

import msgspec
import pytest

from opensession.daemon.custom_paths import judge, unrecognised
from opensession.daemon.reconcile import scan
from opensession.daemon.roots import named_by, plain_environment, roots_of
from opensession.daemon.user_data import ExtraRoot
from opensession.parsers.agent import Environment
from opensession.parsers.registry import AGENTS, agent
from tests.helpers.daemon import Home
from tests.helpers.transcripts import claude, codex

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"


def found_below(home: Home, custom: str, told: tuple[ExtraRoot, ...] = ()) -> dict[str, list[str]]:
    """The names of the sources that each agent finds with this custom path."""
    names: dict[str, list[str]] = {}
    plain = plain_environment(home.paths, {})
    judged = {custom: judge(custom, AGENTS, plain)}
    for each in AGENTS:
        roots = roots_of(each, plain, judged, told)
        sources = [source for root in roots for source in each.sources(root)]
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


def test_a_custom_folder_may_be_a_home_with_several_agents(home: Home) -> None:
    """As of a container: each agent finds its own where it would in a home, and only there."""
    rollout = f"rollout-2026-01-02T03-04-05-{TWO}.jsonl"
    home.write(f"box/.claude/projects/p/{ONE}.jsonl", claude(ONE, "hello"))
    home.write(f"box/.codex/sessions/2026/01/02/{rollout}", codex(TWO, "hello"))
    home.write("box/.local/share/hail/x.hail.jsonl", "{}\n")
    home.write("box/notes.jsonl", "{}\n")

    assert found_below(home, f"{home.path}/box") == {
        "claude-code": [f"{ONE}.jsonl"],
        "codex": [rollout],
        "hail": ["x.hail.jsonl"],
    }


def test_a_folder_of_two_agents_is_read_by_both(home: Home) -> None:
    rollout = f"rollout-2026-01-02T03-04-05-{TWO}.jsonl"
    home.write(f"backup/sessions/{rollout}", codex(TWO, "hello"))
    home.write(f"backup/projects/p/{ONE}.jsonl", claude(ONE, "hello"))

    assert found_below(home, f"{home.path}/backup") == {
        "claude-code": [f"{ONE}.jsonl"],
        "codex": [rollout],
    }


def test_a_transcript_that_another_agent_knows_by_its_name_is_left_to_it(home: Home) -> None:
    """Cursor keeps a `projects` folder as well, with lines that no agent knows by their keys."""
    name = "cccccccc-0000-4000-8000-000000000001"
    path = f"box/projects/home-dev/agent-transcripts/{name}/{name}.jsonl"
    home.write(path, '{"role":"user","message":{"content":[]}}\n')

    assert found_below(home, f"{home.path}/box") == {"cursor": [f"{name}.jsonl"]}


def test_a_database_that_was_copied_alone_is_known_by_its_name(home: Home) -> None:
    home.write("copies/sessions.db", b"")
    folder = f"{home.path}/copies"

    judged = judge(folder, AGENTS, plain_environment(home.paths, {}))

    assert [root.agent for root in judged.loose] == ["goose"]


def test_files_of_other_names_are_known_by_how_they_begin(home: Home) -> None:
    """Codex's records in a file that Codex would not name so: Claude Code, which takes any name,
    leaves it to Codex.
    """
    home.write("backup/deep/one.jsonl", codex(TWO, "hello"))
    home.write("backup/two.txt", codex(ONE, "hello"))
    home.write("backup/three.txt", "hello")
    home.write("backup/four.db", codex(ONE, "a database is not looked into"))
    folder = f"{home.path}/backup"
    plain = plain_environment(home.paths, {})

    assert found_below(home, folder) == {}
    judged = judge(folder, AGENTS, plain)
    (root,) = judged.loose
    assert (root.agent, root.path) == ("codex", folder)
    found = scan(agent("codex"), root, agents=AGENTS)
    assert found is not None
    assert list(found.sources) == [f"{folder}/two.txt", f"{folder}/deep/one.jsonl"]
    assert unrecognised({folder: judged}) == []


def test_every_agent_finds_nothing_in_a_folder_of_other_things(home: Home) -> None:
    """Driven by the list: a database, a table, a page."""
    for name in ("a.db", "b.csv", "c.md", "d.json", "state.txt"):
        home.write(f"other/{name}", "SQLite format 3\0 or not")
    folder = f"{home.path}/other"

    judged = judge(folder, AGENTS, plain_environment(home.paths, {}))
    (found,) = unrecognised({folder: judged})
    assert found.path == folder


def test_a_custom_folder_that_is_looked_in_anyway_is_no_stranger(home: Home) -> None:
    home.write(f".claude/projects/p/{ONE}.jsonl", claude(ONE, "hello"))
    folder = f"{home.path}/.claude"

    assert judge(folder, AGENTS, plain_environment(home.paths, {})).found


@pytest.mark.parametrize("name", [each.name for each in AGENTS])
def test_every_variable_of_every_agent_moves_its_folders(name: str) -> None:
    """What a client's hello passes on is taken up, whatever the agent's storage; the folder that is
    remembered of it (a variable may name a file in it) is looked in again after a restart.
    """
    each = agent(name)
    known = Environment(home="/home/a", variables={}, platform="linux")
    for variable in each.variables:
        named = named_by(each, {variable: "/elsewhere/of/it"}, known)
        assert named, variable
        for root in named:
            assert root.path.startswith("/elsewhere/of")
            again = each.roots(msgspec.structs.replace(known, extra=(root.path,)))
            assert root.path in [one.path for one in again]
