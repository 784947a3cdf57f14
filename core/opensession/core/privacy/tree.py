"""JSON values with every text of theirs stripped. Goes without recursion: what agents write may be
nested deeper than the stack allows.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from opensession.core.hail import Event
from opensession.core.privacy.engine import Counts, Engine
from opensession.core.privacy.env import named_kind
from opensession.core.privacy.known import Finder, Known, is_memorable
from opensession.core.privacy.names import secret_name
from opensession.core.privacy.redaction import placeholder
from opensession.core.privacy.scanner import GENERIC, Found, Hits, united

UNREADABLE = frozenset(
    ("signature", "thought_signature", "thoughtSignature", "encrypted_content", "encryptedContent")
)
"""Fields that agents sign or encrypt: a change would break them, and nobody can read them."""

STRUCTURAL = frozenset(("FileRead", "FileEdit", "FileCreate", "FileDelete"))
"""Types of events whose `path` stays in the index."""

PLAIN = frozenset(("Text", "Code", "Json", "text"))
"""Words of our own that stand in nearly every event and hold nothing."""

_NAMES = ("name", "key")
"""Fields that hold the name of what the field `value` beside them holds."""


def leaves(root: Any, place: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every text, number and constant below a value that may be read: (place, name, value)."""
    stack: list[tuple[str, str, Any]] = [(place, "", root)]
    while stack:
        place, name, value = stack.pop()
        if isinstance(value, dict):
            named = beside(value)
            for key, inner in reversed(value.items()):
                if key not in UNREADABLE and not is_image(key, inner):
                    other = named if key == "value" and named else key
                    stack.append((f"{place}.{key}", other, inner))
        elif isinstance(value, list):
            stack += [
                (f"{place}[{i}]", flag_before(value, i), value[i])
                for i in range(len(value) - 1, -1, -1)
            ]
        else:
            yield place, name, value


def beside(node: dict[str, Any]) -> str:
    """The name that an object gives to its field `value`, or an empty text."""
    if "value" in node:
        for name in _NAMES:
            named = node.get(name)
            if isinstance(named, str):
                return named
    return ""


def flag_before(node: list[Any], place: int) -> str:
    """The option before an item of a command's list of arguments, as in `["--token", "x"]`."""
    before = node[place - 1] if place else None
    if isinstance(before, str) and before[:1] == "-" and len(before) < 64:
        return before
    return ""


def is_image(key: str, value: Any) -> bool:
    """Reports whether a field holds an image as base64."""
    return key == "url" and isinstance(value, str) and value.startswith("data:")


def is_telling(value: Any) -> bool:
    """Reports whether a value can hold a secret: text, or a number of at least six digits."""
    return isinstance(value, str) or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 100_000
    )


def kind_of(name: str, value: Any) -> str | None:
    """The kind of a value that its name makes a secret, or None."""
    if not name or not is_telling(value) or secret_name(name) is None:
        return None
    return named_kind(name, str(value))


def texts_of(event: Event) -> tuple[list[str], bool]:
    """The texts of an event, and whether a field's name alone makes its value a secret."""
    texts: list[str] = []
    named = False
    stack: list[Any] = [event.attributes, event.blocks]
    data = event.data
    if data:
        if event.type in STRUCTURAL and "path" in data:
            data = {name: value for name, value in data.items() if name != "path"}
        stack.append(data)
    while stack:
        node = stack.pop()
        if type(node) is dict:
            for key, value in node.items():
                telling, odd, unreadable = _facts(key)
                if odd:
                    texts.append(key)
                if type(value) is str:
                    if unreadable or value in PLAIN or (key == "url" and is_image(key, value)):
                        continue
                    texts.append(value)
                elif type(value) is dict or type(value) is list:
                    stack.append(value)
                    continue
                elif type(value) is not int:
                    continue
                elif value >= _LARGE:
                    texts.append(str(value))
                name = beside(node) if key == "value" else key if telling else ""
                if name and kind_of(name, value) is not None:
                    named = True
        elif type(node) is list:
            for place, value in enumerate(node):
                if type(value) is str:
                    texts.append(value)
                    if place and kind_of(flag_before(node, place), value) is not None:
                        named = True
                elif type(value) is dict or type(value) is list:
                    stack.append(value)
                elif type(value) is int and value >= _LARGE:
                    texts.append(str(value))
        elif type(node) is str:
            texts.append(node)
    return texts, named


_LARGE = 10**11
"""Numbers from here on can be those of cards."""


@functools.lru_cache(maxsize=8192)
def _facts(key: str) -> tuple[bool, bool, bool]:
    """Of a field's name: whether it tells of a secret, can hold something itself, is unreadable."""
    odd = not key.replace(".", "_").isidentifier()
    return secret_name(key) is not None, odd, key in UNREADABLE


_NOTHING: tuple[str, Counts] = ("", {})


