"""One id in several places: copies, conflicts, copies carried inside other sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.daemon.store.connect import open_reader
from tests.helpers.jot import Desk, Jot, desk, dump, line

ONE, TWO, THREE = (line(f"number {n}", at=n, id=f"e{n}") for n in (1, 2, 3))
OTHER = line("something else", at=7, id="o")


@pytest.fixture(params=[40, 1 << 20], ids=["line by line", "at once"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, Jot(slice_bytes=request.param)) as found:
        yield found


def _events(place: Desk) -> dict[str, list[str]]:
    return {name: [e[1] for e in found["events"]] for name, found in dump(place.index).items()}


def _owner(place: Desk, native_id: str = "a") -> str:
    db = open_reader(place.index)
    path = db.execute(
        "SELECT path FROM session JOIN source ON source.id = session.source WHERE native_id = ?",
        (native_id,),
    ).get
    db.close()
    return str(Path(str(path)).relative_to(place.jots))


def test_a_copy_is_the_same_session(place: Desk) -> None:
    """DECISIONS §2: one session when one content is a prefix of the other."""
    place.write("x/a.jot", ONE, TWO)
    place.write("y/a.jot", ONE, TWO)
    place.read("x/a.jot")

    assert place.read("y/a.jot") == []
    assert _events(place) == {"a": ["e1", "e2"]}
    assert _owner(place) == "x/a.jot"


def test_a_shorter_copy_changes_nothing(place: Desk) -> None:
    place.write("x/a.jot", ONE, TWO, THREE)
    place.write("y/a.jot", ONE)
    place.read("x/a.jot")

    assert place.read("y/a.jot") == []
    assert _owner(place) == "x/a.jot"


def test_the_longer_source_owns_the_session(place: Desk) -> None:
    place.write("x/a.jot", ONE)
    place.write("y/a.jot", ONE, TWO, THREE)
    place.read("x/a.jot")
    changes = place.read("y/a.jot")

    assert _events(place) == {"a": ["e1", "e2", "e3"]}
    assert _owner(place) == "y/a.jot"
    assert min(c.first_seq for c in changes) == 2
    assert not any(c.rewound for c in changes)
    assert dump(place.index)["a"]["session"][8:11] == (3, 3, 3)


def test_whichever_copy_grows_is_followed(place: Desk) -> None:
    place.write("x/a.jot", ONE)
    place.write("y/a.jot", ONE)
    place.read("x/a.jot")
    place.read("y/a.jot")

    place.add("y/a.jot", TWO)
    assert _owner(place) == "y/a.jot"
    place.add("x/a.jot", TWO, THREE)
    assert _owner(place) == "x/a.jot"
    place.add("y/a.jot", THREE)

    assert _events(place) == {"a": ["e1", "e2", "e3"]}


def test_other_content_under_the_same_id_is_the_second(place: Desk) -> None:
    """DECISIONS §2: otherwise the second is `<id>.2`."""
    place.write("x/a.jot", ONE, TWO)
    place.write("y/a.jot", ONE, OTHER)
    place.write("z/a.jot", OTHER)
    place.write("v/a.jot", ONE, OTHER)
    for name in ("x/a.jot", "y/a.jot", "z/a.jot", "v/a.jot"):
        place.read(name)

    assert _events(place) == {"a": ["e1", "e2"], "a.2": ["e1", "o"], "a.3": ["o"]}
    assert _owner(place, "a.2") == "y/a.jot"


def test_copies_that_part_become_two(place: Desk) -> None:
    place.write("x/a.jot", ONE)
    place.write("y/a.jot", ONE)
    place.read("x/a.jot")
    place.read("y/a.jot")
    place.add("x/a.jot", TWO)

    place.add("y/a.jot", OTHER)
    place.add("y/a.jot", THREE)

    assert _events(place) == {"a": ["e1", "e2"], "a.2": ["e1", "o", "e3"]}
    assert place.row("y/a.jot").archived_len == place.row("y/a.jot").offset


def test_children_of_a_second_follow_it(place: Desk) -> None:
    kid = line("from the child", child="kid", id="k")
    place.write("x/a.jot", ONE, kid)
    place.write("y/a.jot", OTHER, kid)
    place.read("x/a.jot")
    place.read("y/a.jot")

    found = dump(place.index)

    assert set(found) == {"a", "a-kid", "a.2", "a-kid.2"}
    assert found["a-kid"]["session"][1] == "a"
    assert found["a-kid.2"]["session"][1] == "a.2"


def test_a_moved_file_is_the_same_session(place: Desk) -> None:
    """Found at its new place before or after the old one is noticed to be gone."""
    place.write("x/a.jot", ONE, TWO)
    place.read("x/a.jot")
    (place.jots / "y").mkdir()
    (place.jots / "x/a.jot").rename(place.jots / "y/a.jot")
    place.writer.mark_gone([place.row("x/a.jot").id])
    place.read("y/a.jot")
    assert _owner(place) == "y/a.jot"

    (place.jots / "z").mkdir()
    (place.jots / "y/a.jot").rename(place.jots / "z/a.jot")
    place.read("z/a.jot")
    place.writer.mark_gone([place.row("y/a.jot").id])
    assert _owner(place) == "z/a.jot"

    place.add("z/a.jot", THREE)
    assert _events(place) == {"a": ["e1", "e2", "e3"]}


def test_a_file_that_was_away_is_a_copy_when_it_is_back(place: Desk) -> None:
    """It is not read on from where it was: what it holds is another's by now."""
    place.write("x/a.jot", ONE, TWO)
    place.write("y/a.jot", ONE, TWO)
    place.read("x/a.jot")
    place.read("y/a.jot")
    place.writer.mark_gone([place.row("x/a.jot").id])
    assert _owner(place) == "y/a.jot"
    place.read("x/a.jot")
    assert _owner(place) == "y/a.jot"

    place.writer.mark_gone([place.row("y/a.jot").id])

    assert _owner(place) == "x/a.jot"
    assert place.row("x/a.jot").state == "ok"
    assert _events(place) == {"a": ["e1", "e2"]}


