"""The language of search queries: what a person typed → a tree of words, and filters.

    rate limit              both words              rate OR limit        either
    "rate limit"            the phrase              lim*                 a beginning
    NEAR(rate limit, 5)     close to each other     -test, NOT test      without
    (a OR b) c              grouping                role:user since:7d   filters

Nothing a person types is an error: an operator without operands, a quote without its end or a
filter without a value is taken as the words it is made of, as far as it has any. A query of
nothing but excluded words looks for them.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

import msgspec

FILTERS = frozenset(
    ("agent", "project", "branch", "file", "role", "since", "before", "session", "tag", "star")
)

MAX_WORDS = 100
MAX_CHARS = 8192
"""How much of a query is looked at; what follows is left out."""

_MAX_DEPTH = 12
_NEAR_DISTANCE = 10


class Words(msgspec.Struct, frozen=True):
    """One word, or what stood between quotes. `prefix`: the last word may go on."""

    text: str
    prefix: bool = False
    quoted: bool = False


class Near(msgspec.Struct, frozen=True):
    """Words at most `distance` words apart."""

    items: tuple[Words, ...]
    distance: int


class Group(msgspec.Struct, frozen=True):
    """All (`and`) or one (`or`) of `items`, and none of `without`."""

    op: Literal["and", "or"]
    items: tuple[Node, ...]
    without: tuple[Node, ...] = ()


Node: TypeAlias = Words | Near | Group


class Filter(msgspec.Struct, frozen=True):
    """`name:value`; with `negated`, everything that does not fit it."""

    name: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{'-' if self.negated else ''}{self.name}:{self.value}"


class Query(msgspec.Struct, frozen=True):
    """What was asked for; `node` is None when there are filters alone."""

    node: Group | None
    filters: tuple[Filter, ...]

    def words(self) -> list[Words]:
        """The words that are looked for, excluded ones left out, in the order they were typed."""
        return [] if self.node is None else list(_words(self.node))


def parse(text: str) -> Query:
    """The query in `text`; it never fails."""
    text = clean(text)
    tokens = _tokens(text)
    filters = tuple(
        Filter(token.kind.removeprefix("filter "), token.text, token.negated)
        for token in tokens
        if token.kind.startswith("filter ")
    )
    node = _Parser([t for t in tokens if not t.kind.startswith("filter ")]).parse()
    if node.items or (node.without and filters):
        return Query(node, filters)
    if filters or not text.strip():
        return Query(None, filters)
    return Query(Group("and", node.without or (Words(text.strip()),)), ())


def clean(text: str) -> str:
    """A query as it can be stored and searched for, at most `MAX_CHARS` long."""
    return text[:MAX_CHARS].encode(errors="replace").decode().replace("\0", " ")


def split_filters(text: str) -> tuple[str, tuple[Filter, ...]]:
    """The text to look for exactly, and the filters before and after it."""
    text = clean(text)
    filters: list[Filter] = []
    while (match := _LEADING.match(text)) or (match := _TRAILING.search(text)):
        negated, name, quoted, plain = match.groups()
        if name.lower() not in FILTERS or not (quoted or plain or "").strip():
            break
        filters.append(Filter(name.lower(), (quoted or plain).strip(), bool(negated)))
        text = text[: match.start()] or text[match.end() :]
    return text, tuple(filters)


def without_filter(query: Query, unfit: Filter) -> Query:
    """The query with a filter that means nothing (`since:soon`) taken as words."""
    words = Words(f"{unfit.name}:{unfit.value}")
    node = query.node or Group("and", ())
    if unfit.negated:
        node = Group("and", (node,) if node.items else (), (words,))
    else:
        node = Group("and", (node, words) if node.items or node.without else (words,))
    return Query(node, tuple(each for each in query.filters if each is not unfit))


class _Token(NamedTuple):
    kind: str  # words ( ) or and not near, or "filter <name>"
    text: str = ""
    prefix: bool = False
    quoted: bool = False
    negated: bool = False


_FILTER = re.compile(r"([A-Za-z]+):(?:\"([^\"]*)\"?|([^\s\"()]+))")
_LEADING = re.compile(r"\s*(-?)([A-Za-z]+):(?:\"([^\"]*)\"|([^\s\"]+))\s+(?=\S)")
_TRAILING = re.compile(r"(?<=\S)\s+(-?)([A-Za-z]+):(?:\"([^\"]*)\"|([^\s\"]+))\s*\Z")
_WORD = re.compile(r"[^\s\"()]+")
_NEAR = re.compile(r"NEAR\(([^()]*)\)")
_DISTANCE = re.compile(r",\s*([0-9]{1,4})\s*\Z")


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    words = 0
    while place < len(text) and words < MAX_WORDS:
        char = text[place]
        if char.isspace():
            place += 1
            continue
        if char in "()":
            found.append(_Token(char))
            place += 1
            continue
        negated = char == "-" and place + 1 < len(text) and not text[place + 1].isspace()
        start = place + negated
        filter_match = _FILTER.match(text, start)
        if filter_match is not None and filter_match[1].lower() in FILTERS:
            value = filter_match[2] if filter_match[2] is not None else filter_match[3]
            if value.strip():
                negated = negated or _takes_not(found)
                found.append(
                    _Token(f"filter {filter_match[1].lower()}", value.strip(), negated=negated)
                )
                place = filter_match.end()
                continue
        if negated and (text[start].isalnum() or text[start] in '_"('):
            found.append(_Token("not"))
            place = start
            continue
        words += 1
        token, place = _word(text, place)
        found.append(token)
    return found


def _takes_not(found: list[_Token]) -> bool:
    """Takes a `NOT` that stands before a filter from `found`."""
    if found and found[-1].kind == "not":
        found.pop()
        return True
    return False


def _word(text: str, place: int) -> tuple[_Token, int]:
    """The word, phrase, operator or NEAR group at `place`, and where it ends."""
    if text[place] == '"':
        end = text.find('"', place + 1)
        inside = text[place + 1 : end] if end >= 0 else text[place + 1 :]
        end = end + 1 if end >= 0 else len(text)
        prefix = text[end : end + 1] == "*"
        return _Token("words", inside, prefix, True), end + prefix
    near = _NEAR.match(text, place)
    if near is not None:
        return _Token("near", near[1]), near.end()
    match = _WORD.match(text, place)
    assert match is not None  # noqa: S101  the caller saw a character that fits
    word = match[0]
    if word in ("AND", "OR", "NOT"):
        return _Token(word.lower(), word), match.end()
    return _Token("words", word.rstrip("*"), word.endswith("*")), match.end()


class _Parser:
    """Recursive descent over tokens; brackets nested too deeply are left out."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def parse(self) -> Group:
        items: list[Node] = []
        without: list[Node] = []
        while self._next < len(self._tokens):
            group = self._either(0)
            items += [group] if group.items else []
            without += [] if group.items else group.without
            self._next += 1  # a closing bracket without its beginning
        return _grouped(items, without)

    def _either(self, depth: int) -> Group:
        branches = [self._all(depth)]
        while self._peek() == "or":
            self._next += 1
            branches.append(self._all(depth))
        useful = [branch for branch in branches if branch.items]
        if not useful:
            return Group("and", (), tuple(node for branch in branches for node in branch.without))
        return useful[0] if len(useful) == 1 else Group("or", tuple(useful))

    def _all(self, depth: int) -> Group:
        items: list[Node] = []
        without: list[Node] = []
        excluded = False
        while (kind := self._peek()) not in ("", "or", ")"):
            token = self._tokens[self._next]
            self._next += 1
            if kind == "and":
                continue
            if kind == "not":
                excluded = True
                continue
            node = self._node(token, depth)
            if node is not None:
                (without if excluded else items).append(node)
            excluded = False
        return _grouped(items, without)

    def _node(self, token: _Token, depth: int) -> Node | None:
        if token.kind == "(":
            if depth >= _MAX_DEPTH:
                return None
            group = self._either(depth + 1)
            if self._peek() == ")":
                self._next += 1
            return group if group.items else None
        if token.kind == "near":
            return _near(token.text)
        return Words(token.text, token.prefix, token.quoted) if token.text.strip() else None

    def _peek(self) -> str:
        return self._tokens[self._next].kind if self._next < len(self._tokens) else ""


def _grouped(items: list[Node], without: list[Node]) -> Group:
    if len(items) == 1 and not without and isinstance(items[0], Group):
        return items[0]
    return Group("and", tuple(items), tuple(without))


def _near(inside: str) -> Node | None:
    distance = _DISTANCE.search(inside)
    text = inside[: distance.start()] if distance else inside
    items = tuple(
        Words(token.text, token.prefix, token.quoted)
        for token in _tokens(text)
        if token.text.strip() and not token.kind.startswith("filter ")
    )
    if len(items) < 2:
        return items[0] if items else None
    return Near(items, int(distance[1]) if distance else _NEAR_DISTANCE)


def _words(node: Node) -> list[Words]:
    if isinstance(node, Words):
        return [node]
    if isinstance(node, Near):
        return list(node.items)
    return [word for item in node.items for word in _words(item)]
