"""Files that are rewritten whole: read anew when they changed, never half, never without bound."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hail import text
from opensession.parsers import container, json_items, whole
from opensession.parsers.agent import Cursor, Delta, Source, SourceGone, SourceRefused
from opensession.parsers.decoding import decode_any
from opensession.parsers.jsonl import Fed
from opensession.parsers.timeline import Timeline, dump, load
from opensession.parsers.whole import Part, Record, archived_names, read_parts
from tests.helpers.lines import Whole, read_all, source_of, touch

LIST = ("messages",)


def feed(source: Source, state: bytes, records: list[Record]) -> Fed:
    """Made by hand: every record is an event of the session `s`, as it stands."""
    line = Timeline("jot", load(state))
    line.state.id = "s"
    for record in records:
        line.at(1, record.name, record.data)
        line.emit("UserMessage", f"{record.name}:{record.item}", blocks=[text(seen(record))])
    return Fed(sessions=[line.delta()], state=dump(line.state))


def seen(record: Record) -> str:
    """A record as text that does not depend on how its JSON is spaced."""
    try:
        return json.dumps(decode_any(record.data))
    except ValueError:
        return repr(record.data)


def told(found: Whole) -> list[str]:
    """The records that the feed was given."""
    events = found.sessions.get("s", [])
    return [f"{event.event_id} {event.blocks[0]['text']}" for event in events]


def reader(path: Path, items: Any = LIST, **options: Any) -> Any:
    parts = [Part("a", str(path), items)]

    def read(source: Source, cursor: Cursor | None) -> Delta:
        return read_parts(source, cursor, parts, feed, **options)

    return read


def read_text(path: Path, data: bytes, items: Any = LIST, **options: Any) -> Whole:
    path.write_bytes(data)
    return read_all(reader(path, items, **options), source_of(path))[0]


def test_a_file_is_its_head_and_its_items(tmp_path: Path) -> None:
    data = b'{"id": "x", "messages": [{"n": 1}, {"n": 2}], "v": 3}'
    found = read_text(tmp_path / "a.json", data)
    assert told(found) == ['a:-1 {"id": "x", "v": 3}', 'a:0 {"n": 1}', 'a:1 {"n": 2}']
    assert found.raw == data


@pytest.mark.parametrize(
    ("data", "items", "expected"),
    [
        (
            b'{"a": {"b": [1, 2], "c": 3}, "d": 4}',
            ("a", "b"),
            ['{"a": {"c": 3}, "d": 4}', "1", "2"],
        ),
        (b"[1, [2], 3]", (), ["1", "[2]", "3"]),
        (b'{"a": [1]}', None, ['{"a": [1]}']),
        (b"[1, 2]", LIST, ["[1, 2]"]),
        (b'{"messages": 5}', LIST, ['{"messages": 5}']),
        (b'{"a": 5}', LIST, ['{"a": 5}']),
        (b'{"a": 5}', (), ['{"a": 5}']),
        (b"17", LIST, ["17"]),
        (b'\xef\xbb\xbf{"messages": [1]}', LIST, ["{}", "1"]),
        (b'{"messages": [1], "messages": [2, 3]}', LIST, ["{}", "2", "3"]),
    ],
)
def test_other_shapes_are_told_as_they_are(
    tmp_path: Path, data: bytes, items: Any, expected: list[str]
) -> None:
    found = read_text(tmp_path / "a.json", data, items)
    assert [line.split(" ", 1)[1] for line in told(found)] == expected
    assert not found.skipped


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"id": "\xff", "messages": ["\xff", 2]}', ['{"id": "\\ufffd"}', '"\\ufffd"', "2"]),
        (b'{"messages": ["\\ud83d", 2]}', ["{}", '"\\ufffd"', "2"]),
        (b'{"x": NaN, "messages": [NaN, 2]}', ['{"x": null}', "NaN", "2"]),
        (b'{"messages": ["a\nb", 2]}', ["{}", '"a\\nb"', "2"]),
    ],
)
def test_what_is_not_quite_json_is_read(tmp_path: Path, data: bytes, expected: list[str]) -> None:
    found = read_text(tmp_path / "a.json", data)
    assert [line.split(" ", 1)[1] for line in told(found)] == expected
    assert not found.skipped


def test_an_item_nested_too_deeply_costs_only_itself(tmp_path: Path) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    found = read_text(tmp_path / "a.json", b'{"messages": [1, %b, 3]}' % deep)
    assert told(found) == ["a:-1 {}", "a:0 1", "a:2 3"]
    assert found.skipped == {"malformed": 1}


def test_what_did_not_change_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"messages": [1]}')
    read = reader(path)
    _, cursor = read_all(read, source_of(path))
    assert read(source_of(path), cursor) == Delta(cursor=cursor, raw_offset=17)


def test_the_same_bytes_again_give_nothing_but_the_new_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"messages": [1]}')
    touch(path, 5_000_000_000)
    read = reader(path)
    _, cursor = read_all(read, source_of(path))
    touch(path, 7_000_000_000)
    delta = read(source_of(path), cursor)
    assert delta == Delta(
        cursor=msgspec.structs.replace(cursor, mtime_ns=7_000_000_000), raw_offset=17
    )


def test_a_change_makes_all_be_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    found = read_text(path, b'{"messages": [1]}')
    _, cursor = read_all(reader(path), source_of(path))
    path.write_bytes(b'{"messages": [1, 2]}')
    read_all(reader(path), source_of(path), cursor, found)
    assert told(found) == ["a:-1 {}", "a:0 1", "a:1 2"]
    assert found.restarts == 1


@given(cut=st.integers(0, 60), rest=st.binary(max_size=3))
def test_a_known_source_waits_while_its_file_is_torn(
    tmp_path_factory: pytest.TempPathFactory, cut: int, rest: bytes
) -> None:
    path = tmp_path_factory.mktemp("torn") / "a.json"
    before, after = b'{"messages": [1, {"x": "y"}]}', b'{"messages": [1, {"x": "z"}, [2], "three"]}'
    found = read_text(path, before)
    _, cursor = read_all(reader(path), source_of(path))
    path.write_bytes(after[:cut])
    for _ in range(3):
        if cut < len(after):
            _, cursor = read_all(reader(path), source_of(path), cursor, found)
            assert told(found)[-1] == 'a:1 {"x": "y"}'
            assert found.restarts == 0
            assert cursor.size == 0, "the next look has to read again"
    path.write_bytes(after)
    read_all(reader(path), source_of(path), cursor, found)
    assert told(found)[1:] == ["a:0 1", 'a:1 {"x": "z"}', "a:2 [2]", 'a:3 "three"']
    assert found.raw == after


def test_a_torn_file_is_counted_once_as_long_as_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    found = read_text(path, b"[1]", ())
    _, cursor = read_all(reader(path, ()), source_of(path))
    path.write_bytes(b"[1, 2")
    for _ in range(3):
        _, cursor = read_all(reader(path, ()), source_of(path), cursor, found)
    assert found.skipped == {"torn": 1}


def test_of_a_new_torn_file_the_whole_items_are_told(tmp_path: Path) -> None:
    data = b'{"id": "x", "messages": [{"n": 1}, {"n": 2}, {"n": "thr'
    found = read_text(tmp_path / "a.json", data)
    assert told(found) == ['a:-1 {"id": "x"}', 'a:0 {"n": 1}', 'a:1 {"n": 2}']
    assert found.skipped == {"torn": 1}
    assert found.raw == data


def test_an_empty_new_file_holds_nothing_yet(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    found = read_text(path, b"")
    _, cursor = read_all(reader(path), source_of(path))
    assert (found.sessions, found.skipped, cursor.offset) == ({}, {}, 0)
    path.write_bytes(b'{"messages": [1')
    read_all(reader(path), source_of(path), cursor, found)
    assert told(found) == ["a:-1 {}"]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    head=st.dictionaries(st.text(max_size=4), _values, max_size=3),
    items=st.lists(_values, max_size=6),
    cuts=st.lists(st.floats(0, 1), max_size=4),
    size=st.integers(1, 200),
    indent=st.sampled_from([None, 2]),
)
def test_growing_by_cuts_in_slices_equals_one_read(
    tmp_path_factory: pytest.TempPathFactory,
    head: dict[str, Any],
    items: list[Any],
    cuts: list[float],
    size: int,
    indent: int | None,
) -> None:
    path = tmp_path_factory.mktemp("cuts") / "a.json"
    data = json.dumps({**head, "messages": items}, indent=indent).encode()
    once = read_text(path, data, at_once=True)
    assert [event.event_id for event in once.events] == [
        "a:-1",
        *(f"a:{n}" for n in range(len(items))),
    ]
    found, cursor = Whole(), None
    for cut in sorted(cuts):
        path.write_bytes(data[: int(cut * len(data))])
        _, cursor = read_all(reader(path, slice_bytes=size), source_of(path), cursor, found)
    path.write_bytes(data)
    read_all(reader(path, slice_bytes=size), source_of(path), cursor, found)
    assert told(found) == told(once)
    assert found.raw == data


@given(
    data=st.binary(max_size=120)
    | st.text(alphabet='[]{}",:\\ 0an\n\ufeff', max_size=60).map(str.encode),
    items=st.sampled_from([None, (), ("a",), ("a", "n")]),
    size=st.integers(1, 40),
)
def test_no_bytes_crash_a_read_and_all_are_archived(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, items: Any, size: int
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.json"
    found = read_text(path, data, items, slice_bytes=size)
    assert found.raw == data
    assert told(found) == told(read_text(path, data, items))


def test_a_file_that_changes_between_slices_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[1, 2, 3]")
    read = reader(path, (), slice_bytes=1)
    found = Whole()
    first = read(source_of(path), None)
    found.add(first)
    assert first.more
    assert first.cursor.size == 0, "a cursor amid a file must not look like the file was read"
    path.write_bytes(b"[4, 5]")
    read_all(read, source_of(path), first.cursor, found)
    assert told(found) == ["a:0 4", "a:1 5"]
    assert found.raw == b"[4, 5]"


def test_a_file_torn_between_slices_waits_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[1, 2, 3]")
    read = reader(path, (), slice_bytes=1)
    first = read(source_of(path), None)
    path.write_bytes(b"[4, ")
    assert read(source_of(path), first.cursor) == Delta(
        cursor=first.cursor, raw_offset=first.cursor.offset
    )


def two(tmp_path: Path, one: bytes | None, other: bytes | None) -> tuple[Any, Source]:
    for name, data in (("a.json", one), ("b.json", other)):
        if data is None:
            (tmp_path / name).unlink(missing_ok=True)
        else:
            (tmp_path / name).write_bytes(data)
    parts = [
        Part("a.json", str(tmp_path / "a.json"), ()),
        Part("b.json", str(tmp_path / "b.json"), LIST),
    ]
    return partial(read_parts, parts=parts, feed=feed), source_of(tmp_path / "a.json")


def test_several_files_are_archived_as_a_container(tmp_path: Path) -> None:
    one, other = b"[1]\n", b'{"messages": [2], "x": "\xff\n"}'
    read, source = two(tmp_path, one, other)
    found, cursor = read_all(read, source)
    assert told(found)[:2] == ["a.json:0 1", 'b.json:-1 {"x": "\\ufffd\\n"}']
    assert container.unpack(found.raw) == [("a.json", one), ("b.json", other)]
    again = read(source, cursor)
    assert (again.cursor, again.raw) == (cursor, b"")


@pytest.mark.parametrize("other", [None, b'{"messages": [2]}'])
@pytest.mark.parametrize("compressed", [False, True])
def test_the_archived_form_is_read_as_the_files_were(
    tmp_path: Path, other: bytes | None, compressed: bool
) -> None:
    read, source = two(tmp_path, b"[1]", other)
    found, _ = read_all(read, source)
    kept = tmp_path / ("kept.zst" if compressed else "kept")
    kept.write_bytes(zstandard.compress(found.raw) if compressed else found.raw)
    two(tmp_path, None, None)
    archived = msgspec.structs.replace(source, read_from=str(kept))
    again, _ = read_all(read, archived)
    assert (told(again), again.raw) == (told(found), found.raw)
    assert archived_names(archived) == ["a.json", "b.json"][: 1 if other is None else 2]


def test_a_container_that_is_damaged_gives_its_bytes_alone(tmp_path: Path) -> None:
    read, source = two(tmp_path, b"[1]", None)
    (tmp_path / "kept").write_bytes(b"[1]")
    archived = msgspec.structs.replace(source, read_from=str(tmp_path / "kept"))
    found, _ = read_all(read, archived)
    assert (found.raw, found.sessions, found.skipped) == (b"[1]", {}, {"malformed": 1})
    assert archived_names(archived) == []


def test_any_file_that_changes_is_a_change(tmp_path: Path) -> None:
    read, source = two(tmp_path, b"[1]", None)
    found, cursor = read_all(read, source)
    two(tmp_path, b"[1]", b'{"messages": []}')
    read_all(read, source, cursor, found)
    assert told(found) == ["a.json:0 1", "b.json:-1 {}"]


def test_a_torn_file_beside_the_first_is_waited_for_once(tmp_path: Path) -> None:
    read, source = two(tmp_path, b"[1]", b'{"messages": [2]}')
    found, cursor = read_all(read, source)
    two(tmp_path, b"[1, 5]", b'{"messages": [3')
    _, cursor = read_all(read, source, cursor, found)
    assert "a.json:1 5" not in told(found)
    _, cursor = read_all(read, source, cursor, found)
    assert told(found) == ["a.json:0 1", "a.json:1 5", "b.json:-1 {}"]
    two(tmp_path, b"[1, 5, 6]", b'{"messages": [3')
    read_all(read, source, cursor, found)
    assert "a.json:2 6" in told(found), "one that stays torn must not hold up the others"


def test_a_link_beside_the_first_file_is_left_out(tmp_path: Path) -> None:
    read, source = two(tmp_path, b"[1]", None)
    (tmp_path / "b.json").symlink_to("/etc/hostname")
    found, _ = read_all(read, source)
    assert (told(found), found.skipped) == (["a.json:0 1"], {"refused": 1})


def test_a_first_file_that_is_missing_or_a_link_is_no_source(tmp_path: Path) -> None:
    read, source = two(tmp_path, None, b"{}")
    with pytest.raises(SourceGone):
        read(source, None)
    Path(source.path).symlink_to("b.json")
    with pytest.raises(SourceRefused):
        read(source, None)


@pytest.mark.parametrize("several", [False, True])
def test_too_much_is_archived_and_keeps_what_was_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, several: bool
) -> None:
    read, source = two(tmp_path, b"[1]", b"{}")
    if not several:
        read = reader(tmp_path / "a.json", ())
    _, cursor = read_all(read, source)
    monkeypatch.setattr(whole, "BYTES_LIMIT", 40)
    large = b"[%b]" % b", ".join([b"1234567"] * 10)
    two(tmp_path, large, b'{"messages": []}')
    read = (
        partial(read, slice_bytes=7) if several else reader(tmp_path / "a.json", (), slice_bytes=7)
    )
    raw, more, skipped = b"", True, []
    while more:
        delta = read(source, cursor)
        assert (delta.sessions, delta.keeps, delta.raw_offset) == ([], True, len(raw))
        assert delta.restarted == (not raw)
        raw, more, cursor = raw + delta.raw, delta.more, delta.cursor
        skipped.append(delta.skipped)
    expected = [("a.json", large), ("b.json", b'{"messages": []}')]
    assert raw == (container.pack(expected) if several else large)
    assert skipped == [{"oversized": 1}, *([{}] * (len(skipped) - 1))]
    assert read(source, cursor) == Delta(cursor=cursor, raw_offset=len(raw))
    (tmp_path / "kept").write_bytes(raw)
    archived = msgspec.structs.replace(source, read_from=str(tmp_path / "kept"))
    kept, _ = read_all(read, archived)
    assert kept.raw == raw


def test_an_item_that_is_too_large_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "ITEM_LIMIT", 50)
    found = read_text(tmp_path / "a.json", b'["%b", 2]' % (b"x" * 60), ())
    assert (told(found), found.skipped) == (["a:1 2"], {"oversized": 1})


def test_more_items_than_memory_can_point_at_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[1,1,1,1,1,1,1]")
    read = reader(path, ())
    for limit in ("MOST_ITEMS", "MOST_MARKS"):
        with monkeypatch.context() as patched:
            patched.setattr(json_items, limit, 5)
            delta = read(source_of(path), None)
        assert (delta.sessions, delta.skipped) == ([], {"oversized": 1})
        assert delta.keeps, "what is known of its sessions stays"
        assert (delta.raw, delta.more) == (path.read_bytes(), False)


@given(st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=20)), max_size=4))
def test_a_container_gives_back_what_it_took(files: list[tuple[str, bytes]]) -> None:
    named = [(name.encode("utf-8", "replace").decode(), data) for name, data in files]
    packed = container.pack(named)
    assert container.unpack(packed) == named
    laid = container.layout([(name, name, len(data)) for name, data in named])
    assert sum(len(before) + length for before, _, length in laid) == len(packed)


@given(st.binary(max_size=60), st.integers(0, 200))
def test_a_damaged_container_is_an_error_of_value(rest: bytes, cut: int) -> None:
    for data in (rest, container.pack([("a", b"bytes")])[:cut] + rest):
        try:
            container.unpack(data)
        except ValueError:
            continue
