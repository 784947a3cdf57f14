"""What is stripped of events and sessions, locally and on the way out; the key; exclusions."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.errors import Refused
from opensession.core.hail import Event, SessionInfo, code, json_block, text
from opensession.core.privacy import Stripper, excluded, load_key

STRIPPER = Stripper("/home/ann", b"k" * 32)


def event(kind: str = "UserMessage", **fields: Any) -> Event:
    return Event(event_id="e1", time_us=0, type=kind, **fields)


def test_every_text_of_an_event_is_stripped() -> None:
    one = event(
        "ShellCommand",
        data={"command": "cat /home/ann/x"},
        blocks=[text("at /home/ann"), code("TOKEN=abc123xyz"), json_block({"cwd": ["/home/bob"]})],
        attributes={"result.diff": "--- /home/ann/x\n+TOKEN=abc123xyz", "note": "/Users/bob"},
    )
    stripped, counts = STRIPPER.strip_event(one)
    raw = msgspec.json.encode(stripped)
    for private in (b"/home/ann", b"bob", b"abc123xyz"):
        assert private not in raw
    assert counts == {"home": 3, "token": 2, "user": 2}


def test_structural_paths_stay_in_the_index() -> None:
    """DECISIONS §5: structural fields are stripped only on the way out."""
    one = event(
        "FileEdit", data={"path": "/home/ann/x.py", "diff": "/home/ann"}, blocks=[text("/home/ann")]
    )
    stripped, _ = STRIPPER.strip_event(one)
    assert stripped.data == {"path": "/home/ann/x.py", "diff": "~"}
    only = event("FileRead", data={"path": "/home/ann/x.py"})
    assert STRIPPER.strip_event(only) == (only, {})
    assert STRIPPER.strip_outgoing(stripped).data == {"path": "~/x.py", "diff": "~"}


def test_what_leaves_carries_no_tags() -> None:
    """DECISIONS §5: what leaves carries `[redacted:<kind>]`."""
    one, _ = STRIPPER.strip_event(event(blocks=[text("TOKEN=abc123xyz")]))
    assert STRIPPER.strip_outgoing(one).blocks == [text("TOKEN=[redacted:token]")]


def test_a_clean_event_is_the_same_object() -> None:
    one = event("ToolCall", data={"name": "Read"}, blocks=[json_block({"a": ["token", 3]})])
    assert STRIPPER.strip_event(one)[0] is one


def test_the_name_of_a_json_field_counts() -> None:
    blocks = [json_block({"env": {"API_KEY": "abc123xyz", "max_tokens": 4000000, "pin_secret": 7}})]
    stripped, counts = STRIPPER.strip_event(event(blocks=blocks))
    env = stripped.blocks[0]["data"]["env"]
    assert env["API_KEY"].startswith("[redacted:api-key:")
    assert env["max_tokens"] == 4000000
    assert env["pin_secret"] == 7
    assert counts == {"api-key": 1}
    assert blocks[0]["data"]["env"]["API_KEY"] == "abc123xyz"


def test_a_name_and_its_value_in_two_fields() -> None:
    blocks = [json_block([{"name": "DB_PASSWORD", "value": "abc123xyz"}])]
    assert "abc123xyz" not in str(STRIPPER.strip_event(event(blocks=blocks))[0].blocks)


def test_names_of_fields_are_stripped_and_none_is_lost() -> None:
    blocks = [json_block({"/home/bob/x": 1, "/home/carl/x": 2})]
    data = STRIPPER.strip_event(event(blocks=blocks))[0].blocks[0]["data"]
    assert list(data.values()) == [1, 2]
    assert "bob" not in str(data)
    assert "carl" not in str(data)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_escaped_windows_paths_are_found_in_any_field(depth: int) -> None:
    home = "C:" + "\\" * depth + "Users" + "\\" * depth + "bob" + "\\" * depth + "x"
    for one in (event(blocks=[text(home)]), event(data={"x": home}), event(attributes={"x": home})):
        assert STRIPPER.strip_event(one)[1] == {"user": 1}


def test_signatures_and_images_are_left_alone() -> None:
    blocks = [
        {"type": "Json", "data": {"signature": "TOKEN=abc123xyz", "x": "/home/ann"}},
        {"type": "Image", "url": "data:image/png;base64,TOKEN=abc123xyz", "mime": "image/png"},
    ]
    stripped, counts = STRIPPER.strip_event(event(blocks=blocks))
    assert stripped.blocks[0]["data"] == {"signature": "TOKEN=abc123xyz", "x": "~"}
    assert stripped.blocks[1] == blocks[1]
    assert counts == {"home": 1}


def test_nesting_deeper_than_the_stack() -> None:
    deep: Any = "/home/ann/x"
    for _ in range(5000):
        deep = [deep]
    stripped, counts = STRIPPER.strip_event(event(blocks=[json_block(deep)]))
    assert counts == {"home": 1}
    found = stripped.blocks[0]["data"]
    for _ in range(5000):
        found = found[0]
    assert found == "~/x"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["/home/ann/x", "TOKEN=abc123xyz", "abc123xyz", "/Users/bob"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["token", "path", "a", "/home/ann", "value", "name"]), inner),
    max_leaves=10,
)  # fmt: skip


@given(values)
def test_any_value_is_stripped_once_and_for_all(value: Any) -> None:
    once, _ = STRIPPER.strip_event(event(blocks=[json_block(value)], attributes={"x": value}))
    twice, counts = STRIPPER.strip_event(once)
    assert counts == {}
    assert twice is once
    assert "/home/ann" not in str(once)
    assert "bob" not in str(once)


def test_a_session_keeps_its_folders_and_loses_the_rest() -> None:
    info = SessionInfo(
        id="s1",
        agent="codex",
        title="fix /home/ann/x",
        first_prompt="TOKEN=abc123xyz",
        cwd="/home/ann/work",
        git_remote="https://ann:ghp_abc@github.com/a/b",
        attributes={"note": "/home/ann"},
    )
    stripped = STRIPPER.strip_info(info)
    assert stripped.title == "fix ~/x"
    assert "abc123xyz" not in stripped.first_prompt
    assert stripped.cwd == "/home/ann/work"
    assert stripped.git_remote == "https://github.com/a/b"
    assert stripped.attributes == {"note": "~"}
    outgoing = STRIPPER.strip_outgoing_info(info)
    assert outgoing.cwd == "~/work"
    assert outgoing.first_prompt == "TOKEN=[redacted:token]"


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    """DECISIONS §1: explicit modes on everything that is ours."""
    path = tmp_path / "data" / "privacy.key"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_broken_key_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "privacy.key"
    path.write_bytes(b"short")
    with pytest.raises(Refused):
        load_key(path)
    assert path.read_bytes() == b"short"


@pytest.mark.parametrize(
    ("path", "patterns", "expected"),
    [
        ("/home/ann/private/x", ["/home/ann/private"], True),
        ("/home/ann/private", ["/home/ann/private/"], True),
        ("/home/ann/private2", ["/home/ann/private"], False),
        ("/home/ann/work/secret/x", ["/home/*/secret"], True),
        ("/home/ann/clients/acme/x", ["/home/ann/clients/*"], True),
        ("/home/ann/a/.private/b", [".private"], True),
        ("", ["*"], False),
    ],
)
def test_excluded_paths(path: str, patterns: list[str], expected: bool) -> None:
    assert excluded(path, patterns) is expected
