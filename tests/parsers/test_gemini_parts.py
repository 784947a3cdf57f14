"""The parts of Google's API, as Gemini CLI and Qwen Code write them."""

from __future__ import annotations

from typing import Any

import pytest

from opensession.parsers.gemini_parts import (
    answer_of,
    block_of,
    diff_of,
    exit_code_in,
    parts_of,
    tokens_of,
    unwrapped,
    words_of,
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, []),
        ("", []),
        ("a", [{"text": "a"}]),
        ({"text": "a"}, [{"text": "a"}]),
        (["a", {"text": "b"}, None, 3], [{"text": "a"}, {"text": "b"}, {"value": 3}]),
    ],
)
def test_a_content_of_any_form_has_parts(content: Any, expected: list[dict[str, Any]]) -> None:
    assert parts_of(content) == expected


def test_words_are_without_thoughts() -> None:
    assert words_of([{"text": "a"}, {"text": "b", "thought": True}, {"text": "c"}]) == "ac"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v"}},
            {"type": "Video", "url": "gs://b/v", "mime": "video/mp4"},
        ),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "QUJD"}},
            {
                "type": "Reference",
                "uri": "data:application/pdf;bytes=3,",
                "media_type": "application/pdf",
            },
        ),
        (
            {"executableCode": {"language": "PYTHON", "code": "1/0"}},
            {"type": "Code", "code": "1/0", "language": "python"},
        ),
        ({"codeExecutionResult": {"output": "7"}}, {"type": "Text", "text": "7"}),
        ({"novelty": 1}, {"type": "Json", "data": {"novelty": 1}}),
        ({"thoughtSignature": "x"}, None),
    ],
)
def test_other_parts_are_blocks(part: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert block_of(part) == expected


@pytest.mark.parametrize(
    ("response", "words", "failed"),
    [
        ({"output": "x"}, "x", False),
        ({"error": "no"}, "no", True),
        ({"error": {"code": 1}}, "", True),
        ("plain", "plain", False),
        (None, "", False),
    ],
)
def test_an_answer_is_its_output_or_its_error(response: Any, words: str, failed: bool) -> None:
    answer = answer_of({"response": response})

    assert (answer.words, answer.failed) == (words, failed)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Output: x\nExit Code: 1\nProcess Group PGID: 2488", 1),
        ("Output: x\nError: (none)\nExit Code: 0\nSignal: (none)\nProcess Group PGID: (none)", 0),
        ("Exit Code: -11\n", -11),
        ("Output: Exit Code: 3", None),
        ("Output: a\nExit Code: 3\nand so on", None),
        ("Exit Code: (none)", None),
        ("x" * 100_000 + "\nExit Code: 7", 7),
    ],
)
def test_the_exit_code_ends_the_report(words: str, code: int | None) -> None:
    assert exit_code_in(words) == code


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((1200, 87, 900, 23, 0, 1310), (300, 110, 900)),
        ((1200, 40, 800, 7, 0, 1240), (400, 40, 800)),
        ((100, 10, 0, 0, 5, 115), (105, 10, 0)),
        ((100, 10, 0, 0, 5, 110), (100, 10, 0)),
        ((100, 10, 300, 0, 0, 0), (0, 10, 100)),
        ((0, 0, 0, 0, 0, 0), (0, 0, 0)),
    ],
)
def test_tokens_count_once_each(counts: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    assert tokens_of(*counts) == expected


def test_a_diff_without_hunks_is_none() -> None:
    assert diff_of({"fileDiff": "Index: a\n===\n--- a\n+++ a\n"}, "a") == ""
    assert diff_of({"fileDiff": ""}, "a") == ""
    assert diff_of("text", "a") == ""


def test_only_a_whole_wrapper_is_taken_off() -> None:
    assert unwrapped("<untrusted_context>\nx\n</untrusted_context>") == "x"
    assert unwrapped("<untrusted_context>\nx") == "<untrusted_context>\nx"
