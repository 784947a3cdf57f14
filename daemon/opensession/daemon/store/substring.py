"""Exact text, whatever its case, anywhere: inside of words, across them, between letters.

The index knows words, not characters. Where the text asked for has whole words in it, these (and
the beginning of its last) tell which events to read; where it is one piece of a word, the list of
all indexed words does. What is found so is verified on the text itself. A text without letters or
digits leaves only to read everything, newest first, until the time is over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import apsw

from opensession.core import search_text as store_text
from opensession.daemon.store.body import CODES
from opensession.daemon.store.event_text import Deadline, Found, every_text, newest_first, texts
from opensession.daemon.store.narrowing import SEQ_BITS, Narrowing
from opensession.daemon.store.search_match import Tokenize, quoted, tokenizer
from opensession.daemon.store.snippet import fold_case, normal

SECONDS = 5.0
_MAX_WORDS = 2000
_MAX_PHRASE = 50
_RARE = 2000
_BLOCK = 50
_ASCII = re.compile(r"[ -~]+")
# Characters at which the tokenizer and a reader may differ about where words end.
_UNSURE = re.compile(r"[^\w\s!-/:-@\[-`{-~]")


class Matches(NamedTuple):
    """Keys of events and titles, newest session first; `complete`: there are no others."""

    keys: list[int]
    complete: bool


def find(
    db: apsw.Connection,
    needle: str,
    narrowing: Narrowing,
    *,
    without: str = "",
    seconds: float = SECONDS,
) -> Matches:
    """Every event (and title) whose text holds `needle` and that FTS5 does not match `without`."""
    wanted = fold_case(normal(needle))
    if not wanted:
        return Matches([], True)
    found = _find(db, wanted, narrowing, Deadline(seconds))
    if not without or not found.keys:
        return found
    excluded = {
        row[0] for row in db.execute("SELECT rowid FROM search WHERE search MATCH ?", (without,))
    }
    return found._replace(keys=[key for key in found.keys if key not in excluded])


def _find(db: apsw.Connection, wanted: str, narrowing: Narrowing, deadline: Deadline) -> Matches:
    expression = candidates(db, wanted, tokenizer(db))
    if expression is None:
        return _scan(db, wanted, narrowing, deadline)
    if not expression:
        return Matches([], True)
    rows = narrowing.rows("search.rowid")
    keys = [
        row[0]
        for row in db.execute(
            f"SELECT rowid FROM search WHERE search MATCH ? AND {rows.sql}",  # noqa: S608
            (expression, *rows.values),
        )
    ]
    recency = newest_first(db)
    keys.sort(key=lambda key: (recency.get(key >> SEQ_BITS, 0), key), reverse=True)
    found: list[int] = []
    sign = _sign(wanted)
    for start in range(0, len(keys), _BLOCK):
        if deadline.passed():
            return Matches(found, False)
        block = keys[start : start + _BLOCK]
        held = texts(db, block, sign)
        found += [key for key in block if key in held and _holds(held[key], wanted)]
    return Matches(found, True)


def sessions_holding(db: apsw.Connection, needle: str) -> set[int]:
    """The sessions whose title, description or typed prompts hold `needle`."""
    prompts = Narrowing(codes=(CODES["UserMessage"],))
    found = {key >> SEQ_BITS for key in find(db, needle, prompts).keys}
    wanted = fold_case(normal(needle))
    for session, title, description in db.execute("SELECT id, title, description FROM session"):
        if wanted in fold_case(normal(title)) or wanted in fold_case(normal(description)):
            found.add(session)
    return found


def candidates(db: apsw.Connection, needle: str, tokenize: Tokenize) -> str | None:
    """What FTS5 is to MATCH for all events that may hold `needle`, and few others.

    Empty: there are none. None: the index cannot tell.
    """
    if _UNSURE.search(needle) or _is_written_otherwise(db, needle):
        return None
    phrase, goes_on = store_text.phrase(needle)
    words = tokenize(phrase)
    if not words:
        return None
    inside = needle[0].isalnum() and not store_text.cjk_terms(needle[0])
    open_end = goes_on or (needle[-1].isalnum() and not store_text.cjk_terms(needle[-1]))
    if inside and len(words) == 1:
        return _holding(db, words[0], at_end=not open_end)
    begun, words = (words[0], words[1:]) if inside else ("", words)
    if len(words) > _MAX_PHRASE:
        words, open_end = words[:_MAX_PHRASE], False
    rest = quoted(" ".join(words)) + (" *" if open_end else "")
    if not begun or _is_rare(db, rest):
        return rest
    # The first word may be the end of a longer one.
    ends = _holding(db, begun, at_end=True)
    return rest if ends is None else f"({ends}) AND {rest}" if ends else ""


def _is_written_otherwise(db: apsw.Connection, needle: str) -> bool:
    """Reports whether an indexed word has another form of a character of a text in normal form C,
    which the tokenizer takes for another one: U+1F71 for U+03AC, both of which are ά.
    """
    others = "" if needle.isascii() else "".join(_OTHER_FORMS.get(char, "") for char in needle)
    return any(
        db.execute("SELECT 1 FROM search_words WHERE instr(term, ?) LIMIT 1", (each,)).get
        for each in dict.fromkeys(others)
    )


def _other_forms() -> dict[str, str]:
    """The single characters that normal form C makes others of, by what they become."""
    found: dict[str, str] = {}
    for first, last in ((0x340, 0x387), (0x1F71, 0x1FFD), (0x2000, 0x212B)):
        for char in map(chr, range(first, last + 1)):
            other = normal(char)
            if other != char and len(other) == 1:
                found[other] = found.get(other, "") + char
    return found


_OTHER_FORMS = _other_forms()


def _is_rare(db: apsw.Connection, expression: str) -> bool:
    """Reports whether reading the matches takes less time than looking through all words."""
    number: int = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)",
        (expression, _RARE + 1),
    ).get
    return number <= _RARE


def _holding(db: apsw.Connection, piece: str, *, at_end: bool) -> str | None:
    """All indexed words that hold a piece (`at_end`: that end in it), for MATCH."""
    test = "substr(term, ?) = ?" if at_end else "instr(term, ?)"
    values: tuple[int | str, ...] = (-len(piece), piece) if at_end else (piece,)
    terms = [
        row[0]
        for row in db.execute(
            f"SELECT term FROM search_words WHERE {test} LIMIT {_MAX_WORDS + 1}",  # noqa: S608
            values,
        )
    ]
    return None if len(terms) > _MAX_WORDS else " OR ".join(quoted(term) for term in terms)


def _scan(db: apsw.Connection, wanted: str, narrowing: Narrowing, deadline: Deadline) -> Matches:
    found: list[int] = []
    for event in every_text(db, narrowing, _sign(wanted)):
        if event is not None and _holds(event, wanted):
            found.append(event.key)
        if deadline.passed():
            return Matches(found, False)
    return Matches(found, True)


def _holds(event: Found, wanted: str) -> bool:
    return wanted in fold_case(event.text)


def _sign(wanted: str) -> bytes:
    """The longest piece of ASCII in a text, by which most events can be passed over undecoded."""
    pieces: Sequence[str] = _ASCII.findall(wanted)
    return max(pieces, key=len, default="").encode()
