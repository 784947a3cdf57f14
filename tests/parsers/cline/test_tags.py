from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.cline.tags import NAMES, Tagged, paths_in, split


def test_words_and_calls_come_in_their_order() -> None:
    said = "I look.\n<read_file>\n<path>a.py</path>\n</read_file>\nThen.\n"
    assert split(said) == ["I look.", Tagged("read_file", {"path": "a.py"}), "Then."]


def test_text_without_calls_is_text() -> None:
    assert split("if a < b: <b>x</b>") == ["if a < b: <b>x</b>"]
    assert split("  ") == []


def test_written_content_may_hold_closing_tags() -> None:
    content = "<p>\n</content>\n</write_to_file>\n</p>"
    said = f"<write_to_file><path>a</path><content>\n{content}\n</content></write_to_file>done"
    assert split(said) == [Tagged("write_to_file", {"path": "a", "content": content}), "done"]


def test_two_writes_do_not_become_one() -> None:
    one = "<write_to_file><path>a</path><content>1</content></write_to_file>"
    found = split(one + one)
    assert [part.arguments for part in found if isinstance(part, Tagged)] == [
        {"path": "a", "content": "1"}
    ] * 2


def test_a_call_that_was_cut_off_has_what_is_there() -> None:
    assert split("<execute_command><command>ls -l") == [
        Tagged("execute_command", {"command": "ls -l"})
    ]


def test_nested_paths_are_found() -> None:
    (call,) = split(
        "<read_file><args><file><path>a.py</path></file><file><path>b.py</path></file></args>"
        "</read_file>"
    )
    assert isinstance(call, Tagged)
    assert paths_in(call.arguments) == ["a.py", "b.py"]


PIECES = (
    *(f"<{name}>" for name in ("read_file", "path", "content", "write_to_file", "diff", "args")),
    *(f"</{name}>" for name in ("read_file", "path", "content", "write_to_file")),
    *("<", ">", "x\n"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_tags_come_apart(said: str) -> None:
    for part in split(said):
        if isinstance(part, Tagged):
            assert part.name in NAMES
        else:
            assert part.strip() == part != ""


def test_many_open_tags_take_no_long_time() -> None:
    assert len(split("<read_file><path>" * 50_000)) == 1
    assert len(split("<write_to_file></write_to_file>" * 20_000)) == 20_000
