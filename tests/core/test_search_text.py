from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hail import Event, code, json_block, text
from opensession.core.search_text import (
    HEAD_CHARS,
    TAIL_CHARS,
    cjk_terms,
    fts_text,
    identifier_parts,
    phrase,
    search_text,
)


class _Search:
    """An FTS table like ours, with one text in it."""

    def __init__(self) -> None:
        self.db = apsw.Connection(":memory:")
        self.db.execute(
            "CREATE VIRTUAL TABLE search USING fts5 (text, parts,"
            " content = '', contentless_delete = 1, tokenize = \"unicode61 remove_diacritics 2\")"
        )

    def holds(self, stored: str, asked: str) -> bool:
        self.db.execute("DELETE FROM search WHERE rowid = 1")
        searched = fts_text(stored)
        self.db.execute(
            "INSERT INTO search (rowid, text, parts) VALUES (1, ?, ?)",
            (searched, identifier_parts(searched)),
        )
        words, prefix = phrase(asked)
        query = f'"{words}"' + ("*" if prefix else "")
        found = self.db.execute("SELECT 1 FROM search WHERE search MATCH ?", (query,)).get
        return found is not None


@pytest.fixture
def search() -> Iterator[_Search]:
    found = _Search()
    yield found
    found.db.close()


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("今日は日本語を話します", "日本語"),
        ("今日は日本語を話します", "今日"),
        ("今日は日本語を話します", "ます"),
        ("今日は日本語を話します", "語"),
        ("今日は日本語を話します", "す"),
        ("修复登录页面的错误", "登录页面"),
        ("한국어 텍스트입니다", "텍스트"),
        ("前foo後", "foo"),
        ("設定file名", "定file名"),
        ("ｶﾀｶﾅ です", "ﾀｶ"),
        (unicodedata.normalize("NFD", "がぎぐ"), "がぎ"),
        ("がぎぐ", unicodedata.normalize("NFD", "ぎぐ")),
    ],
)
def test_scripts_without_spaces_are_found_by_any_part(
    search: _Search, stored: str, asked: str
) -> None:
    assert search.holds(stored, asked)


@pytest.mark.parametrize(
    ("stored", "asked"),
    [("今日は日本語", "本日"), ("今日は日本語", "語今"), ("設定file名", "設定名")],
)
def test_what_is_not_there_is_not_found(search: _Search, stored: str, asked: str) -> None:
    assert not search.holds(stored, asked)


@given(
    stored=st.text(st.sampled_from("日本語한국かなab 。"), min_size=1, max_size=20),
    cut=st.tuples(st.integers(0, 19), st.integers(1, 20)),
)
def test_every_run_is_found_within_its_text(stored: str, cut: tuple[int, int]) -> None:
    found = _Search()
    for run in cjk_terms(stored[cut[0] : cut[0] + cut[1]]):
        assert found.holds(stored, run)
    found.db.close()


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("parseJSONFile", "parse json file"),
        ("userId", "user id"),
        ("HTTPServer2", "http server 2"),
        ("utf8", "utf 8"),
        ("sha256", "sha 256"),
        ("XMLHttpRequest", "xml http request"),
        ("snake_caseWord", "case word"),
        ("plain", ""),
        ("CONSTANT", ""),
        ("Title", ""),
        ("12345", ""),
        ("größeHoch", "e hoch größe hoch"),
        ("3f2a9c81d0", ""),
        ("550e8400-e29b-41d4-a716-446655440000", ""),
        ("toolu_01A9bXq7ZkT3mPwR5vLsY2dN", ""),
        ("a" * 40 + "B" * 40, ""),
    ],
)
def test_identifiers_have_their_parts(word: str, parts: str) -> None:
    assert identifier_parts(f"so {word} is") == parts
    assert identifier_parts(f"so {word} is") == parts, "also when the word is known already"


def test_parts_name_each_word_once() -> None:
    assert identifier_parts("userId userId(userId)") == "user id"


def test_the_text_of_an_event_is_what_a_person_would_look_for() -> None:
    event = Event(
        event_id="e",
        time_us=0,
        type="ShellCommand",
        data={"command": "make test", "exit_code": 0},
        blocks=[
            text("a text"),
            code("x = 1", "python"),
            json_block({"file_path": "/a/b.py", "n": 17, "deep": [{"old_string": "before"}]}),
            {"type": "Image", "url": "data:image/png;base64,AAAA", "alt": "a picture", "mime": "x"},
            {"type": "Reference", "uri": "https://example.org/page", "media_type": "x"},
        ],
        attributes={"result.diff": "+added line", "message_id": "msg_1"},
    )

    found = search_text(event)

    for wanted in (
        "make test",
        "a text",
        "x = 1",
        "/a/b.py",
        "17",
        "before",
        "a picture",
        "https://example.org/page",
        "+added line",
    ):
        assert wanted in found
    assert "base64" not in found
    assert "msg_1" not in found


def test_a_huge_output_is_searchable_at_both_ends() -> None:
    huge = "begins " + "x " * (HEAD_CHARS + TAIL_CHARS) + " ends"
    found = search_text(Event(event_id="e", time_us=0, type="ToolResult", blocks=[text(huge)]))

    assert len(found) <= HEAD_CHARS + TAIL_CHARS + 1
    assert found.startswith("begins")
    assert found.endswith("ends")


@given(st.text())
def test_any_text_goes_through(value: str) -> None:
    searched = fts_text(value)
    identifier_parts(searched)
    phrase(value)