def test_a_shorter_copy_does_not_inherit(place: Desk) -> None:
    """What the longer one held stays, and stays marked as gone."""
    place.write("x/a.jot", ONE, TWO)
    place.write("y/a.jot", ONE)
    place.read("x/a.jot")
    place.read("y/a.jot")

    place.writer.mark_gone([place.row("x/a.jot").id])

    assert _owner(place) == "x/a.jot"
    assert _events(place) == {"a": ["e1", "e2"]}
    place.add("y/a.jot", TWO)
    assert _owner(place) == "y/a.jot"


def test_a_rewritten_owner_leaves_its_copy_a_session_of_its_own(place: Desk) -> None:
    place.write("x/a.jot", ONE, TWO)
    place.write("y/a.jot", ONE, TWO)
    place.read("x/a.jot")
    place.read("y/a.jot")
    place.replace("x/a.jot", ONE, OTHER)

    place.read("x/a.jot")

    assert _events(place) == {"a": ["e1", "o"], "a.2": ["e1", "e2"]}


def test_a_copy_made_by_an_older_version_is_no_other_content(place: Desk) -> None:
    place.write("x/a.jot", ONE, TWO)
    place.write("y/a.jot", ONE, TWO)
    place.read("x/a.jot")
    place.agent.parser_version = 2

    place.read("y/a.jot")
    place.restart()
    place.read("x/a.jot")

    assert _events(place) == {"a": ["e1", "e2"]}
    assert dump(place.index)["a"]["session"][17] == 2


def test_a_carried_copy_gives_way_to_a_source_of_its_own(place: Desk) -> None:
    carried = line("as carried", child="kid", secondary=True, id="k1")
    place.write("a.jot", ONE, carried)
    place.read("a.jot")
    assert dump(place.index)["a-kid"]["session"][-1] == 1

    place.write("a-kid.jot", line("the real one", id="r1"), line("and more", id="r2"))
    place.read("a-kid.jot")

    assert _events(place) == {"a": ["e1"], "a-kid": ["r1", "r2"]}
    found = dump(place.index)["a-kid"]["session"]
    assert (found[8], found[-1]) == (2, 0)
    place.add("a.jot", carried, TWO)
    assert _events(place) == {"a": ["e1", "e2"], "a-kid": ["r1", "r2"]}


def test_a_carried_copy_that_comes_later_is_ignored(place: Desk) -> None:
    place.write("a-kid.jot", line("the real one", id="r1"))
    place.read("a-kid.jot")
    place.write("a.jot", ONE, line("as carried", child="kid", secondary=True, id="k1"))
    place.read("a.jot")

    assert _events(place) == {"a": ["e1"], "a-kid": ["r1"]}
    assert place.writer.unread() == []


_LETTERS = st.lists(st.sampled_from("pqrs"), min_size=1, max_size=3)
_STEPS = st.tuples(
    st.sampled_from(("append", "append", "replace", "read", "half", "gone", "restart")),
    st.sampled_from(("x/a.jot", "y/a.jot", "z/a.jot")),
    _LETTERS,
)


def _lines(letters: Sequence[str]) -> list[str]:
    """Lines whose ids say what is in them and where, so that equal ids are equal content."""
    return [line(letter, id=f"{n}{letter}", at=n) for n, letter in enumerate(letters)]


