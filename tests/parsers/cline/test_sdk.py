from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from opensession.parsers.agent import Root, Source
from opensession.parsers.cline import AGENT
from tests.parsers.cline.making import (
    START,
    assistant,
    call,
    kinds,
    of,
    only,
    read,
    result,
    session,
    told,
    user,
    words,
    write,
)

RESUMED = (
    "Warning: this is a legacy conversation, which means tool names may have changed. Please use"
    " the most up-to-date tools you are aware of."
)


def recorded(corpus: Path, name: str = "recorded-subagent/sessions") -> list[Source]:
    return list(AGENT.sources(Root("cline", str(corpus / "cline" / name))))


def test_a_recorded_session_is_told_with_its_manifest(corpus: Path) -> None:
    lead = only(recorded(corpus)[0])
    info = lead.info
    assert info.id == "1795218623545_ll8ky"
    assert info.title == info.first_prompt == "Make a hello.py with a greeting function"
    assert (info.model, info.provider, info.tool_version, info.cwd, info.git_branch) == (
        "mock-model",
        "openai-compatible",
        "3.0.65",
        "/home/dev/acme-api",
        "master",
    )
    assert lead.ended
    assert [e.type for e in lead.events if e.type not in ("Thinking", "AgentMessage")] == [
        "UserMessage",
        "ShellCommand",
        "ToolResult",
        "FileCreate",
        "ToolResult",
        "FileEdit",
        "ToolResult",
        "ShellCommand",
        "ToolResult",
        "FileRead",
        "ToolResult",
        "ToolCall",
        "ToolResult",
    ]
    assert words(lead.events[0]) == "Make a hello.py with a greeting function"
    assert lead.events[0].time_us == 1795218623892000
    assert lead.events[0].attributes["mode"] == "act"


def test_results_are_paired_with_errors_exit_codes_and_diffs(corpus: Path) -> None:
    events = only(recorded(corpus)[0]).events
    listed, made, changed, failed, missing, helped = of(events, "ToolResult")
    for done in (listed, made, changed, failed, missing, helped):
        call_event = events[done.attributes["result.call_seq"] - 1]
        assert call_event.attributes["semantic.call_id"] == done.attributes["semantic.call_id"]
    assert listed.attributes["result.exit_code"] == 0
    assert failed.attributes["result.exit_code"] == 1
    assert [bool(e.data and e.data["is_error"]) for e in (listed, failed, missing)] == [
        False,
        True,
        True,
    ]
    assert "ENOENT" in words(missing)
    assert made.attributes["result.diff"].startswith("--- /dev/null\n+++ /home/dev/acme-api\n")
    assert changed.attributes["result.diff"] == (
        "--- /home/dev/acme-api\n+++ /home/dev/acme-api\n@@ -2,1 +2,1 @@\n"
        '-    return "hello " + name\n+    return f"hello {name}!"'
    )
    assert words(changed) == "Edited /home/dev/acme-api"
    assert words(helped).startswith("Done. I made hello.py")


def test_input_is_without_what_the_cache_gave(corpus: Path) -> None:
    usage = only(recorded(corpus)[0]).usage
    assert [(u.input, u.output, u.cache_read) for u in usage][:2] == [
        (400, 40, 800),
        (550, 41, 800),
    ]
    assert sum(u.input + u.cache_read for u in usage) == 11550
    assert sum(u.output for u in usage) == 301
    assert all(u.cost_microdollars is None for u in usage)


def test_a_subagent_is_a_session_with_a_parent(corpus: Path) -> None:
    child = only(recorded(corpus)[1]).info
    assert child.id == "1795218623545_ll8ky__agent_1795218625745_f7lkgh"
    assert (child.role, child.parent) == ("auxiliary", "1795218623545_ll8ky")
    assert (child.cwd, child.git_branch, child.title) == ("/home/dev/acme-api", "master", "")


def test_numbered_lines_of_a_read_file_are_code(corpus: Path) -> None:
    events = only(recorded(corpus, "recorded/.cline/data/sessions")[0]).events
    shown = of(events, "ToolResult")[0].blocks[0]
    assert shown["type"] == "Code" and shown["start_line"] == 1
    assert shown["code"].startswith("const windows = new Map();\n\n// true")
    assert shown["language"] == "javascript"


