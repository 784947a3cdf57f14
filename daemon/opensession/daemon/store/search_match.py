"""A query's tree → what FTS5 takes after MATCH.

Every word goes through the same functions as the stored text (`core.search_text`) and stands within
quotes, so nothing that a person types is syntax. Words that leave nothing to look for (`->`) are
left out; `searchable` says so beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import apsw

from opensession.core import search_text as store_text
from opensession.daemon.store.search_query import Group, Near, Node, Words

Tokenize: TypeAlias = Callable[[str], list[str]]

TOKENIZER = ("unicode61", "remove_diacritics", "2")
"""The tokenizer of the table `search`, as its schema names it."""

_IDENTIFIER = re.compile(r"[^\W_]+")


def tokenizer(db: apsw.Connection) -> Tokenize:
    """The tokenizer that the index was made with: text → its words, folded."""
    name, *arguments = TOKENIZER
    raw = db.fts5_tokenizer(name, arguments)

    def tokenize(text: str) -> list[str]:
        found = raw(
            text.encode(errors="replace"),
            apsw.FTS5_TOKENIZE_QUERY,
            None,
            include_offsets=False,
            include_colocated=False,
        )
        return [word for word in found if isinstance(word, str)]

    return tokenize


def match_expression(node: Node, tokenize: Tokenize) -> str:
    """What FTS5 is to MATCH for a tree; empty if it leaves nothing to look for."""
    if isinstance(node, Words):
        return _words(node, tokenize)
    if isinstance(node, Near):
        return _near(node, tokenize)
    operator = " AND " if node.op == "and" else " OR "
    found = _joined(operator, (match_expression(item, tokenize) for item in node.items))
    without = excluded_expression(node, tokenize)
    return f"({found} NOT {without})" if found and without else found


def excluded_expression(group: Group, tokenize: Tokenize) -> str:
    """What is to be left out of a group, or nothing."""
    return _joined(" OR ", (match_expression(item, tokenize) for item in group.without))


def any_expression(group: Group, words: Sequence[Words], tokenize: Tokenize) -> str:
    """Any of the words, and none of those that the whole query leaves out."""
    found = _joined(" OR ", dict.fromkeys(_words(word, tokenize) for word in words))
    without = excluded_expression(group, tokenize)
    return f"({found} NOT {without})" if found and without else found


def searchable(words: Words, tokenize: Tokenize) -> bool:
    """Reports whether there is anything in the words that the index knows."""
    return bool(tokenize(words.text))


def quoted(text: str) -> str:
    """A string of FTS5's query language."""
    return '"' + text.replace('"', '""').replace("\0", " ") + '"'


def _joined(operator: str, expressions: Iterable[str]) -> str:
    useful = [expression for expression in expressions if expression]
    return f"({operator.join(useful)})" if len(useful) > 1 else "".join(useful)


def _words(words: Words, tokenize: Tokenize) -> str:
    if not searchable(words, tokenize):
        return ""
    expression = _phrase(words, tokenize)
    if words.quoted:
        return expression
    names = _IDENTIFIER.findall(words.text)
    parts = [store_text.identifier_parts(name) for name in names]
    if not any(parts):
        return expression
    split = [
        _phrase(Words(part or name, words.prefix and index == len(names) - 1), tokenize)
        for index, (name, part) in enumerate(zip(names, parts, strict=True))
        if tokenize(part or name)
    ]
    return f"({expression} OR {_joined(' AND ', split)})"


def _phrase(words: Words, tokenize: Tokenize) -> str:
    text, goes_on = store_text.phrase(words.text)
    if not tokenize(text):
        text, goes_on = words.text, False
    return quoted(text) + (" *" if words.prefix or goes_on else "")


def _near(near: Near, tokenize: Tokenize) -> str:
    phrases = [_phrase(item, tokenize) for item in near.items if searchable(item, tokenize)]
    if len(phrases) < 2:
        return "".join(phrases)
    return f"NEAR({' '.join(phrases)}, {near.distance})"
