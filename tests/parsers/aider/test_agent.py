from __future__ import annotations

from pathlib import Path

from opensession.parsers.agent import Environment, Root
from opensession.parsers.aider import AGENT, CHAT, LLM
from tests.helpers.lines import read_all, read_bytes


def found(folder: Path) -> list[str]:
    root = Root("aider", str(folder))
    return [str(Path(source.path).relative_to(folder)) for source in AGENT.sources(root)]


def test_folders_are_named_by_the_user_and_home_is_not_walked() -> None:
    plain = Environment(home="/home/ann", variables={}, platform="linux")
    assert AGENT.roots(plain) == []
    named = Environment(
        home="/home/ann",
        variables={"AIDER_CHAT_HISTORY_FILE": "/logs/aider.history.md"},
        platform="linux",
        extra=("/src",),
        projects=("/work/acme",),
    )
    assert [root.path for root in AGENT.roots(named)] == ["/logs", "/work/acme", "/src"]


def test_projects_are_found_a_few_levels_below(tmp_path: Path) -> None:
    for place in ("one", "group/two", "one/node_modules/x", ".hidden", "a/b/c/d/e"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / CHAT).write_text("")
    assert found(tmp_path) == [f"group/two/{CHAT}", f"one/{CHAT}"]


def test_the_log_of_calls_is_read_where_there_is_no_chat(tmp_path: Path) -> None:
    (tmp_path / LLM).write_text("")
    assert found(tmp_path) == [LLM]
    root = Root("aider", str(tmp_path))
    assert AGENT.source_of(root, f"{tmp_path}/{LLM}") is not None
    (tmp_path / CHAT).write_text("")
    assert found(tmp_path) == [CHAT]
    assert AGENT.source_of(root, f"{tmp_path}/{LLM}") is None


def test_other_files_of_aider_are_no_sessions(tmp_path: Path) -> None:
    root = Root("aider", str(tmp_path))
    assert AGENT.source_of(root, f"{tmp_path}/.aider.input.history") is None
    assert AGENT.source_of(root, "/elsewhere/.aider.chat.history.md") is None


def test_a_log_of_calls_tells_prompts_and_answers_with_their_times(corpus: Path) -> None:
    (path,) = (corpus / "aider/real-llm-history").glob(LLM)
    data = path.read_bytes()
    source = AGENT.source_of(Root("aider", str(path.parent)), str(path))
    assert source is not None
    whole, _ = read_all(AGENT.read, source)
    answers = [event for event in whole.events if event.type == "AgentMessage"]
    assert len(answers) == data.count(b"\nLLM RESPONSE ")
    assert not any("time.estimated" in event.attributes for event in whole.events)
    assert whole.info.first_prompt.startswith("This project is a super simple random friendly name")


def test_what_is_no_log_of_calls_is_counted(tmp_path: Path) -> None:
    data = b"hello\nTO LLM 2025-01-31T11:21:36\nUSER hi\nodd\nLLM RESPONSE 2025-01-31T11:21:37\n"
    whole = read_bytes(AGENT, tmp_path, LLM, data)
    assert whole.skipped == {"before the first call": 1, "no line of a call": 1}
