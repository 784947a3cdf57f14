"""JSON values with every text of theirs stripped. Goes without recursion: what agents write may be
nested deeper than the stack allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opensession.core.privacy.detector import GENERIC, Found
from opensession.core.privacy.engine import Counts, Engine
from opensession.core.privacy.gather import LARGE, is_usual
from opensession.core.privacy.known import Known, is_memorable
from opensession.core.privacy.leaves import (
    PLAIN,
    UNREADABLE,
    beside,
    flag_before,
    is_image,
    kind_of,
)
from opensession.core.privacy.passes import Clean
from opensession.core.privacy.redaction import placeholder


class Tree:
    """Strips JSON values with one engine; counts what it took out and gathers known values.

    With `done`, these texts become what is said there, and the others hold nothing.
    """

    def __init__(
        self,
        engine: Engine,
        known: Known | None = None,
        *,
        done: Mapping[str, Clean] | None = None,
        names: bool = True,
    ) -> None:
        self.counts: Counts = {}
        self._engine = engine
        self._known = known
        self._done = done
        self._names = names and engine.names_count

    def text(self, text: str) -> str:
        """A text, stripped; the same object if nothing was found."""
        if self._done is not None:
            clean = self._done.get(text)
            if clean is None:
                return text
            for kind, count in clean.counts.items():
                self.counts[kind] = self.counts.get(kind, 0) + count
            return clean.text
        data = text.encode("utf-8", "surrogatepass")
        done = self._engine.strip(data, self._engine.hits(data), self.counts, self._known)
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
            elif not self._names and is_usual(node):
                self._values(node, node.items(), stack)
            else:
                self._object(node, stack)
        return copy if sum(self.counts.values()) != before else root

    def _list(self, node: list[Any], stack: list[Any]) -> None:
        if not self._names:
            self._values(node, enumerate(node), stack)
            return
        flags = [flag_before(node, place) for place in range(len(node))]
        for place, value in enumerate(node):
            if isinstance(value, (dict, list)):
                node[place] = value.copy()
                stack.append(node[place])
            else:
                node[place] = self._leaf(flags[place], value)

    def _values(self, node: Any, items: Iterable[tuple[Any, Any]], stack: list[Any]) -> None:
        """The same of an object or a list where no name matters."""
        done = self._done
        for key, value in items:
            kind = type(value)
            if kind is str:
                if value in done if done is not None else value not in PLAIN:
                    node[key] = self.text(value)
            elif kind is dict or kind is list:
                node[key] = value.copy()
                stack.append(node[key])
            elif kind is int and value >= LARGE:
                node[key] = self._leaf("", value)

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
        if isinstance(value, int) and value >= LARGE:
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
