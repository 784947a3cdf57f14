from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.detection import HEAD_BYTES, begins_with_keys, detect
from opensession.parsers.registry import BUILT_IN

FILES = {
    "claude-code": ["claude-code/recorded/**/*.jsonl", "claude-code/public/**/*.jsonl"],
    "codex": ["codex/recorded/**/rollout-*.jsonl"],
    "hail": ["hail/public/*.hail.jsonl"],
}


@pytest.mark.parametrize("agent", FILES)
def test_real_files_are_known_where_they_lie(corpus: Path, agent: str) -> None:
    files = [path for pattern in FILES[agent] for path in corpus.glob(pattern)]
    assert files
    for path in files:
        found = detect(str(path), path.read_bytes()[:HEAD_BYTES], BUILT_IN)
        assert found[0].agent == agent, path
        assert found[0].confidence > 0.7


@pytest.mark.parametrize("agent", FILES)
def test_real_files_are_known_by_content_alone(corpus: Path, agent: str) -> None:
    for pattern in FILES[agent]:
        for path in corpus.glob(pattern):
            found = detect("/nowhere/stdin", path.read_bytes()[:HEAD_BYTES], BUILT_IN)
            assert found, path
            assert found[0].agent == agent, path


def test_nothing_is_said_of_a_file_that_nothing_tells_of() -> None:
    assert detect("/etc/hostname", b"a-computer\n", BUILT_IN) == []


@given(st.text(max_size=30), st.binary(max_size=200))
def test_any_name_and_any_bytes_have_an_answer(name: str, head: bytes) -> None:
    for each in detect(f"/tmp/{name}", head, BUILT_IN):
        assert 0 < each.confidence <= 1


def test_keys_are_those_of_the_first_object() -> None:
    assert begins_with_keys(b'{"a":1,"b":2}\n{"c":3}', "a", "b")
    assert not begins_with_keys(b'{"a":1}\n{"b":2}', "a", "b")
    assert begins_with_keys(b'[{"a":1}]', "a")
    assert begins_with_keys(b'{\n "a": 1,\n "b": "cut off he', "a", "b")
    assert not begins_with_keys(b"no json", "a")