@settings(max_examples=50, deadline=None)
@given(steps=st.lists(_STEPS, max_size=12), slice_bytes=st.sampled_from([60, 1 << 20]))
def test_every_copy_is_in_a_session_and_every_session_is_a_copy(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, str, list[str]]],
    slice_bytes: int,
) -> None:
    """Whatever is copied, grown and replaced in whatever order: nothing is lost or mixed."""
    held: dict[str, list[str]] = {}
    with (
        patch("os.fsync"),
        desk(tmp_path_factory.mktemp("d"), Jot(slice_bytes=slice_bytes)) as place,
    ):
        for kind, name, letters in steps:
            if kind == "append":
                held[name] = [*held.get(name, []), *letters]
                place.write(name, *_lines(held[name]))
            elif kind == "replace":
                held[name] = letters
                place.write(name, *_lines(letters))
            elif kind == "read" and name in held:
                place.read(name)
            elif kind == "half" and name in held:
                place.writer.apply(place.prepared(name)[:1])
            elif kind == "gone" and name in held:
                place.writer.mark_gone([place.row(name).id])
            elif kind == "restart":
                place.restart()
        for name in [*held, *held]:
            place.read(name)
        wanted = {tuple(f"{n}{x}" for n, x in enumerate(content)) for content in held.values()}
        stored = {tuple(ids) for ids in _events(place).values()}
        for content in wanted:
            assert any(ids[: len(content)] == content for ids in stored)
        assert stored <= wanted
        if "replace" not in {kind for kind, *_ in steps}:  # else two may become equal later
            assert len(stored) == len(_events(place)), "no content twice"


@pytest.mark.parametrize("first", ["x/a.jot", "y/a.jot"])
@pytest.mark.parametrize("now", [(ONE,), (ONE, OTHER), (OTHER,)])
def test_a_file_that_was_moved_and_rewritten_is_one_session_in_a_new_index(
    place: Desk, first: str, now: tuple[str, ...]
) -> None:
    """Whichever is read first: what its archive was once tells that the file went on from there."""
    place.write("x/a.jot", ONE, TWO)
    place.read("x/a.jot")
    (place.jots / "y").mkdir()
    (place.jots / "x/a.jot").rename(place.jots / "y/a.jot")
    place.writer.mark_gone([place.row("x/a.jot").id])
    place.read("y/a.jot")
    place.replace("y/a.jot", *now)
    place.read("y/a.jot")
    place.writer.close()
    place.index.unlink()
    place.writer = place.open()

    kept = place.folder / "archived"
    kept.write_text(ONE + TWO)
    for name in (first, "y/a.jot" if first == "x/a.jot" else "x/a.jot"):
        gone = str(kept) if name == "x/a.jot" else ""
        place.writer.apply(place.prepared(name, read_from=gone))
        if gone:
            place.writer.mark_gone([place.row(name).id])
    place.read("y/a.jot")
    place.add("y/a.jot", THREE)

    said = {ONE: "e1", OTHER: "o"}
    assert _events(place) == {"a": [*(said[each] for each in now), "e3"]}
    assert _owner(place) == "y/a.jot"


def test_a_file_that_was_moved_again_and_again_is_one_session_in_a_new_index(place: Desk) -> None:
    """The first place had what was cut in the second, and the third never had it."""
    (place.jots / "x").mkdir()
    place.write("x/a.jot", ONE, TWO)
    place.read("x/a.jot")
    for before, after, now in (("x", "y", (ONE, OTHER)), ("y", "z", (OTHER, THREE))):
        (place.jots / after).mkdir()
        (place.jots / f"{before}/a.jot").rename(place.jots / f"{after}/a.jot")
        place.writer.mark_gone([place.row(f"{before}/a.jot").id])
        place.read(f"{after}/a.jot")
        place.replace(f"{after}/a.jot", *now)
        place.read(f"{after}/a.jot")
    place.writer.close()
    place.index.unlink()
    place.writer = place.open()

    place.row("y/a.jot")  # a new index knows of all of them at once
    for name, said in (("z", ""), ("x", ONE + TWO), ("y", ONE + OTHER)):
        kept = place.folder / "archived"
        kept.write_text(said)
        place.writer.apply(place.prepared(f"{name}/a.jot", read_from=str(kept) if said else ""))

    assert _events(place) == {"a": ["o", "e3"]}


def test_a_copy_that_went_another_way_stays_another_when_the_first_is_gone(place: Desk) -> None:
    """What the first went on to hold is in no state of the copy."""
    place.write("x/a.jot", ONE)
    place.write("y/a.jot", ONE)
    place.read("x/a.jot")
    place.read("y/a.jot")
    place.add("x/a.jot", TWO)
    place.replace("y/a.jot", OTHER)
    (place.jots / "x/a.jot").unlink()
    place.writer.mark_gone([place.row("x/a.jot").id])
    place.read("y/a.jot")

    assert _events(place) == {"a": ["e1", "e2"], "a.2": ["o"]}
