"""The text by which an event is found, and how FTS5 is to see it.

The tokenizer (`unicode61 remove_diacritics 2`) cuts at everything but letters and digits, so
`snake_case` and paths fall into their words by themselves. Two things it cannot do are done here,
for stored text and for queries by the same functions: scripts without spaces become bigrams
(`fts_text`, `phrase`), and identifiers get their parts (`identifier_parts`).

    search_text(event)       the strings of an event that are searchable
    fts_text(text)           as stored in `search.text`:   "日本語 ok" -> "日本 本語 語 ok"
    phrase(text)             as asked in a phrase:         "日本語"    -> ("日本 本語", False)
    identifier_parts(text)   as stored in `search.parts`:  "parseJSONFile" -> "parse json file"
"""

from __future__ import annotations

import functools
import itertools
import re
import threading
import unicodedata
from collections.abc import Callable
from typing import Any

from opensession.core.hail import Event

HEAD_CHARS = 192 << 10
TAIL_CHARS = 64 << 10
"""How much of one event's text is searchable: its beginning and its end, in characters."""

MAX_IDENTIFIER = 64
"""Characters of the longest word whose parts are stored; longer ones are data, not names."""

_CJK = (
    "\u1100-\u11ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u30ff"
    "\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U0001b000-\U0001b16f\U00020000-\U000323af"
)
# All but the first bytes of these in UTF-8: deleting them is many times faster than searching.
_NOT_CJK = bytes(
    code for code in range(256) if not (0xE3 <= code <= 0xED or code in (0xE1, 0xEF, 0xF0))
)
_CJK_RUN = re.compile(f"[{_CJK}]+")
_CJK_END = re.compile(f"[{_CJK}]+\\Z")

_SEARCHED_DATA = (
    "path",
    "command",
    "query",
    "pattern",
    "url",
    "prompt",
    "title",
    "summary",
    "diff",
)
_SEARCHED_BLOCK = ("text", "code", "alt", "path", "content", "uri")


def search_text(event: Event) -> str:
    """The searchable strings of an event, one per line: the text and code of its blocks, the values
    (and names) of JSON, commands, paths, queries, addresses, and the diff of an edit.

    Of more than `HEAD_CHARS + TAIL_CHARS` the middle is left out. The event is expected to be
    stripped already.
    """
    found: list[str] = []
    add = found.append
    if event.data is not None:
        for name in _SEARCHED_DATA:
            value = event.data.get(name)
            if value:
                _collect(value, add)
    for block in event.blocks:
        kind = block.get("type")
        if kind == "Text" or kind == "Code":
            value = block.get("text") or block.get("code")
            if isinstance(value, str):
                add(value)
        elif kind == "Json":
            _collect(block.get("data"), add)
        else:
            for name in _SEARCHED_BLOCK:
                value = block.get(name)
                if isinstance(value, str) and not value.startswith("data:"):
                    add(value)
    diff = event.attributes.get("result.diff")
    if isinstance(diff, str):
        add(diff)
    return cut("\n".join(found))


def cut(text: str) -> str:
    """`text`, without its middle if it is longer than what is searchable."""
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text
    return f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"


def fts_text(text: str) -> str:
    """`text` with every run of a script without spaces as bigrams, then its last character alone.

    That last character is what makes a single character findable as a prefix.
    """
    if text.isascii() or not text.encode(errors="replace").translate(None, _NOT_CJK):
        return text
    return _CJK_RUN.sub(_stored_run, text)


def phrase(text: str) -> tuple[str, bool]:
    """`text` as FTS5 is to look for it within quotes, and whether its last word is a prefix.

    The words are those of `fts_text(text)`, save that a run at the end may go on in what is stored.
    Quotes are the caller's business.
    """
    if text.isascii():
        return text, False
    text = text.rstrip()
    end = _CJK_END.search(text)
    if end is None:
        return fts_text(text), False
    head = fts_text(text[: end.start()])
    run = _normal(end[0])
    if len(run) == 1:
        return f"{head} {run}".lstrip(), True
    return f"{head} {' '.join(_bigrams(run))}".lstrip(), False


