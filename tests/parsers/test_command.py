from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from opensession.core.config.settings import CommandAgent
from opensession.parsers.agent import SourceRefused
from opensession.parsers.command import Commanded
from opensession.parsers.registry import AGENTS, agent, agents
from tests.helpers.lines import read_all

SCRIPT = """
import json, sys
words = json.load(open(sys.argv[-1]))
print(json.dumps({"type": "header", "version": "hail-1.0.0", "session_id": words["id"],
    "agent": {"tool": "acme", "provider": "acme", "model": "m"}, "context": {}}))
for number, said in enumerate(words["said"]):
    print(json.dumps({"type": "event", "event_id": f"e{number}",
        "timestamp": f"2026-11-20T10:00:{number:02}.000Z",
        "event_type": {"type": "UserMessage"},
        "content": {"blocks": [{"type": "Text", "text": said}]}}))
"""


@pytest.fixture
def acme(tmp_path: Path) -> Commanded:
    script = tmp_path / "to_hail.py"
    script.write_text(SCRIPT)
    (tmp_path / "sessions").mkdir()
    files = str(tmp_path / "sessions" / "*.json")
    return Commanded(CommandAgent("acme", files, (sys.executable, str(script))))


def write(tmp_path: Path, *said: str) -> None:
    path = tmp_path / "sessions" / "one.json"
    path.write_text(json.dumps({"id": "s1", "said": said}))


def test_what_the_command_prints_is_the_session(acme: Commanded, tmp_path: Path) -> None:
    write(tmp_path, "hello", "again")
    (root,) = acme.roots(None)  # type: ignore[arg-type]
    (source,) = acme.sources(root)
    whole, _ = read_all(acme.read, source)
    assert (whole.info.agent, whole.info.id, len(whole.events)) == ("acme", "s1", 2)
    assert whole.raw == Path(source.path).read_bytes()


def test_it_runs_again_only_when_the_content_changed(acme: Commanded, tmp_path: Path) -> None:
    write(tmp_path, "hello")
    (root,) = acme.roots(None)  # type: ignore[arg-type]
    (source,) = acme.sources(root)
    whole, cursor = read_all(acme.read, source)
    write(tmp_path, "hello")
    assert not acme.read(source, cursor).sessions
    write(tmp_path, "hello", "again")
    whole, _ = read_all(acme.read, source, cursor, whole)
    assert len(whole.events) == 2


def test_other_files_and_deeper_ones_are_none_of_its(acme: Commanded, tmp_path: Path) -> None:
    write(tmp_path, "hello")
    (tmp_path / "sessions" / "notes.txt").write_text("no")
    (tmp_path / "sessions" / "deep").mkdir()
    (tmp_path / "sessions" / "deep" / "two.json").write_text("{}")
    (root,) = acme.roots(None)  # type: ignore[arg-type]
    assert [Path(source.path).name for source in acme.sources(root)] == ["one.json"]
    assert acme.source_of(root, f"{root.path}/one.json")
    assert acme.source_of(root, f"{root.path}/deep/two.json") is None


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("/nowhere/at-all",), "cannot be run"),
        ((sys.executable, "-c", "raise SystemExit(3)"), "ended with code 3"),
        ((sys.executable, "-c", "print('hello')"), "prints no HAIL"),
    ],
)
def test_a_command_that_gives_nothing_says_why(
    tmp_path: Path, command: tuple[str, ...], reason: str
) -> None:
    write_to = tmp_path / "sessions"
    write_to.mkdir()
    write(tmp_path, "secret words")
    broken = Commanded(CommandAgent("broken", f"{write_to}/*.json", command))
    (root,) = broken.roots(None)  # type: ignore[arg-type]
    (source,) = broken.sources(root)
    with pytest.raises(SourceRefused, match=reason) as caught:
        broken.read(source, None)
    assert "secret" not in str(caught.value)


def test_the_list_has_the_commands_of_the_configuration(tmp_path: Path) -> None:
    acme = CommandAgent("acme", "/data/*.json", ("x",))
    assert [each.name for each in agents((acme,))] == [*(each.name for each in AGENTS), "acme"]
    assert agent("acme", (acme,)).name == "acme"
    taken = CommandAgent("codex", "/data/*.json", ("x",))
    assert agents((taken,)) == AGENTS
