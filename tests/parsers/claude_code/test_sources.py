"""Where transcripts are looked for, and which file is part of which."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opensession.parsers.agent import Environment, Root, Source
from opensession.parsers.claude_code import AGENT
from tests.parsers.claude_code.transcripts import SESSION, Reads, Talk, said


def _roots(home: Path, *extra: str, **variables: str) -> list[str]:
    env = Environment(home=str(home), variables=variables, platform="linux", extra=extra)
    return [root.path for root in AGENT.roots(env)]


def test_default_folders(tmp_path: Path) -> None:
    assert _roots(tmp_path) == [
        f"{tmp_path}/.claude/projects",
        f"{tmp_path}/.config/claude/projects",
    ]


def test_relocated_folders_come_first(tmp_path: Path) -> None:
    assert _roots(tmp_path, CLAUDE_CONFIG_DIR="/a, ~/b,relative,")[:2] == [
        "/a/projects",
        f"{tmp_path}/b/projects",
    ]


def test_extra_folders_may_be_of_projects_or_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "other" / "projects").mkdir(parents=True)
    found = _roots(tmp_path, f"{tmp_path}/other", "/srv/projects", "/srv/transcripts")

    assert found[2:] == [f"{tmp_path}/other/projects", "/srv/projects", "/srv/transcripts"]


def test_one_folder_by_two_names_is_one_root(tmp_path: Path) -> None:
    (tmp_path / ".claude" / "projects").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / ".claude")

    assert _roots(tmp_path, CLAUDE_CONFIG_DIR=f"{tmp_path}/link,{tmp_path}/.claude/") == [
        f"{tmp_path}/link/projects",
        f"{tmp_path}/.config/claude/projects",
    ]


FILES = {
    f"-p/{SESSION}.jsonl": True,
    "-p/agent-a1.jsonl": True,
    f"-p/{SESSION}/subagents/agent-b2.jsonl": True,
    f"-p/{SESSION}/subagents/workflows/w/agent-c3.jsonl": True,
    f"-p/{SESSION}/subagents/workflows/w/journal.jsonl": False,
    f"-p/{SESSION}/tool-results/rows.jsonl": False,
    "-p/memory/notes.jsonl": False,
    "-p/notes.md": False,
    "-p/sessions-index.json": False,
}


def _root(tmp_path: Path) -> Root:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return Root(agent="claude-code", path=str(tmp_path))


def test_every_transcript_is_found(tmp_path: Path) -> None:
    found = {source.path for source in AGENT.sources(_root(tmp_path))}

    assert found == {f"{tmp_path}/{name}" for name, is_source in FILES.items() if is_source}


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_belongs_to_the_source_that_a_search_finds(
    tmp_path: Path, name: str
) -> None:
    source = AGENT.source_of(_root(tmp_path), f"{tmp_path}/{name}")

    assert (source is not None) is FILES[name]


def test_what_describes_a_subagent_belongs_to_its_transcript(tmp_path: Path) -> None:
    root = _root(tmp_path)
    folder = f"{tmp_path}/-p/{SESSION}/subagents"
    source = AGENT.source_of(root, f"{folder}/agent-b2.meta.json")

    assert source is not None
    assert source.path == f"{folder}/agent-b2.jsonl"
    assert AGENT.source_of(root, "/elsewhere/x.jsonl") is None


def test_a_missing_root_has_no_sources(tmp_path: Path) -> None:
    assert list(AGENT.sources(Root(agent="claude-code", path=f"{tmp_path}/none"))) == []


def test_folders_are_not_entered_through_links(tmp_path: Path) -> None:
    """DECISIONS §8: links are followed only if they stay below the root."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.jsonl").write_text("")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")

    assert list(AGENT.sources(Root(agent="claude-code", path=f"{tmp_path}/root"))) == []


def _subagent(folder: Path, **meta: object) -> Source:
    talk = Talk(agentId="b2", isSidechain=True)
    talk.user("Look at it")
    talk.assistant(said("Looked."))
    path = folder.resolve() / "agent-b2.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in talk.records))
    if meta:
        path.with_suffix(".meta.json").write_text(json.dumps(meta))
    return Source(agent="claude-code", root=str(path.parent), path=str(path))


def _read(source: Source) -> Reads:
    reads = Reads()
    reads.apply(AGENT.read(source, None).sessions)
    return reads


def test_a_subagent_is_described_beside_its_transcript(tmp_path: Path) -> None:
    source = _subagent(tmp_path, toolUseId="toolu_9", description="Look", agentType="Explore")
    info = _read(source).own.info

    assert (info.parent_call_id, info.title) == ("toolu_9", "Look")
    assert info.attributes["agent_type"] == "Explore"


@pytest.mark.parametrize("meta", [{}, {"toolUseId": 7}, {"description": None}])
def test_a_subagent_without_a_description_is_read_all_the_same(
    tmp_path: Path, meta: dict[str, object]
) -> None:
    info = _read(_subagent(tmp_path, **meta)).own.info

    assert (info.parent, info.parent_call_id) == (SESSION, "")
