"""Where transcripts are, of this and of older versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opensession.parsers.agent import Environment, Root
from opensession.parsers.gemini import AGENT as GEMINI
from opensession.parsers.qwen_code import AGENT
from tests.helpers.lines import read_all
from tests.parsers.gemini.making import FOLDER, call, gemini, header, tokens, types, user

ROOT = Root("qwen-code", "/home/dev/.qwen/projects", 3)


def roots(extra: tuple[str, ...] = (), **variables: str) -> list[str]:
    env = Environment(home="/home/dev", variables=variables, platform="linux", extra=extra)
    return [root.path for root in AGENT.roots(env)]


def test_roots_follow_the_variables_and_the_configuration() -> None:
    own = ["/home/dev/.qwen/projects", "/home/dev/.qwen/tmp"]
    assert roots() == own
    assert roots(QWEN_HOME="/srv/q") == ["/srv/q/projects", "/srv/q/tmp", *own]
    assert roots(QWEN_RUNTIME_DIR="~/run") == ["/home/dev/run/projects", "/home/dev/run/tmp", *own]
    assert roots(QWEN_HOME="relative") == own
    assert roots(("/box/.qwen/projects", "/home/dev/.qwen")) == ["/box/.qwen/projects", *own]


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("-p/chats/7d.jsonl", "-p/chats/7d.jsonl"),
        ("-p/subagents/7d/agent-x-c.jsonl", "-p/subagents/7d/agent-x-c.jsonl"),
        ("-p/subagents/7d/agent-x-c.meta.json", "-p/subagents/7d/agent-x-c.jsonl"),
        ("-p/subagents/7d/agent-x-c.jsonl.stream", None),
        ("-p/subagents/7d/notes.jsonl", None),
        ("-p/chats/7d.json", None),
        ("-p/other/7d.jsonl", None),
    ],
)
def test_a_transcript_is_known_by_its_path(path: str, owner: str | None) -> None:
    found = AGENT.source_of(ROOT, f"{ROOT.path}/{path}")

    assert (found.path if found else None) == (f"{ROOT.path}/{owner}" if owner else None)
    assert AGENT.source_of(ROOT, "/elsewhere/chats/7d.jsonl") is None


def test_sessions_of_older_versions_are_read_as_geminis(tmp_path: Path) -> None:
    """Before 0.5; made by hand after Gemini CLI's form."""
    path = (
        tmp_path / ".qwen" / "tmp" / header()["projectHash"] / "chats" / "session-a-7d1f3c52.json"
    )
    path.parent.mkdir(parents=True)
    response = gemini(
        "g",
        "Look.",
        type="qwen",
        tokens=tokens(100, 10),
        toolCalls=[call("c", "read_file", {"file_path": "a"}, "x")],
    )
    path.write_text(json.dumps({**header(), "messages": [user("u", "Go"), response]}))
    (tmp_path / ".qwen" / "projects.json").write_text(json.dumps({"projects": {FOLDER: "app"}}))
    env = Environment(home=str(tmp_path), variables={}, platform="linux")
    (source,) = (each for root in AGENT.roots(env) for each in AGENT.sources(root))

    whole, _ = read_all(AGENT.read, source)

    assert (whole.info.agent, whole.info.provider, whole.info.cwd) == ("qwen-code", "", FOLDER)
    assert types(whole) == ["UserMessage", "AgentMessage", "FileRead", "ToolResult"]
    assert AGENT.storage(source) == "whole"
    assert AGENT.recognises(source.path, path.read_bytes()) > GEMINI.recognises(
        source.path, path.read_bytes()
    )
