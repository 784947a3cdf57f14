"""Folding a page of events: what results say goes into their calls, tokens count once.

A call's result may stand beyond the page, so results are read on from the calls of the page; the
record of a response that counts is known from the table of usage.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import msgspec

from opensession.core.fold import Fold, Numbered
from opensession.core.hail import Event
from opensession.core.stats import CALLS, TOKENS, response_id
from opensession.daemon.store import body
from opensession.daemon.store.body import CODES
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK
from opensession.daemon.store.timeline import Member

MAX_RESULTS = 2000
"""Results that are looked at for the calls of a page; those of a call follow it closely."""


def fold_page(
    db: apsw.Connection, shown: Sequence[Member], page: Sequence[Numbered]
) -> list[Numbered]:
    """The page, folded. What is left of a result is its `result.call_seq`."""
    keys = {member.native_id: member.id for member in shown}
    folds = {
        native_id: _fold(db, key, [each for each in page if each.session_id == native_id])
        for native_id, key in keys.items()
    }
    return [
        each._replace(event=_folded(folds[each.session_id], each.seq, each.event)) for each in page
    ]


def _folded(fold: Fold, seq: int, event: Event) -> Event:
    folded = fold.event(seq, event)
    call_seq = event.attributes.get("result.call_seq")
    if call_seq is None:
        return folded
    return msgspec.structs.replace(
        folded, attributes={**folded.attributes, "result.call_seq": call_seq}
    )


def _fold(db: apsw.Connection, session: int, page: Sequence[Numbered]) -> Fold:
    """What is to be moved in one session's part of a page."""
    fold = Fold()
    known = {each.seq: each.event for each in page if each.seq}
    for seq, event in sorted(
        (*known.items(), *_results(db, session, known), *_last(db, session, known))
    ):
        fold.add(seq, event)
    return fold


def _results(db: apsw.Connection, session: int, known: dict[int, Event]) -> list[tuple[int, Event]]:
    """The results beyond the page of the calls on it."""
    open_seqs = {seq for seq, event in known.items() if event.type in CALLS}
    open_ids = {
        seq: call_id
        for seq in open_seqs
        if isinstance(call_id := known[seq].attributes.get("semantic.call_id"), str)
    }
    for event in known.values():
        _answered(event, open_seqs, open_ids)
    found: list[tuple[int, Event]] = []
    if not open_seqs:
        return found
    for row in db.execute(
        "SELECT id, event_id, time_us, type, task, body FROM event"
        " WHERE id > ? AND id <= ? AND type = ? ORDER BY id LIMIT ?",
        (
            session << SEQ_BITS | min(open_seqs),
            session << SEQ_BITS | SEQ_MASK,
            CODES["ToolResult"],
            MAX_RESULTS,
        ),
    ):
        seq = row[0] & SEQ_MASK
        if seq in known:
            continue
        event = body.decode(*row[1:])
        if _answered(event, open_seqs, open_ids):
            found.append((seq, event))
            if not open_seqs:
                break
    return found


def _answered(event: Event, open_seqs: set[int], open_ids: dict[int, str]) -> bool:
    """Takes the call that an event is the result of from the open ones."""
    if event.type != "ToolResult":
        return False
    call_seq = event.attributes.get("result.call_seq")
    if call_seq is None:
        call_id = event.attributes.get("semantic.call_id")
        call_seq = next((seq for seq, each in open_ids.items() if each == call_id), None)
    if call_seq not in open_seqs:
        return False
    open_seqs.discard(call_seq)
    open_ids.pop(call_seq, None)
    return True


def _last(db: apsw.Connection, session: int, known: dict[int, Event]) -> list[tuple[int, Event]]:
    """For responses whose counting record lies beyond the page, a stand-in for that record."""
    responses = {message for event in known.values() if (message := response_id(event))}
    if not responses:
        return []
    rows = db.execute(
        "SELECT seq, message_id FROM usage WHERE session = ?"
        " AND message_id IN (SELECT value FROM json_each(?))",
        (session, msgspec.json.encode(sorted(responses)).decode()),
    )
    return [
        (
            seq,
            Event(
                event_id="", time_us=0, type="", attributes={"message_id": message, TOKENS[0]: 0}
            ),
        )
        for seq, message in rows
        if seq not in known
    ]
