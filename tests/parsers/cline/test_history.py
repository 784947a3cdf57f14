from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.parsers.cline.making import (
    START,
    assistant,
    call,
    of,
    only,
    read,
    result,
    task,
    told,
    user,
    words,
)

ENVIRONMENT = """<environment_details>
# Visual Studio Code Visible Files
src/a.py

# Current Mode
<slug>code</slug>
<name>Code</name>
<model>anthropic/claude-sonnet-4</model>

# Workspace Configuration
{"workspaces": {"/home/me/acme": {"hint": "acme",
 "associatedRemoteUrls": ["origin: git@example.org:acme/api.git"],
 "latestGitCommitHash": "0123456789abcdef0123456789abcdef01234567"}}}

# Current Working Directory (/home/me/acme) Files
README.md
</environment_details>"""


def tagged(name: str, **arguments: str) -> str:
    inner = "\n".join(f"<{key}>{value}</{key}>" for key, value in arguments.items())
    return f"<{name}>\n{inner}\n</{name}>"


def test_a_first_message_is_prompt_and_context(tmp_path: Path) -> None:
    history = [user("<task>\nFix the build\n</task>", ENVIRONMENT, ts=START)]
    found = only(task(tmp_path / "t1", [], history))
    assert [(e.type, words(e)) for e in found.events] == [
        ("UserMessage", "Fix the build"),
        ("SystemMessage", ENVIRONMENT),
    ]
    info = found.info
    assert (info.id, info.first_prompt, info.cwd) == ("t1", "Fix the build", "/home/me/acme")
    assert (info.model, info.attributes["mode"]) == ("anthropic/claude-sonnet-4", "code")
    assert info.git_commit == "0123456789abcdef0123456789abcdef01234567"
    assert info.git_remote == "git@example.org:acme/api.git"


def test_calls_by_tags_are_paired_with_their_results(tmp_path: Path) -> None:
    history = [
        user("<task>x</task>", ts=START),
        assistant(
            "<thinking>I must look</thinking>\n\nI look.\n\n" + tagged("read_file", path="a.py"),
            ts=START + 1,
        ),
        user("[read_file for 'a.py'] Result:", "x = 1\n", ENVIRONMENT, ts=START + 2),
        assistant(
            tagged("execute_command", command="make", requires_approval="false"), ts=START + 3
        ),
        user(
            "[execute_command for 'make'] Result:\n\nCommand executed. Exit code: 2\nOutput:\nno\n"
            + ENVIRONMENT,
            ts=START + 4,
        ),
    ]
    events = told(task(tmp_path / "t1", [], history))
    assert [e.type for e in events] == [
        "UserMessage",
        "Thinking",
        "AgentMessage",
        "FileRead",
        "ToolResult",
        "SystemMessage",
        "ShellCommand",
        "ToolResult",
        "SystemMessage",
    ]
    assert words(events[1]) == "I must look"
    assert words(events[4]) == "x = 1"
    assert [e.attributes["result.call_seq"] for e in of(events, "ToolResult")] == [4, 7]
    assert events[7].attributes["result.exit_code"] == 2
    assert events[7].data and events[7].data["is_error"]
    assert words(events[7]) == "Command executed. Exit code: 2\nOutput:\nno"


def test_native_calls_are_not_looked_for_in_the_text(tmp_path: Path) -> None:
    history = [
        assistant(
            {"type": "thinking", "thinking": "hm"},
            "Use <read_file><path>x</path></read_file> for that.",
            call("c1", "search_files", path="src", regex="foo"),
            ts=START,
        ),
        user(result("c1", [{"type": "text", "text": "Found 3 results"}]), ts=START + 1),
    ]
    events = told(task(tmp_path / "t1", [], history))
    assert [e.type for e in events] == ["Thinking", "AgentMessage", "CodeSearch", "ToolResult"]
    assert events[2].data == {"query": "foo"}
    assert events[3].attributes["result.call_seq"] == 3


