"""Strips text, events and session infos: built once with a home and a key, then pure.

Local copies keep their structure: working folders, branches and the paths of file events stay, so
that people find sessions by them; `outgoing` strips those as well and drops the tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import msgspec

from opensession.core.hail import Event, SessionInfo
from opensession.core.privacy import finding, redaction
from opensession.core.privacy.engine import Counts, Engine
from opensession.core.privacy.gather import texts_of
from opensession.core.privacy.known import Finder, Known
from opensession.core.privacy.leaves import STRUCTURAL
from opensession.core.privacy.passes import Clean, cleaned, without
from opensession.core.privacy.pieces import mended
from opensession.core.privacy.redaction import untag, untagged
from opensession.core.privacy.remotes import without_login
from opensession.core.privacy.rules import Finding, Rules
from opensession.core.privacy.tree import Tree

STRIP_VERSION = 5
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
        texts, named = texts_of(event)
        return self._stripped(event, texts, named, cleaned(self._engine, texts))

    def strip_events(self, events: Sequence[Event]) -> list[tuple[Event, Counts]]:
        """The events of one session as they are stored, in their order.

        What was found in one of them is looked for as such in all; what was cut into consecutive
        pieces of one message is found as well, and is replaced in the first of the pieces.
        """
        whole, cut = mended(events, self._engine)
        read = [texts_of(event) for event in whole]
        clean = cleaned(self._engine, chain.from_iterable(texts for texts, _ in read))
        known: Known = {}
        done = [
            self._stripped(event, texts, named, clean, known)
            for event, (texts, named) in zip(whole, read, strict=True)
        ]
        for number, counts in cut.items():
            event, more = done[number]
            done[number] = event, _sum(counts, more)
        return self._spread(done, read, Finder(known)) if known else done

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
        return finding.in_characters(self._engine, data, finding.located(self._engine, data, {}))

    def find_event(self, event: Event) -> list[tuple[str, Finding]]:
        """What is in an event, with the place of each text, such as `blocks[0].text`."""
        return self.find_events([event])[0]

    def find_events(self, events: Sequence[Event]) -> list[list[tuple[str, Finding]]]:
        """What is in the events of one session, by event: all that `strip_events` takes out, also
        what was found in another of them and what was cut into pieces, and what is only reported.
        """
        return finding.find_events(self._engine, events)

    def fingerprint(self, kind: str, value: str) -> bytes:
        """32 bytes that tell equal values without telling them; the tag is their beginning."""
        data = value.encode("utf-8", "surrogatepass")
        return redaction.fingerprint(kind, data, self._engine.key)

    def _stripped(
        self,
        event: Event,
        texts: list[str],
        named: bool,
        clean: dict[str, Clean],
        known: Known | None = None,
    ) -> tuple[Event, Counts]:
        """An event with these texts, of which some are `clean` otherwise."""
        if not clean.keys().isdisjoint(texts):
            if known is not None:
                for text in dict.fromkeys(texts):
                    if text in clean:
                        known.update(clean[text].known)
        elif not named:
            return event, {}
        tree = Tree(self._engine, known, done=clean, names=named)
        return _rebuilt(event, tree), tree.counts

    def _spread(
        self,
        done: list[tuple[Event, Counts]],
        read: list[tuple[list[str], bool]],
        finder: Finder,
    ) -> list[tuple[Event, Counts]]:
        """The events without what was found in others; `read` is what they were before."""
        texts = [
            texts_of(event)[0] if counts else before
            for (event, counts), (before, _) in zip(done, read, strict=True)
        ]
        clean = without(self._engine, finder, chain.from_iterable(texts))
        spread = list(done)
        for number, own in enumerate(texts):
            if not clean.keys().isdisjoint(own):
                event, counts = done[number]
                event, more = self._stripped(event, own, False, clean)
                spread[number] = event, _sum(counts, more)
        return spread


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