def _start(hit: tuple[int, int, int]) -> int:
    return hit[1]


class Tree:
    """Strips JSON values with one engine; counts what it took out and gathers known values.

    With `only`, what this finds is taken out and nothing else.
    """

    def __init__(
        self, engine: Engine, known: Known | None = None, only: Finder | None = None
    ) -> None:
        self.counts: Counts = {}
        self._engine = engine
        self._known = known
        self._only = only
        self._names = only is None and engine.mode("assignments", "") in ("redact", "block")
        self._done: dict[str, tuple[str, Counts]] = {}
        self._prepared = False

    def prepare(self, texts: list[str]) -> bool:
        """Strips these texts, which is quicker for all of them at once than for each; reports
        whether anything was found. The others that come are then known to hold nothing.
        """
        self._prepared = True
        data = "\n".join(texts).encode("utf-8", "surrogatepass")
        hits = self._engine.hits(data)
        if not hits:
            return False
        start = number = 0
        swept = hits[-1][0] < 0
        hits.sort(key=_start)
        for text in texts:
            own: Hits = []
            encoded = text.encode("utf-8", "surrogatepass")
            end = start + len(encoded)
            while number < len(hits) and hits[number][1] <= end:
                keyword, begin, stop = hits[number]
                if stop <= end and keyword >= 0:
                    own.append((keyword, begin - start, stop - start))
                number += 1
            start = end + 1
            if swept:
                own = self._engine.hits(encoded)
            if own and text not in self._done:
                counts: Counts = {}
                clean = self._engine.strip(encoded, own, counts, self._known)
                if clean is not encoded:
                    self._done[text] = clean.decode("utf-8", "surrogatepass"), counts
        return bool(self._done)

    def text(self, text: str) -> str:
        """A text, stripped; the same object if nothing was found."""
        if self._prepared:
            clean, counts = self._done.get(text, _NOTHING)
            self._add(counts)
            return clean if counts else text
        data = text.encode("utf-8", "surrogatepass")
        if self._only is None:
            done = self._engine.strip(data, self._engine.hits(data), self.counts, self._known)
        else:
            found = self._only.find(data)
            done = self._engine.replaced(data, united(found), self.counts) if found else data
        return text if done is data else done.decode("utf-8", "surrogatepass")

    def value(self, root: Any) -> Any:
        """A JSON value, stripped; the same object if nothing was found."""
        if isinstance(root, str):
            return self.text(root)
        if not isinstance(root, (dict, list)):
            return root
        before = sum(self.counts.values())
        copy = root.copy()
        stack: list[dict[str, Any] | list[Any]] = [copy]
        while stack:
            node = stack.pop()
            if isinstance(node, list):
                self._list(node, stack)
            else:
                self._object(node, stack)
        return copy if sum(self.counts.values()) != before else root

    def _add(self, counts: Counts) -> None:
        for kind, count in counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + count

    def _list(self, node: list[Any], stack: list[Any]) -> None:
        flags = [flag_before(node, place) for place in range(len(node))]
        for place, value in enumerate(node):
            if isinstance(value, (dict, list)):
                node[place] = value.copy()
                stack.append(node[place])
            else:
                node[place] = self._leaf(flags[place], value)

    def _object(self, node: dict[str, Any], stack: list[Any]) -> None:
        """Strip the texts of one object in place; its containers go onto the stack as copies."""
        items: dict[str, Any] = {}
        named = beside(node)
        for key, value in node.items():
            clean = key if key.isidentifier() else self.text(key)
            while clean in items:
                clean += "'"  # two homes became one name; nothing is dropped
            if key in UNREADABLE or is_image(key, value):
                items[clean] = value
            elif isinstance(value, (dict, list)):
                items[clean] = value.copy()
                stack.append(items[clean])
            else:
                items[clean] = self._leaf(named if key == "value" and named else key, value)
        node.clear()
        node.update(items)

    def _leaf(self, name: str, value: Any) -> Any:
        kind = kind_of(name, value) if self._names else None
        if kind is not None:
            return self._named(kind, str(value))
        if isinstance(value, str):
            return value if value in PLAIN else self.text(value)
        if isinstance(value, int) and value >= 10**11:
            text = str(value)
            clean = self.text(text)
            return value if clean is text else clean
        return value

    def _named(self, kind: str, value: str) -> str:
        """The placeholder of a whole value; a form that is known says more than the name."""
        data = value.encode("utf-8", "surrogatepass")
        engine = self._engine
        for one in engine.find(data, engine.hits(data)):
            if one.start == 0 and one.end == len(data) and one.rank > GENERIC and one.text is None:
                kind = one.kind
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self._known is not None and is_memorable(data):
            self._known[data] = Found(0, len(data), kind, "assignments", "likely", GENERIC)
        shown = placeholder(kind, data, engine.key) + b"\n" * data.count(b"\n")
        return shown.decode()