def test_a_forked_session_has_prices_attached_files_and_its_origin(
    corpus: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "sessions" / "1784094124598_rruoq"
    folder.mkdir(parents=True)
    given = corpus / "cline/sdk-fixture"
    shutil.copy(given / "session.json", folder / "1784094124598_rruoq.json")
    path = folder / "1784094124598_rruoq.messages.json"
    shutil.copy(given / "session.messages.json", path)
    found = only(Source("cline", str(tmp_path / "sessions"), str(path)))
    raw = json.loads(path.read_text())["messages"]
    assert found.info.related == ["1784094053271_p8pzo"]
    assert found.info.title.endswith("(fork)")
    assert found.info.model == raw[-1]["modelInfo"]["id"] != "mistralai/mixtral-8x22b-instruct"
    costs = [u.cost_microdollars for u in found.usage]
    assert costs[:2] == [489531, 65391] and None not in costs
    assert len(found.usage) == 16
    assert [b["type"] for b in found.events[0].blocks] == ["Text", "File"]
    calls = [p for m in raw for p in m["content"] if p["type"] == "tool_use"]
    assert len(of(found.events, "ToolResult")) == len(calls) == 11
    edited = of(found.events, "ToolResult")[0].attributes["result.diff"]
    assert "\n@@ -467,6 +467,6 @@\n" in edited or "\n@@ -467," in edited


def test_one_call_of_several_commands_is_several_events(tmp_path: Path) -> None:
    source = session(
        tmp_path,
        "1750000000000_abcde",
        [
            assistant(
                call("c1", "run_commands", commands=["make", {"command": "ls", "args": ["a b"]}]),
                call("c2", "read_files", files=[{"path": "a.py"}, {"path": "b.rs"}]),
                id="m1",
                ts=START,
            ),
            user(
                result(
                    "c1",
                    [
                        {
                            "query": "make",
                            "result": "[Command exited with code 2]",
                            "success": False,
                        },
                        {"query": "ls", "result": "x", "success": True},
                    ],
                ),
                result(
                    "c2",
                    [
                        {"query": "a.py", "result": "1 | x = 1", "success": True},
                        {"query": "b.rs", "result": "7 | let y;", "success": True},
                    ],
                ),
                id="m2",
                ts=START + 10,
            ),
        ],
    )
    events = told(source)
    assert [e.data for e in of(events, "ShellCommand", "FileRead")] == [
        {"command": "make"},
        {"command": "ls 'a b'"},
        {"path": "a.py"},
        {"path": "b.rs"},
    ]
    results = of(events, "ToolResult")
    assert [e.attributes["result.call_seq"] for e in results] == [1, 2, 3, 4]
    assert [e.attributes.get("result.exit_code") for e in results] == [2, 0, None, None]
    assert [e.data and e.data["is_error"] for e in results] == [True, False, False, False]
    assert results[3].blocks == [
        {"type": "Code", "code": "let y;", "language": "rust", "start_line": 7}
    ]
    assert len({e.event_id for e in events}) == len(events)


def test_tokens_and_exit_codes_are_as_recorded(tmp_path: Path) -> None:
    spent = {"inputTokens": 100, "cacheReadTokens": 70, "cacheWriteTokens": 20, "cost": 0.25}
    killed = {"query": "make", "result": "half", "error": "Command timed out", "success": False}
    source = session(
        tmp_path,
        "s1",
        [
            assistant(call("c1", "run_commands", commands=["make"]), id="m1", metrics=spent),
            user(result("c1", [killed]), id="m2"),
        ],
    )
    found = only(source)
    (usage,) = found.usage
    assert (usage.input, usage.cache_read, usage.cache_write) == (10, 70, 20)
    assert usage.cost_microdollars == 250_000
    assert found.events[0].attributes["input_tokens"] == 10
    assert "result.exit_code" not in found.events[1].attributes
    assert words(found.events[1]) == "half\nCommand timed out"


def test_a_result_that_reports_fewer_things_than_were_called_closes_all(tmp_path: Path) -> None:
    source = session(
        tmp_path,
        "s1",
        [
            assistant(call("c1", "search_codebase", queries=["foo", "bar"]), id="m1", ts=START),
            user(result("c1", "it was denied", is_error=True), id="m2", ts=START + 1),
        ],
    )
    events = told(source)
    assert [e.type for e in events] == ["CodeSearch", "CodeSearch", "ToolResult", "ToolResult"]
    assert [words(e) for e in events[2:]] == ["it was denied", ""]
    assert all(e.data and e.data["is_error"] for e in events[2:])


def test_the_editor_inserts_and_writes(tmp_path: Path) -> None:
    done = '{"query":"e","result":"Inserted content at line 3 in a.py.","success":true}'
    source = session(
        tmp_path,
        "s1",
        [
            assistant(
                call("c1", "editor", path="a.py", new_text="x = 1", insert_line=3),
                call("c2", "editor", path="b.py", new_text="y = 2\n"),
                id="m1",
                ts=START,
            ),
            user(result("c1", done), result("c2", done), id="m2", ts=START + 1),
        ],
    )
    events = told(source)
    assert [e.type for e in events[:2]] == ["FileEdit", "FileCreate"]
    assert "+x = 1" in events[2].attributes["result.diff"]
    assert events[3].attributes["result.diff"].startswith("--- /dev/null\n+++ b.py\n")


def test_a_diff_that_was_cut_gives_way_to_that_of_the_call(tmp_path: Path) -> None:
    said = "Edited a.py\n```diff\n-1: a\n+1: b\n... diff truncated (9 more removed) ...\n```"
    source = session(
        tmp_path,
        "s1",
        [
            assistant(
                call("c", "editor", path="a.py", old_text="a", new_text="b"), id="m1", ts=START
            ),
            user(result("c", json.dumps({"query": "e", "result": said, "success": True})), id="m2"),
        ],
    )
    (done,) = of(told(source), "ToolResult")
    assert done.attributes["result.diff"] == "--- a.py\n+++ a.py\n@@ -1,1 +1,1 @@\n-a\n+b"
    assert done.attributes["time.estimated"] is True


def test_a_failed_edit_reports_no_diff(tmp_path: Path) -> None:
    failed = '{"query":"e","result":"","error":"No replacement performed","success":false}'
    source = session(
        tmp_path,
        "s1",
        [
            assistant(
                call("c", "editor", path="a.py", old_text="a", new_text="b"), id="m1", ts=START
            ),
            user(result("c", failed), id="m2", ts=START),
        ],
    )
    (done,) = of(told(source), "ToolResult")
    assert "result.diff" not in done.attributes
    assert words(done) == "No replacement performed"


def test_what_a_person_did_not_type_is_no_prompt(tmp_path: Path) -> None:
    notice = "<mode_notice>You are in plan mode.</mode_notice>"
    source = session(
        tmp_path,
        "s1",
        [
            user(f'{notice}<user_input mode="plan">Plan it</user_input>', id="m1", ts=START),
            user(
                '<user_command slash="team">do it</user_command>',
                {"type": "image", "data": "A" * 400, "mediaType": "image/png"},
                id="m2",
                ts=START + 5,
            ),
        ],
    )
    events = told(source)
    assert [(e.type, words(e).strip()) for e in events] == [
        ("SystemMessage", "You are in plan mode."),
        ("UserMessage", "Plan it"),
        ("UserMessage", "/team do it"),
    ]
    assert events[1].attributes["mode"] == "plan"
    assert events[2].blocks[1] == {
        "type": "Image",
        "url": "data:image/png;bytes=300,",
        "mime": "image/png",
    }


def test_a_summary_among_the_messages_is_a_compaction(tmp_path: Path) -> None:
    about = {"kind": "compaction_summary", "summary": "S", "tokensBefore": 9, "generatedAt": START}
    source = session(tmp_path, "s1", [user("Context summary:\n\nS", id="a", metadata=about)])
    (event,) = told(source)
    assert event.data == {"kind": "context_compacted"}
    assert (words(event), event.attributes["tokens_before"]) == ("S", 9)
    assert event.time_us == START * 1000


def test_unknown_blocks_and_roles_are_kept_and_counted(tmp_path: Path) -> None:
    source = session(
        tmp_path,
        "s1",
        [{"role": "judge", "id": "a"}, assistant({"type": "hologram"}, id="b"), "no message", 7],
    )
    delta = read(source)
    assert delta.unknown == {"role:judge": 1, "block:hologram": 1}
    assert delta.skipped == {"malformed": 2}
    assert kinds(delta.sessions[0].events) == [
        "Custom:unknown:role:judge",
        "Custom:unknown:block:hologram",
    ]


def test_a_team_task_is_a_session_of_its_parent(tmp_path: Path) -> None:
    folder = tmp_path / "sessions" / "17_root"
    write(
        folder / "17_root.json", {"cwd": "/w", "metadata": {"git": {"branch": "b"}, "title": "T"}}
    )
    head = {"agent": "teammate", "messages": [user("Review", id="m", ts=START)]}
    path = write(folder / "reviewer__nxK2Ay.messages.json", head)
    info = only(Source("cline", str(tmp_path / "sessions"), str(path))).info
    assert info.id == "17_root__teamtask__reviewer__nxK2Ay"
    assert (info.role, info.parent, info.cwd, info.title) == ("auxiliary", "17_root", "/w", "")


def test_a_change_reads_all_anew_and_no_change_nothing(tmp_path: Path) -> None:
    messages = [user("one", id="a", ts=START)]
    source = session(tmp_path, "s1", messages)
    first = read(source)
    assert not read(source, first.cursor).sessions
    source = session(tmp_path, "s1", [*messages, assistant("two", id="b", ts=START + 1)])
    again = read(source, first.cursor)
    assert again.restarted and again.sessions[0].keep == 0
    assert again.sessions[0].events[:1] == first.sessions[0].events
    torn = Path(source.path).read_bytes()[:-20]
    Path(source.path).write_bytes(torn)
    assert not read(source, again.cursor).sessions


@pytest.mark.parametrize("beside", [True, False])
def test_a_resumed_old_task_is_told_once(tmp_path: Path, *, beside: bool) -> None:
    old = [user("<task>\nold words\n</task>"), assistant("old answer")]
    if beside:
        folder = tmp_path / "tasks" / str(START)
        write(folder / "api_conversation_history.json", [*old, user("new words")])
        write(
            folder / "ui_messages.json",
            [
                {"ts": START, "type": "say", "say": "task", "text": "old words"},
                {
                    "ts": START + 9,
                    "type": "say",
                    "say": "user_feedback",
                    "text": "new words",
                    "conversationHistoryIndex": 3,
                },
            ],
        )
        write(
            folder / "sdk_writeback.json",
            {"version": 1, "baseApiMessageCount": 2, "baseUiMessageCount": 1},
        )
    copied = [user("old words"), assistant("old answer")]
    fresh = [user(RESUMED, id="w"), user("new words", id="n", ts=START + 9000)]
    about = {"metadata": {"legacyTask": {"id": str(START)}}}
    events = told(session(tmp_path, str(START), [*copied, *fresh], **about))
    assert [(e.type, words(e)) for e in events] == [
        ("UserMessage", "old words"),
        ("AgentMessage", "old answer"),
        ("SystemMessage", RESUMED),
        ("UserMessage", "new words"),
    ]
    assert events[0].time_us == START * 1000
    assert events[3].time_us == (START + 9000) * 1000


def test_an_old_task_of_cline_gives_way_to_its_session(tmp_path: Path) -> None:
    folder = tmp_path / "tasks" / str(START)
    path = write(folder / "ui_messages.json", [{"ts": START, "type": "say", "say": "text"}])
    delta = AGENT.read(Source("cline", str(tmp_path / "tasks"), str(path)), None)
    assert [found.secondary for found in delta.sessions] == [True]