@pytest.mark.parametrize(
    ("said", "error", "decision"),
    [
        ("The tool execution failed with the following error:\n<error>\nno\n</error>", True, None),
        ('{"status":"error","message":"no"}', True, None),
        ("The user denied this operation.", True, "rejected"),
        ('{"status": "denied", "message": "no"}', True, "rejected"),
        ("[ERROR] no such file", True, None),
        ("All is well, no error:", False, None),
    ],
)
def test_failed_and_denied_calls_are_errors_without_a_diff(
    tmp_path: Path, said: str, *, error: bool, decision: str | None
) -> None:
    written = {"path": "a.py", "content": "x = 1\n"}
    history = [
        assistant(call("c1", "write_to_file", **written), ts=START),
        user(result("c1", said), ts=START + 1),
    ]
    (done,) = of(told(task(tmp_path / "t1", [], history)), "ToolResult")
    assert done.data and done.data["is_error"] is error
    assert done.attributes.get("user_decision") == decision
    assert ("result.diff" in done.attributes) is not error


def test_feedback_in_a_result_is_typed_by_a_person(tmp_path: Path) -> None:
    denied = "The user denied this operation and provided the following feedback:\n"
    history = [
        assistant(call("c1", "execute_command", command="rm x"), ts=START),
        user(result("c1", denied + "<feedback>\nKeep it\n</feedback>"), ts=START + 1),
    ]
    events = told(task(tmp_path / "t1", [], history))
    assert [(e.type, words(e)) for e in events[1:]] == [
        ("ToolResult", denied.strip()),
        ("UserMessage", "Keep it"),
    ]


def test_what_the_agent_says_by_tools_is_said(tmp_path: Path) -> None:
    history = [
        assistant(tagged("plan_mode_respond", response="A plan"), ts=START),
        user(
            "[plan_mode_respond] Result:",
            "<user_message>\nGo on\n</user_message>",
            ENVIRONMENT,
            ts=START + 1,
        ),
        assistant(call("c1", "attempt_completion", result="Done."), ts=START + 2),
        user(result("c1", "<feedback>Not yet</feedback>"), ts=START + 3),
    ]
    events = [e for e in told(task(tmp_path / "t1", [], history)) if e.type != "SystemMessage"]
    assert [(e.type, words(e)) for e in events] == [
        ("AgentMessage", "A plan"),
        ("UserMessage", "Go on"),
        ("AgentMessage", "Done."),
        ("UserMessage", "Not yet"),
    ]
    assert events[2].attributes["tool_use_name"] == "attempt_completion"


def test_what_the_program_adds_is_no_prompt(tmp_path: Path) -> None:
    mentioned = (
        "<task>\nLook at 'a.py'\n</task>\n\n<file_content path=\"a.py\">\nx\n</file_content>"
    )
    history = [
        user(mentioned, ts=START),
        user("[ERROR] You did not use a tool in your previous response!", ts=START + 1),
        user("[TASK RESUMPTION] This task was interrupted", "<user_message>Go</user_message>"),
        user("typed alone", ts=START + 3),
    ]
    events = told(task(tmp_path / "t1", [], history))
    assert [(e.type, words(e)) for e in events if e.type == "UserMessage"] == [
        ("UserMessage", "Look at 'a.py'"),
        ("UserMessage", "Go"),
        ("UserMessage", "typed alone"),
    ]
    assert len(of(events, "SystemMessage")) == 3


def test_what_stands_beside_a_result_is_no_prompt(tmp_path: Path) -> None:
    history = [
        assistant(tagged("read_file", path="a.py"), ts=START),
        user("[read_file for 'a.py'] Result:", "x", ENVIRONMENT, "Mind the rules.", ts=START + 1),
    ]
    events = told(task(tmp_path / "t1", [], history))
    assert [(e.type, words(e)) for e in events[1:]] == [
        ("ToolResult", "x"),
        ("SystemMessage", ENVIRONMENT),
        ("SystemMessage", "Mind the rules."),
    ]


def test_images_and_files_of_a_prompt(tmp_path: Path) -> None:
    source = {"type": "base64", "media_type": "image/webp", "data": "A" * 8000}
    history = [
        user("<task>Look</task>", {"type": "image", "source": source}, ENVIRONMENT, ts=START)
    ]
    (prompt,) = of(told(task(tmp_path / "t1", [], history)), "UserMessage")
    assert prompt.blocks[1] == {
        "type": "Image",
        "url": "data:image/webp;bytes=6000,",
        "mime": "image/webp",
    }


