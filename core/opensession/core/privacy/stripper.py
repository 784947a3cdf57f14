"""Strips text, events and session infos: built once with a home and a key, then pure.

Local copies keep their structure: working folders, branches and the paths of file events stay, so
that people find sessions by them; `outgoing` strips those as well and drops the tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from opensession.core.hail import Attributes, Event, SessionInfo
from opensession.core.privacy import redaction
from opensession.core.privacy.env import env_detector, named_kind
from opensession.core.privacy.kinds import KINDS
from opensession.core.privacy.names import secret_name
from opensession.core.privacy.paths import path_detectors
from opensession.core.privacy.redaction import placeholder, untag
from opensession.core.privacy.remotes import without_login
from opensession.core.privacy.rules import Finding, Rules, mode_of
from opensession.core.privacy.scanner import Found, Scanner
from opensession.core.privacy.vendors import kind_detector

STRIP_VERSION = 1
"""Raised when the same text gives another result than before."""

UNREADABLE = frozenset(
    ("signature", "thought_signature", "thoughtSignature", "encrypted_content", "encryptedContent")
)
"""Fields that agents sign or encrypt: a change would break them, and nobody can read them."""

_STRUCTURAL = frozenset(("FileRead", "FileEdit", "FileCreate", "FileDelete"))

_PLAIN = frozenset(("Text", "Code", "Json", "text"))
"""Words of our own that stand in nearly every event and hold nothing."""

_PASSES = 4

Counts = dict[str, int]


class Stripper:
    """What to take out, and how. Immutable; workers build their own from the same arguments."""

    def __init__(
        self,
        home: str,
        key: bytes,
        rules: Rules | None = None,
        *,
        strip_paths: bool = True,
        strip_env_vars: bool = True,
    ) -> None:
        self._key = key
        self._rules = rules or Rules(strip_paths=strip_paths, strip_env_vars=strip_env_vars)
        self._env = mode_of(self._rules, "assignments") != "off"
        detectors = path_detectors(home) if mode_of(self._rules, "paths") != "off" else []
        if self._env:
            detectors.append(env_detector())
        if mode_of(self._rules, "keys") != "off":
            detectors += [kind_detector(kind) for kind in KINDS]
        self._scanner = Scanner(detectors)

    def strip_text(self, text: str) -> tuple[str, Counts]:
        """The text without private data, and how much of each kind was taken out.

        The same object comes back if nothing was; stripping twice is stripping once.
        """
        counts: Counts = {}
        return self._text(text, counts), counts

    def strip_events(self, events: Sequence[Event]) -> list[tuple[Event, Counts]]:
        """The events as they are stored, in their order."""
        return [self.strip_event(event) for event in events]

    def find_text(self, text: str) -> list[Finding]:
        """What is in a text, in order; nothing of it overlaps."""
        data = text.encode("utf-8", "surrogatepass")
        found = self._scanner.find(data, self._scanner.hits(data))
        return [
            Finding(
                one.set,
                one.kind,
                one.confidence,
                _characters(data, one.start),
                _characters(data, one.end),
                mode_of(self._rules, one.set),
            )
            for one in found
        ]

    def find_event(self, event: Event) -> list[tuple[str, Finding]]:
        """What is in an event, with the place of each text, such as `blocks[0].text`."""
        found: list[tuple[str, Finding]] = []
        roots = (("data", event.data), ("blocks", event.blocks), ("attributes", event.attributes))
        stack: list[tuple[str, str, Any]] = [(name, "", root) for name, root in reversed(roots)]
        while stack:
            place, name, value = stack.pop()
            if isinstance(value, dict):
                named = value.get("name")
                for key, inner in reversed(value.items()):
                    if key not in UNREADABLE and not _is_image(key, inner):
                        other = named if key == "value" and isinstance(named, str) else key
                        stack.append((f"{place}.{key}", other, inner))
            elif isinstance(value, list):
                stack += [(f"{place}[{i}]", "", value[i]) for i in range(len(value) - 1, -1, -1)]
            elif name and self._env and _is_telling(value) and secret_name(name) is not None:
                kind = named_kind(name, str(value))
                if kind is not None:
                    mode = mode_of(self._rules, "assignments")
                    size = len(str(value))
                    found.append((place, Finding("assignments", kind, "likely", 0, size, mode)))
            elif isinstance(value, str) and value not in _PLAIN:
                found += [(place, one) for one in self.find_text(value)]
        return found

    def fingerprint(self, kind: str, value: str) -> bytes:
        """32 bytes that tell equal values without telling them; the tag is their beginning."""
        return redaction.fingerprint(kind, value.encode("utf-8", "surrogatepass"), self._key)

    def strip_event(self, event: Event) -> tuple[Event, Counts]:
        """The event as it is stored; the same object if there is nothing to take out."""
        counts: Counts = {}
        data, blocks, attributes = event.data, event.blocks, event.attributes
        if data and event.type in _STRUCTURAL and "path" in data:
            rest = {name: value for name, value in data.items() if name != "path"}
            if rest and self._may_hold(rest):
                data = {"path": data["path"], **self._tree(rest, counts)}
        elif data and self._may_hold(data):
            data = self._tree(data, counts)
        if blocks and self._may_hold(blocks):
            blocks = self._tree(blocks, counts)
        if attributes and self._suspect(attributes):
            attributes = self._tree(attributes, counts)
        if not counts:
            return event, {}
        return (
            msgspec.structs.replace(event, data=data, blocks=blocks, attributes=attributes),
            counts,
        )

    def strip_info(self, info: SessionInfo) -> SessionInfo:
        """The session as it is stored: titles and prompts stripped, structural fields as they are.

        A login inside of the git remote's address is dropped: it is no part of the address.
        """
        counts: Counts = {}
        return msgspec.structs.replace(
            info,
            title=self._text(info.title, counts),
            first_prompt=self._text(info.first_prompt, counts),
            git_remote=without_login(info.git_remote),
            attributes=self._tree(info.attributes, counts),
        )

    def strip_outgoing(self, event: Event) -> Event:
        """The event as it may leave: structural fields stripped as well, no tags."""
        counts: Counts = {}
        return msgspec.structs.replace(
            event,
            data=_untagged(self._tree(event.data, counts)),
            blocks=_untagged(self._tree(event.blocks, counts)),
            attributes=_untagged(self._tree(event.attributes, counts)),
        )

    def strip_outgoing_info(self, info: SessionInfo) -> SessionInfo:
        """The session as it may leave."""
        counts: Counts = {}
        clean = self.strip_info(info)
        texts = {
            name: untag(self._text(getattr(clean, name), counts))
            for name in ("title", "first_prompt", "cwd", "last_cwd", "git_branch", "git_remote")
        }
        return msgspec.structs.replace(clean, **texts, attributes=_untagged(clean.attributes))

    def _text(self, text: str, counts: Counts) -> str:
        data = text.encode("utf-8", "surrogatepass")
        hits = self._scanner.hits(data)
        if not hits:
            return text
        before = data
        for _ in range(_PASSES):
            found = self._scanner.find(data, hits)
            if not found:
                break
            data = _replaced(data, found, counts, self._key)
            if len(found) == len(hits):
                break
            # A value that was left alone may stand in another light without the path inside of it.
            hits = self._scanner.hits(data)
        return text if data is before else data.decode("utf-8", "surrogatepass")

    def _may_hold(self, value: Any) -> bool:
        """Reports whether a keyword is anywhere in a JSON value: one pass over its encoding.

        Encoding doubles backslashes, so those before a name that a keyword has stand for it.
        """
        try:
            encoded = msgspec.json.encode(value)
        except (UnicodeError, OverflowError, RecursionError):
            return True
        return (
            bool(self._scanner.hits(encoded)) or b"\\\\Users" in encoded or b"\\\\users" in encoded
        )

    def _suspect(self, attributes: Attributes) -> bool:
        """As `_may_hold`, without the names of counts: most events have some of tokens."""
        texts: list[str] = []
        for name, value in attributes.items():
            if isinstance(value, (dict, list)):
                _collect(value, texts)
            elif secret_name(name) is not None and _is_telling(value):
                return True
            elif isinstance(value, str):
                texts.append(value)
            if not name.replace(".", "_").isidentifier():
                texts.append(name)
        joined = "\n".join(texts).encode("utf-8", "surrogatepass")
        return bool(self._scanner.hits(joined))

    def _tree(self, root: Any, counts: Counts) -> Any:
        """A JSON value with every text stripped; the same object if nothing changed.

        Goes without recursion: what agents write may be nested deeper than the stack allows.
        """
        if isinstance(root, str):
            return self._text(root, counts)
        if not isinstance(root, (dict, list)):
            return root
        before = sum(counts.values())
        copy = root.copy()
        stack: list[dict[str, Any] | list[Any]] = [copy]
        while stack:
            node = stack.pop()
            if isinstance(node, list):
                for place, value in enumerate(node):
                    if isinstance(value, str):
                        node[place] = self._text(value, counts)
                    elif isinstance(value, (dict, list)):
                        node[place] = value.copy()
                        stack.append(node[place])
            else:
                self._object(node, stack, counts)
        return copy if sum(counts.values()) != before else root

    def _object(self, node: dict[str, Any], stack: list[Any], counts: Counts) -> None:
        """Strip the texts of one object in place; its containers go onto the stack as copies."""
        items: dict[str, Any] = {}
        named = node.get("name")
        for key, value in node.items():
            clean = key if key.isidentifier() else self._text(key, counts)
            while clean in items:
                clean += "'"  # two homes became one name; nothing is dropped
            if key in UNREADABLE or _is_image(key, value):
                items[clean] = value
            elif isinstance(value, (dict, list)):
                items[clean] = value.copy()
                stack.append(items[clean])
            else:
                name = named if key == "value" and isinstance(named, str) else key
                items[clean] = self._value(name, value, counts)
        node.clear()
        node.update(items)

    def _value(self, name: str, value: Any, counts: Counts) -> Any:
        if self._env and secret_name(name) is not None and _is_telling(value):
            kind = named_kind(name, str(value))
            if kind is not None:
                counts[kind] = counts.get(kind, 0) + 1
                data = str(value).encode("utf-8", "surrogatepass")
                return (placeholder(kind, data, self._key) + b"\n" * data.count(b"\n")).decode()
        if not isinstance(value, str) or value in _PLAIN:
            return value
        return self._text(value, counts)


def _characters(data: bytes, end: int) -> int:
    return len(data[:end].decode("utf-8", "surrogatepass"))


def _replaced(data: bytes, found: list[Found], counts: Counts, key: bytes) -> bytes:
    parts: list[bytes] = []
    done = 0
    for one in found:
        shown = one.text
        if shown is None:
            value = data[one.start : one.end]
            lines = b"\n" * value.count(b"\n")
            shown = one.wrap + placeholder(one.kind, value, key) + lines + one.wrap
        parts += (data[done : one.start], shown)
        done = one.end
        counts[one.kind] = counts.get(one.kind, 0) + 1
    parts.append(data[done:])
    return b"".join(parts)


def _collect(root: Any, texts: list[str]) -> None:
    """Gather every text below a JSON value, and the names of values that could be secrets."""
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            texts.append(node)
        elif isinstance(node, dict):
            for key, value in node.items():
                if isinstance(value, (dict, list)):
                    texts.append(key)
                    stack.append(value)
                elif _is_telling(value):
                    if key not in UNREADABLE and not _is_image(key, value):
                        texts += (key, str(value))
                elif not key.isidentifier():
                    texts.append(key)  # a path as a name; `input_tokens` and the like never are
        elif isinstance(node, list):
            stack.extend(node)


def _is_telling(value: Any) -> bool:
    """Reports whether a value can hold a secret: text, or a number of at least six digits."""
    return isinstance(value, str) or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 100_000
    )


def _is_image(key: str, value: Any) -> bool:
    return key == "url" and isinstance(value, str) and value.startswith("data:")


def _untagged(root: Any) -> Any:
    """A JSON value without the tags of its placeholders."""
    if isinstance(root, str):
        return untag(root)
    if not isinstance(root, (dict, list)):
        return root
    copy = root.copy()
    stack: list[Any] = [copy]
    while stack:
        node = stack.pop()
        items = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
        if isinstance(node, dict):
            node.clear()
        for key, value in items:
            place = untag(key) if isinstance(key, str) else key
            if isinstance(value, (dict, list)):
                value = value.copy()
                stack.append(value)
            node[place] = untag(value) if isinstance(value, str) else value
    return copy