def cjk_terms(text: str) -> list[str]:
    """The runs in `text` of scripts without spaces, as typed."""
    return [] if text.isascii() else _CJK_RUN.findall(text)


def identifier_parts(text: str) -> str:
    """The parts, in lower case, of every different word of `text` that has parts: `userId`,
    `HTTPServer`, `utf8`. Empty where no word has any. Hashes and encoded data have none.
    """
    data = text.encode(errors="replace")
    memo = _memo()
    words: set[bytes] = set(data.translate(_SEPARATED).split()) - memo.plain
    if len(memo.plain) + len(memo.parts) > _MEMO_WORDS:
        memo.plain, memo.parts = set(), {}
    found = []
    for word in words:
        parts = memo.parts.get(word)
        if parts is None:
            if len(word) > MAX_IDENTIFIER:
                continue
            parts = _split(word.decode())
            if not parts:
                memo.plain.add(word)
                continue
            memo.parts[word] = parts
        found.append(parts)
    if not text.isascii() and data.translate(None, _NOT_WIDE):
        found += filter(None, map(_split_wide, set(_WORD.findall(text))))
    found.sort()
    return " ".join(found)


_SEPARATED = bytes(code if code < 128 and chr(code).isalnum() else 32 for code in range(256))
# All but the first bytes of Latin, Greek, Cyrillic and Armenian letters outside ASCII.
_NOT_WIDE = bytes(code for code in range(256) if not 0xC3 <= code <= 0xD6)
_WORD = re.compile(r"[^\W_]+")
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_HEX = re.compile(r"[0-9a-f]{4,}\Z")
_MEMO_WORDS = 1 << 15


class _Memo(threading.local):
    """Words whose parts are known; forgotten as a whole when there are too many."""

    def __init__(self) -> None:
        self.plain: set[bytes] = set()
        self.parts: dict[bytes, str] = {}


@functools.cache
def _memo() -> _Memo:
    return _Memo()


def _split(word: str) -> str:
    """The parts of one ASCII word, empty if it has none."""
    if (word.isalpha() and (word.islower() or word.isupper())) or word.isdigit():
        return ""
    return _joined(word, _PIECES.findall(word))


def _split_wide(word: str) -> str:
    """The parts of a word with other letters than ASCII, by case and digits alone."""
    if word.isascii() or len(word) > MAX_IDENTIFIER:
        return ""
    pieces = [word[0]]
    for before, char in itertools.pairwise(word):
        if (char.isupper() and not before.isupper()) or char.isdigit() != before.isdigit():
            pieces.append(char)
        else:
            pieces[-1] += char
    return _joined(word, pieces)


def _joined(word: str, pieces: list[str]) -> str:
    count = len(pieces)
    if count < 2 or _HEX.match(word) is not None:
        return ""
    if len(word) < (2.2 if count >= 6 else 1.5 if count >= 3 else 0.0) * count:
        return ""  # random characters, as in ids and encoded data
    return " ".join(pieces).lower()


def _collect(value: Any, add: Callable[[str], None]) -> None:
    """Gives every string inside a JSON value to `add`, names of members included."""
    if isinstance(value, str):
        add(value)
        return
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            add(item)
        elif isinstance(item, dict):
            for name, member in reversed(item.items()):
                pending.append(member)
                pending.append(name)
        elif isinstance(item, list):
            pending.extend(reversed(item))
        elif isinstance(item, int | float) and not isinstance(item, bool):
            add(str(item))


def _normal(run: str) -> str:
    return run if unicodedata.is_normalized("NFC", run) else unicodedata.normalize("NFC", run)


def _bigrams(run: str) -> list[str]:
    return [run[index : index + 2] for index in range(len(run) - 1)]


def _stored_run(match: re.Match[str]) -> str:
    run = _normal(match[0])
    return f" {' '.join([*_bigrams(run), run[-1]])} "
