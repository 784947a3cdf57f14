"""What a person typed as expressions of FTS5, one for each thing that a session must hold.

rate limit      both words, anywhere in the session
"rate limit"    the phrase
lim*            a beginning
"""

from __future__ import annotations

import re

import apsw

from opensession.core.search_text import identifier_parts, phrase

MAX_WORDS = 20
_PIECE = re.compile(r'"([^"]*)"?(\*?)|([^\s"]+)')
_NAME = re.compile(r"[^\W_]+")


def expressions(text: str, db: apsw.Connection) -> list[str]:
    """The expressions; nothing that is typed is an error, but it may hold nothing to look for."""
    found = []
    tokenizer = db.fts5_tokenizer("unicode61", ["remove_diacritics", "2"])
    clean = text.encode(errors="replace").decode().replace("\0", " ")
    for quoted, star, plain in _PIECE.findall(clean)[:MAX_WORDS]:
        prefix = bool(star) or plain.endswith("*")
        words = quoted or plain.rstrip("*")
        if not tokenizer(words.encode(), apsw.FTS5_TOKENIZE_QUERY, None):
            continue
        expression = _phrase(words, prefix)
        parts = [identifier_parts(name) for name in _NAME.findall(plain)]
        if any(parts):
            names = " ".join(
                part or name for part, name in zip(parts, _NAME.findall(plain), strict=True)
            )
            expression = f"({expression} OR {_phrase(names, prefix)})"
        found.append(expression)
    return found


def _phrase(text: str, prefix: bool) -> str:
    said, goes_on = phrase(text)
    quoted = '"' + said.replace('"', '""') + '"'
    return quoted + (" *" if prefix or goes_on else "")