def edited(tmp_path: Path, name: str, **arguments: Any) -> str:
    history = [
        assistant(call("c1", name, **arguments), ts=START),
        user(result("c1", "saved"), ts=START + 1),
    ]
    events = told(task(tmp_path / name, [], history))
    assert events[0].type == "FileEdit"
    diff: str = events[1].attributes["result.diff"]
    return diff


def test_edits_have_diffs(tmp_path: Path) -> None:
    block = "------- SEARCH\nold\n=======\nnew\n+++++++ REPLACE\n"
    assert (
        edited(tmp_path, "replace_in_file", path="a", diff=block + block).count("\n-old\n+new") == 2
    )
    lined = "<<<<<<< SEARCH\n:start_line:41\n-------\nold\n=======\nnew\n>>>>>>> REPLACE"
    assert edited(tmp_path, "apply_diff", path="a", diff=lined) == (
        "--- a\n+++ a\n@@ -41,1 +41,1 @@\n-old\n+new"
    )
    inserted = edited(tmp_path, "insert_content", path="a", line="7", content="x\ny")
    assert inserted.endswith("+x\n+y") and "+7,2 @@" in inserted
    assert "-b\n+c" in edited(tmp_path, "search_and_replace", path="a", search="b", replace="c")
    native = edited(tmp_path, "edit_file", file_path="a", old_string="b", new_string="c")
    assert native.startswith("--- a\n+++ a\n")


def test_several_files_read_at_once_are_told_each(tmp_path: Path) -> None:
    nested = "<file><path>a.py</path></file><file><path>b.py</path></file>"
    history = [
        assistant(tagged("read_file", args=nested), ts=START),
        user("[read_file for 'a.py', 'b.py'] Result:", "<files>…</files>", ts=START + 1),
    ]
    events = told(task(tmp_path / "t1", [], history))
    assert [e.data for e in of(events, "FileRead")] == [{"path": "a.py"}, {"path": "b.py"}]
    assert [e.attributes["result.call_seq"] for e in of(events, "ToolResult")] == [1, 2]


def test_the_dialect_of_the_ai_sdk(tmp_path: Path) -> None:
    history = {
        "version": 2,
        "messages": [
            {"role": "user", "content": "<user_message>Hi</user_message>", "ts": START},
            {"type": "reasoning", "summary": [{"text": "hm"}], "ts": START + 1},
            {
                "role": "assistant",
                "ts": START + 2,
                "content": [
                    {"type": "reasoning", "text": "so"},
                    {
                        "type": "tool-call",
                        "toolCallId": "c1",
                        "toolName": "execute_command",
                        "input": {"command": "ls"},
                    },
                ],
            },
            {
                "role": "tool",
                "ts": START + 3,
                "content": [
                    {
                        "type": "tool-result",
                        "toolCallId": "c1",
                        "toolName": "execute_command",
                        "output": {"type": "text", "value": "[ERROR] no"},
                    }
                ],
            },
        ],
    }
    events = told(task(tmp_path / "t1", [], history))
    assert [(e.type, words(e)) for e in events] == [
        ("UserMessage", "Hi"),
        ("Thinking", "hm"),
        ("Thinking", "so"),
        ("ShellCommand", "ls"),
        ("ToolResult", "[ERROR] no"),
    ]
    assert events[4].data and events[4].data["is_error"]


def test_unknown_parts_are_kept_and_counted(tmp_path: Path) -> None:
    history = [
        assistant({"type": "hologram"}, ts=START),
        {"role": "judge", "content": "x", "ts": START},
        "no message",
    ]
    delta = read(task(tmp_path / "t1", [], history))
    assert delta.unknown == {"block:hologram": 1, "role:judge": 1}
    assert delta.skipped == {"malformed": 1}


def test_many_tags_that_nothing_closes_take_no_long_time(tmp_path: Path) -> None:
    said = "<task><feedback><environment_details>" * 40_000
    (event,) = told(task(tmp_path / "t1", [], [user(said, ts=START)]))
    assert (event.type, words(event)) == ("UserMessage", said)
