from __future__ import annotations

from pathlib import Path

from opensession.parsers.agent import Environment, Root, SessionDelta
from opensession.parsers.cline import AGENT as CLINE
from opensession.parsers.detection import detect
from opensession.parsers.roo_code import AGENT
from opensession.parsers.stamps import stamp_of
from tests.parsers.cline.making import kinds, of, task, words


def sample(corpus: Path) -> Root:
    place = "roo-code/by-hand/globalStorage/rooveterinaryinc.roo-cline/tasks"
    return Root("roo-code", str(corpus / place))


def told(corpus: Path) -> SessionDelta:
    (source,) = AGENT.sources(sample(corpus))
    (found,) = AGENT.read(source, None).sessions
    return found


def test_a_task_made_by_hand_is_told_whole(corpus: Path) -> None:
    found = told(corpus)
    assert kinds(found.events) == [
        "UserMessage",
        "SystemMessage",
        "Thinking",
        "AgentMessage",
        "FileCreate",
        "ToolResult",
        "ShellCommand",
        "ToolResult",
        "Custom:error",
        "ToolCall",
        "AgentMessage",
    ]
    times = [event.time_us // 1000 for event in found.events]
    assert times == sorted(times)
    assert times[0] == 1767225700050 and times[-1] == 1767225706000
    info = found.info
    assert info.id == "0198f0aa-1111-7222-8333-444455556666"
    assert (info.title, info.cwd, info.model) == (
        "Add a greeting function",
        "/home/dev/projects/demo",
        "claude-sonnet-4-5",
    )
    assert info.attributes["mode"] == "code"
    assert not found.ended


def test_its_calls_results_and_price(corpus: Path) -> None:
    found = told(corpus)
    written, ran = of(found.events, "ToolResult")
    assert written.attributes["result.call_seq"] == 5
    assert written.attributes["result.diff"].endswith("+def hello(): ...")
    assert words(ran) == "hello" and ran.attributes["result.call_seq"] == 7
    assert found.events[9].data == {"name": "new_task"}
    (usage,) = found.usage
    assert (usage.output, usage.cache_read, usage.cache_write) == (120, 2000, 900)
    assert usage.input == 5000 - 2000 - 900
    assert (usage.cost_microdollars, usage.seq) == (12100, 5)


def test_roots_are_those_of_vs_code_and_of_a_configured_folder() -> None:
    env = Environment("/home/me", {}, "linux", ("/big/roo", "/other/tasks"))
    found = [root.path for root in AGENT.roots(env)]
    assert found[:2] == ["/big/roo/tasks", "/other/tasks"]
    ending = "globalStorage/rooveterinaryinc.roo-cline/tasks"
    assert f"/home/me/.config/Code/User/{ending}" in found
    assert f"/home/me/.config/Cursor/User/{ending}" in found
    assert f"/big/roo/User/{ending}" in found


def test_a_change_of_any_file_is_a_change_of_the_task(tmp_path: Path) -> None:
    source = task(tmp_path / "t1", [], [], history_item={"id": "t1"})
    root = Root("roo-code", str(tmp_path))
    assert AGENT.source_of(root, str(tmp_path / "t1" / "history_item.json")) == source
    assert AGENT.source_of(root, str(tmp_path / "_index.json")) is None
    before = stamp_of(AGENT.files(source))
    (tmp_path / "t1" / "history_item.json").write_text('{"id": "t1", "task": "T"}')
    assert stamp_of(AGENT.files(source)) != before
    assert AGENT.storage(source) == "whole"
    assert not AGENT.read(source, None).sessions[0].secondary


def test_tasks_are_known_by_folder_and_content(corpus: Path) -> None:
    folder = Path(sample(corpus).path) / "0198f0aa-1111-7222-8333-444455556666"
    for name in ("ui_messages.json", "api_conversation_history.json"):
        found = detect(str(folder / name), (folder / name).read_bytes(), [CLINE, AGENT])
        assert [each.agent for each in found] == ["roo-code", "cline"]
        assert found[0].confidence > 0.9
    alone = detect("/tmp/x.json", b'[{"ts":1,"type":"say","say":"text"}]', [CLINE, AGENT])
    assert {each.agent for each in alone} == {"roo-code", "cline"}
    assert not detect("/tmp/x.json", b'[{"role":"user","content":"hi"}]', [CLINE, AGENT])


def test_a_session_of_clines_sdk_is_known_by_content(corpus: Path) -> None:
    for path in (corpus / "cline").rglob("*.messages.json"):
        found = detect("/tmp/stdin", path.read_bytes()[: 64 << 10], [CLINE, AGENT])
        assert [each.agent for each in found] == ["cline"]
        source = CLINE.source_of(Root("cline", str(path.parents[1])), str(path))
        assert source is not None
