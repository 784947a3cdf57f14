"""What is recorded of events replaces what was recorded of the same events, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from opensession.daemon.batch import Row, Secret
from opensession.daemon.findings import tag
from opensession.daemon.store import leaks
from opensession.daemon.store.connect import open_user
from opensession.daemon.store.leaks_write import Noted, Seen, forget, noted_more, record, resolve

FIRST, SECOND = bytes(range(32)), bytes(range(32, 64))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[apsw.Connection]:
    found = open_user(tmp_path / "user.db")
    yield found
    found.close()


def _seen(seq: int, mark: bytes = FIRST, *, at: int = 5, sure: str = "likely") -> Seen:
    return Seen(Secret(seq, mark, "token", "keys", sure, 1, 0), "ToolResult", at)


def _noted(first: int, last: int, *seen: Seen, ends: bool = False) -> Noted:
    return Noted("codex", "a", first, last, list(seen), ends)


def _seqs(db: apsw.Connection) -> list[int]:
    return [seq for (seq,) in db.execute("SELECT seq FROM leak_event ORDER BY leak, seq")]


def test_the_same_events_again_change_nothing(db: apsw.Connection) -> None:
    for _ in range(2):
        record(db, [_noted(1, 4, _seen(2), _seen(3), _seen(4, SECOND))])

    assert _seqs(db) == [2, 3, 4]
    assert leaks.counts(db) == (2, 2)


def test_what_the_same_events_no_longer_hold_is_gone(db: apsw.Connection) -> None:
    record(db, [_noted(1, 9, _seen(2), _seen(5), _seen(9))])
    record(db, [_noted(4, 6, _seen(6))])
    assert _seqs(db) == [2, 6, 9]
    record(db, [_noted(6, 7, ends=True)])

    assert _seqs(db) == [2]


def test_a_secret_is_seen_from_its_first_to_its_last_event(db: apsw.Connection) -> None:
    record(db, [_noted(1, 1, _seen(1, at=50))])
    record(db, [_noted(2, 3, _seen(2, at=20), _seen(3, at=70, sure="certain"))])

    (leak,) = leaks.load(db, everything=False)
    assert (leak.first_seen_us, leak.last_seen_us, leak.confidence) == (20, 70, "certain")


def test_the_beginning_of_a_fingerprint_becomes_the_whole(db: apsw.Connection) -> None:
    """Of a value that was cut into pieces only the tag is known; it is the same secret."""
    record(db, [_noted(1, 1, _seen(1, FIRST[:5]))])
    record(db, [_noted(2, 2, _seen(2))])
    record(db, [_noted(3, 3, _seen(3, FIRST[:5]))])

    (leak,) = leaks.load(db, everything=True)
    assert leak.fingerprint == FIRST
    assert leak.reached[0].seqs == [1, 2, 3]


def test_other_rules_only_add(db: apsw.Connection) -> None:
    record(db, [_noted(1, 3, _seen(2))])
    row = Row("e", 7, "ToolResult", None, 0, b"", "", "")
    secrets = [_seen(3, SECOND).secret, _seen(1).secret]
    record(db, [noted_more("codex", "a", secrets, {3: row})])

    assert _seqs(db) == [2, 3]


def test_what_was_resolved_stays_so_when_it_is_seen_again(db: apsw.Connection) -> None:
    record(db, [_noted(1, 1, _seen(1))])
    resolve(db, [leaks.find(db, tag(FIRST)).number], undo=False)
    record(db, [_noted(1, 1, ends=True)])
    record(db, [_noted(1, 1, _seen(1))])

    assert leaks.counts(db) == (0, 1)


def test_a_forgotten_session_leaves_nothing(db: apsw.Connection) -> None:
    record(db, [_noted(1, 1, _seen(1))])
    forget(db, "codex", "a")
    forget(db, "codex", "never there")

    assert leaks.counts(db) == (0, 0)
    assert db.execute("SELECT count(*) FROM leak_session").get == 0
