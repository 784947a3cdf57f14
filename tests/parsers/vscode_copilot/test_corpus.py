"""The sessions of the corpus, which were made by hand after VS Code's source."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.core.hail import Event
from opensession.parsers.agent import Root, Source
from opensession.parsers.vscode_copilot import AGENT
from tests.helpers.lines import Whole, read_all

LOG = "11111111-2222-4333-8444-555555555555"
OBJECT = "22222222-2222-4333-8444-555555555555"


def sources(corpus: Path) -> list[Source]:
    place = corpus / "vscode-copilot" / "by-hand" / "workspaceStorage"
    found = list(AGENT.sources(Root(AGENT.name, str(place))))
    assert [Path(source.path).stem for source in found] == [LOG, OBJECT]
    return found


@pytest.fixture
def told(corpus: Path) -> list[Whole]:
    return [read_all(AGENT.read, source)[0] for source in sources(corpus)]


def plain(event: Event) -> tuple[object, ...]:
    attributes = {key: value for key, value in event.attributes.items() if key != "time.estimated"}
    return (event.type, event.data, event.blocks, attributes)


def test_the_log_and_the_object_say_the_same(told: list[Whole]) -> None:
    first, second = told

    assert [plain(event) for event in first.events] == [plain(event) for event in second.events]
    assert [event.type for event in first.events] == [
        "UserMessage",
        "Thinking",
        "AgentMessage",
        "FileCreate",
        "ToolResult",
        "ShellCommand",
        "ToolResult",
        "AgentMessage",
        "Custom",
    ]


def test_a_session_has_its_title_folder_model_and_tokens(told: list[Whole]) -> None:
    for whole in told:
        assert whole.info.title == "Hello script"
        assert whole.info.cwd == "/home/dev/demo"
        assert whole.info.model == "claude-sonnet-4-5"
        assert whole.info.first_prompt == "Make a hello.py"
        ((usage,),) = whole.usage.values()
        assert (usage.message_id, usage.input, usage.output) == ("response_bbbb", 21_000, 410)
        assert not whole.skipped
        assert not whole.unknown
