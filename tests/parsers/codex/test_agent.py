"""The row of Codex: where it looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.parsers.agent import Agent, Environment, Root, SourceRefused
from opensession.parsers.codex import AGENT
from opensession.parsers.registry import agent
from tests.parsers.codex.making import NAME, encoded, message, meta

HOME = "/home/dev"


def roots(extra: tuple[str, ...] = (), **variables: str) -> list[str]:
    env = Environment(home=HOME, variables=variables, platform="linux", extra=extra)
    return [root.path for root in AGENT.roots(env)]


def test_the_row_is_in_the_list() -> None:
    found: Agent = agent("codex")

    assert found is AGENT
    assert found.variables == ("CODEX_HOME",)
    assert found.resume == ("codex", "resume", "{id}")
    assert found.retention_days is None


def test_roots_are_the_homes_sessions_and_archived_sessions() -> None:
    standard = [f"{HOME}/.codex/sessions", f"{HOME}/.codex/archived_sessions"]

    assert roots() == standard
    assert roots(CODEX_HOME="/data/codex") == [
        "/data/codex/sessions",
        "/data/codex/archived_sessions",
        *standard,
    ]
    assert roots(CODEX_HOME=f"{HOME}/.codex/") == standard
    assert roots(CODEX_HOME="relative") == standard
    assert roots(extra=("/other", "/more/sessions"))[:3] == [
        "/other/sessions",
        "/other/archived_sessions",
        "/more/sessions",
    ]


def test_watches_reach_the_day(tmp_path: Path) -> None:
    """DECISIONS §8: the agent's row says to which depth watches go."""
    assert {root.watch_depth for root in AGENT.roots(Environment(HOME, {}, "linux"))} == {3}


@pytest.mark.parametrize(
    ("name", "is_source"),
    [
        (NAME, True),
        (NAME + ".zst", True),
        ("rollout.jsonl", True),
        ("rollout-2026.jsonl.tmp", False),
        ("history.jsonl", False),
        ("rollout-2026.json", False),
    ],
)
def test_sources_are_known_by_their_names(tmp_path: Path, name: str, is_source: bool) -> None:
    root = Root("codex", str(tmp_path), 3)
    deep = tmp_path / "2026" / "02" / "03"
    deep.mkdir(parents=True)
    (deep / name).write_bytes(b"")

    found = AGENT.source_of(root, str(deep / name))

    assert list(AGENT.sources(root)) == ([found] if is_source else [])
    assert (found is not None) == is_source
    assert AGENT.source_of(Root("codex", "/elsewhere"), str(deep / name)) is None


def test_a_root_that_is_not_there_has_no_sources(tmp_path: Path) -> None:
    assert list(AGENT.sources(Root("codex", str(tmp_path / "none")))) == []


def test_a_linked_rollout_is_refused_and_counted(tmp_path: Path) -> None:
    """DECISIONS §8: what is not read is skipped with a reason."""
    (tmp_path / "away").write_bytes(encoded(meta(), message("user", "x")))
    root = tmp_path / "sessions"
    root.mkdir()
    (root / NAME).symlink_to(tmp_path / "away")
    (source,) = AGENT.sources(Root("codex", str(root)))

    with pytest.raises(SourceRefused):
        AGENT.read(source, None)
