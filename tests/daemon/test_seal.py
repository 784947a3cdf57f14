"""What a parser remembers, as the index holds it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from opensession.core.config.settings import PrivacySettings
from opensession.daemon.admission import Rules
from opensession.daemon.reading import Setup
from opensession.daemon.seal import sealed, unsealed
from opensession.parsers.agent import Cursor, Source
from tests.daemon.rig import KEY, Rig, header, lines, said
from tests.daemon.same_index import archived_bytes, assert_same


def asked(text: str) -> dict[str, object]:
    """A record with a prompt, of which the parser makes the session's title."""
    record = said(text)
    content = [{"type": "input_text", "text": text}]
    return {**record, "payload": {"type": "message", "role": "user", "content": content}}


def source(rig: Rig, path: Path) -> Source:
    return Source("codex", str(rig.sessions), str(path))


@given(st.binary(), st.binary(min_size=32, max_size=32))
def test_a_sealed_state_comes_back_as_it_was(state: bytes, key: bytes) -> None:
    cursor = Cursor(offset=7, tail=b"tail", state=state)
    assert unsealed(sealed(cursor, key), key) == cursor
    assert sealed(cursor, key) == sealed(cursor, key)


@given(st.binary(min_size=1), st.binary())
def test_a_state_of_another_key_fits_no_file(state: bytes, foreign: bytes) -> None:
    other = sealed(Cursor(offset=7, tail=b"tail", state=state), bytes(32))
    assert unsealed(other, KEY) == Cursor(offset=7)
    kept = Cursor(offset=7, tail=b"tail", state=b"x" + foreign)
    assert unsealed(kept, KEY) == Cursor(offset=7)


def test_no_byte_of_the_index_holds_what_was_stripped(tmp_path: Path) -> None:
    """DECISIONS §5; the archive alone holds originals: the cursors do not, nor do free pages."""
    rig = Rig(tmp_path)
    path = rig.file("telling")
    path.parent.mkdir(parents=True)
    first = lines(header("telling"), asked(f"API_TOKEN=hunter2hunter2 {rig.path}/my-papers/x"))
    path.write_bytes(first)
    with rig.ingest() as made:
        rig.run(made)
        with path.open("ab") as file:
            file.write(lines(said("on we go", 1)))
        rig.run(made)
        assert rig.events() == {"telling": 2}
    for part in rig.place.index.parent.glob("index.db*"):
        data = part.read_bytes()
        assert b"hunter2hunter2" not in data
        assert f"{rig.path}/my-papers".encode() not in data
    assert b"hunter2hunter2" in archived_bytes(rig.place.archive, source(rig, path))


def test_with_a_new_key_a_source_is_read_anew(tmp_path: Path) -> None:
    """What was sealed with the old one is of no use; nothing is lost, and nothing doubled."""
    rig, clean = Rig(tmp_path / "one"), Rig(tmp_path / "two")
    for each in (rig, clean):
        path = each.file("again")
        path.parent.mkdir(parents=True)
        path.write_bytes(lines(header("again"), asked("what is it?"), said("this", 1)))
    with rig.ingest() as made:
        rig.run(made)
    setup = Setup(str(rig.path), bytes(32), PrivacySettings(), True, Rules())
    for each in (rig, clean):
        with each.file("again").open("ab") as file:
            file.write(lines(said("and that", 2)))
        with each.ingest(options=each.options(setup=setup)) as made:
            each.run(made)
    assert_same(rig.place.index, clean.place.index)
    path = rig.file("again")
    assert archived_bytes(rig.place.archive, source(rig, path)) == path.read_bytes()
