from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from opensession.parsers.installed import GROUP, installed
from tests.helpers.lines import read_bytes

EXAMPLE = Path(__file__).parents[2] / "docs" / "example-agent"

LABEL = "from opensession.parsers.registry import agent; print(agent('scribe').label)"


def point(value: str, name: str = "scribe") -> EntryPoint:
    return EntryPoint(name=name, value=value, group=GROUP)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))


def test_the_example_of_the_docs_is_an_agent(example: None, tmp_path: Path) -> None:
    (scribe,) = installed(set(), [point("opensession_scribe:AGENT")]).agents
    data = b"2026-11-20T10:00:00Z\tme\tHow?\n2026-11-20T10:00:02Z\tscribe\tSo.\nx\tother\ty\n"
    whole = read_bytes(scribe, tmp_path, "first.scribe", data)
    assert [event.type for event in whole.events] == ["UserMessage", "AgentMessage", "Custom"]
    assert (whole.info.id, whole.info.first_prompt) == ("first", "How?")
    assert whole.unknown == {"other": 1}


def test_a_broken_one_costs_itself_only(example: None) -> None:
    found = installed(
        {"codex"},
        [
            point("opensession_scribe:AGENT"),
            point("opensession_scribe:NOTHING", "a"),
            point("no_such_module:AGENT", "b"),
            point("opensession_scribe:feed", "c"),
            point("opensession_scribe:AGENT", "z"),
        ],
    )
    assert [agent.name for agent in found.agents] == ["scribe"]
    assert [problem.partition(": ")[2] for problem in found.problems] == [
        "AttributeError",
        "ModuleNotFoundError",
        "it has no name of small letters, digits and hyphens",
        "its name is taken",
    ]


def test_the_name_of_one_of_our_own_agents_stays_ours(example: None) -> None:
    found = installed({"scribe"}, [point("opensession_scribe:AGENT")])
    assert not found.agents
    assert "its name is taken" in found.problems[0]


def test_the_distribution_installs_and_its_agent_is_in_the_list(tmp_path: Path) -> None:
    """Installed for real, beside the packages of this interpreter, without the network."""
    build = tmp_path / "example"
    build.mkdir()
    for file in EXAMPLE.iterdir():
        if file.is_file():
            (build / file.name).write_bytes(file.read_bytes())
    target = tmp_path / "site"
    made = subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
            "--no-build-isolation", "--target", str(target), str(build),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode and "hatchling" in made.stderr:
        pytest.skip("hatchling is not installed here, and nothing is fetched")
    assert made.returncode == 0, made.stderr
    listed = subprocess.run(
        [sys.executable, "-c", LABEL],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": str(target), "PATH": "/bin"},
    )  # fmt: skip
    assert listed.stdout == "Scribe\n"
