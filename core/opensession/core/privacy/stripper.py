"""Strips text, events and session infos: built once with a home and a key, then pure.

Local copies keep their structure: working folders, branches and the paths of file events stay, so
that people find sessions by them; `outgoing` strips those as well and drops the tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from opensession.core.hail import Event, SessionInfo
from opensession.core.privacy import redaction
from opensession.core.privacy.engine import Counts, Engine
from opensession.core.privacy.known import Finder, Known
from opensession.core.privacy.pieces import mended
from opensession.core.privacy.redaction import untag, untagged
from opensession.core.privacy.remotes import without_login
from opensession.core.privacy.rules import Finding, Rules
from opensession.core.privacy.tree import PLAIN, STRUCTURAL, Tree, kind_of, leaves, texts_of

STRIP_VERSION = 2
"""Raised when the same text gives another result than before."""


class Stripper:
    """What to take out, and how. Immutable; workers build their own from the same arguments.

    `host` is the name of this machine; without it only the user's name is known.
    """

    def __init__(
        self,
        home: str,
        key: bytes,
        rules: Rules | None = None,
        *,
        host: str = "",
    ) -> None:
        self._engine = Engine(home, host, key, rules or Rules())

    def strip_text(self, text: str) -> tuple[str, Counts]:
        """The text without private data, and how much of each kind was taken out.

        The same object comes back if nothing was; stripping twice is stripping once.
        """
        tree = Tree(self._engine)
        return tree.text(text), tree.counts

    def strip_event(self, event: Event) -> tuple[Event, Counts]:
        """The event as it is stored; the same object if there is nothing to take out."""
        return self._event(event, None)

    def strip_events(self, events: Sequence[Event]) -> list[tuple[Event, Counts]]:
        """The events of one session as they are stored, in their order.

        What was found in one of them is looked for as such in all; what was cut into consecutive
        pieces of one message is found as well, and is replaced in the first of the pieces.
        """
        known: Known = {}
        whole, cut = mended(events, self._engine)
        done = [self._event(event, known) for event in whole]
        for number, counts in cut.items():
            event, more = done[number]
            done[number] = event, _sum(counts, more)
        if known:
            finder = Finder(known)
            done = [self._spread(event, counts, finder) for event, counts in done]
        return done

    def strip_info(self, info: SessionInfo) -> SessionInfo:
        """The session as it is stored: titles and prompts stripped, structural fields as they are.

        A login inside of the git remote's address is dropped: it is no part of the address.
        """
        tree = Tree(self._engine)
        return msgspec.structs.replace(
            info,
            title=tree.text(info.title),
            first_prompt=tree.text(info.first_prompt),
            git_remote=without_login(info.git_remote),
            attributes=tree.value(info.attributes),
        )

    def strip_outgoing(self, event: Event) -> Event:
        """The event as it may leave: structural fields stripped as well, no tags."""
        tree = Tree(self._engine)
        return msgspec.structs.replace(
            event,
            data=untagged(tree.value(event.data)),
            blocks=untagged(tree.value(event.blocks)),
            attributes=untagged(tree.value(event.attributes)),
        )

    def strip_outgoing_info(self, info: SessionInfo) -> SessionInfo:
        """The session as it may leave."""
        tree = Tree(self._engine)
        clean = self.strip_info(info)
        texts = {
            name: untag(tree.text(getattr(clean, name)))
            for name in ("title", "first_prompt", "cwd", "last_cwd", "git_branch", "git_remote")
        }
        return msgspec.structs.replace(clean, **texts, attributes=untagged(clean.attributes))

    def find_text(self, text: str) -> list[Finding]:
        """What is in a text, in order; nothing of it overlaps."""
        data = text.encode("utf-8", "surrogatepass")
        hits = self._engine.hits(data)
        found = self._engine.find(data, hits) if hits else []
        findings = []
        place = at = 0
        for one in found:
            start = at + len(data[place : one.start].decode("utf-8", "surrogatepass"))
            at = start + len(data[one.start : one.end].decode("utf-8", "surrogatepass"))
            place = one.end
            mode = self._engine.mode(one.set, one.kind)
            findings.append(Finding(one.set, one.kind, one.confidence, start, at, mode))
        return findings

    def find_event(self, event: Event) -> list[tuple[str, Finding]]:
        """What is in an event, with the place of each text, such as `blocks[0].text`."""
        found: list[tuple[str, Finding]] = []
        mode = self._engine.mode("assignments", "")
        for root in ("data", "blocks", "attributes"):
            for place, name, value in leaves(getattr(event, root), root):
                inside = (
                    self.find_text(value) if isinstance(value, str) and value not in PLAIN else []
                )
                kind = kind_of(name, value) if mode != "off" else None
                if kind is not None and not any(one.set == "keys" for one in inside):
                    size = len(str(value))
                    inside = [Finding("assignments", kind, "likely", 0, size, mode)]
                found += [(place, one) for one in inside]
        return found

    def fingerprint(self, kind: str, value: str) -> bytes:
        """32 bytes that tell equal values without telling them; the tag is their beginning."""
        data = value.encode("utf-8", "surrogatepass")
        return redaction.fingerprint(kind, data, self._engine.key)

    def blocking(self, kinds: Iterable[str]) -> list[str]:
        """Those kinds (as in counts) whose set keeps a session from leaving until it is allowed."""
        return sorted(kind for kind in set(kinds) if self._engine.blocks(kind))

    def _event(self, event: Event, known: Known | None) -> tuple[Event, Counts]:
        texts, named = texts_of(event)
        tree = Tree(self._engine, known)
        if not tree.prepare(texts) and not named:
            return event, {}
        return _rebuilt(event, tree), tree.counts

    def _spread(self, event: Event, counts: Counts, finder: Finder) -> tuple[Event, Counts]:
        texts, _ = texts_of(event)
        if not finder.find("\n".join(texts).encode("utf-8", "surrogatepass")):
            return event, counts
        tree = Tree(self._engine, only=finder)
        return _rebuilt(event, tree), _sum(counts, tree.counts)


def _rebuilt(event: Event, tree: Tree) -> Event:
    """The event with its texts stripped, but for the path of a file event; the same object if there
    is nothing to take out.
    """
    data = event.data
    if data and event.type in STRUCTURAL and "path" in data:
        rest = {name: value for name, value in data.items() if name != "path"}
        data = {"path": data["path"], **tree.value(rest)}
    else:
        data = tree.value(data)
    blocks = tree.value(event.blocks)
    attributes = tree.value(event.attributes)
    if not tree.counts:
        return event
    return msgspec.structs.replace(event, data=data, blocks=blocks, attributes=attributes)


def _sum(one: Counts, other: Counts) -> Counts:
    return {kind: one.get(kind, 0) + other.get(kind, 0) for kind in {**one, **other}}
