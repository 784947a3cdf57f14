"""Recall and precision of the stripper over labelled events, by kind; values are never kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from bench.privacy_labels.planted import Sample, Secret, Span
from opensession.core.hail import Event
from opensession.core.privacy.stripper import Stripper

_GRAM = 5
_TAG = re.compile(r"\[redacted:[^\]]{1,80}\]")


class Miss(NamedTuple):
    """A planted secret of which something can still be read."""

    secret: Secret
    event: Event


class False_(NamedTuple):
    """A finding where nothing was planted."""

    group: str
    set: str
    kind: str
    event: Event
    place: str
    span: Span


class Score(NamedTuple):
    """What was found of what was planted, and what was found besides."""

    planted: Counter[str]
    found: Counter[str]
    true_by_set: Counter[str]
    false_by_set: Counter[str]
    misses: list[Miss]
    wrong: list[False_]
    beyond: int
    """Characters of true findings that are no secret and no known prefix of one."""

    @property
    def recall(self) -> float:
        """The share of planted secrets of which nothing but a known prefix can be read."""
        return self.found.total() / max(1, self.planted.total())

    @property
    def precision(self) -> float:
        """The share of findings that cover something planted."""
        true = self.true_by_set.total()
        return true / max(1, true + self.false_by_set.total())

    def recall_of(self, kind: str) -> float:
        """The same as `recall`, of one kind."""
        return self.found[kind] / max(1, self.planted[kind])


def score(stripper: Stripper, samples: Iterable[Sample]) -> Score:
    """Strip every event and compare; a finding counts as one however many secrets it covers."""
    made = Score(Counter(), Counter(), Counter(), Counter(), [], [], 0)
    beyond = 0
    for sample in samples:
        places: dict[str, list[Span]] = {}
        for place, finding in stripper.find_event(sample.event):
            span = (finding.start, finding.end)
            places.setdefault(place, []).append(span)
            private = [
                each
                for secret in sample.secrets
                if secret.place == place
                for each in (*secret.parts, *secret.beside)
            ]
            if any(start < span[1] and span[0] < end for start, end in private):
                made.true_by_set[finding.set] += 1
                beyond += span[1] - span[0] - _taken(span, private)
            else:
                made.false_by_set[finding.set] += 1
                made.wrong.append(
                    False_(sample.group, finding.set, finding.kind, sample.event, place, span)
                )
        stripped, _ = stripper.strip_event(sample.event)
        for secret in sample.secrets:
            made.planted[secret.kind] += 1
            if _is_covered(secret, places.get(secret.place, [])) and not _is_left(
                secret, sample.event, stripped
            ):
                made.found[secret.kind] += 1
            else:
                made.misses.append(Miss(secret, sample.event))
    return made._replace(beyond=beyond)


def score_split(stripper: Stripper, events: list[Event], secret: Secret) -> bool:
    """Reports whether nothing is left of a secret that was cut in two."""
    text = "".join(block["text"] for event in events for block in event.blocks)
    stripped = [event for event, _ in stripper.strip_events(events)]
    after = "".join(block["text"] for event in stripped for block in event.blocks)
    return not _is_readable(text, secret, _TAG.sub("\0", after))


def text_at(event: Event, place: str) -> str:
    """The text at a place such as `blocks[0].text`; keys may hold dots themselves."""
    found = _at({"data": event.data, "blocks": event.blocks, "attributes": event.attributes}, place)
    if found is None:
        raise KeyError(place)
    return found


def _at(node: Any, place: str) -> str | None:
    if not place:
        return None if isinstance(node, (dict, list)) else str(node)
    if isinstance(node, list):
        number, _, rest = place[1:].partition("]")
        return _at(node[int(number)], rest)
    place = place.removeprefix(".")
    for key, value in node.items() if isinstance(node, dict) else ():
        if place == key or (place.startswith(key) and place[len(key)] in ".["):
            found = _at(value, place[len(key) :])
            if found is not None:
                return found
    return None


def _taken(span: Span, private: list[Span]) -> int:
    return sum(max(0, min(span[1], end) - max(span[0], start)) for start, end in private)


def _is_covered(secret: Secret, findings: list[Span]) -> bool:
    return all(
        any(start <= at < end for start, end in findings)
        for begin, finish in secret.parts
        for at in range(begin, finish)
    )


def _is_left(secret: Secret, event: Event, stripped: Event) -> bool:
    """Reports whether the stripped event holds a piece of the secret that is there by no chance."""
    after = _TAG.sub("\0", "\n".join(_texts([stripped.data, stripped.blocks])))
    return _is_readable(text_at(event, secret.place), secret, after)


def _is_readable(text: str, secret: Secret, after: str) -> bool:
    bodies = [text[start:end] for start, end in secret.parts]
    rest = text
    for start, end in reversed(secret.parts):
        rest = rest[:start] + "\0" + rest[end:]
    for body in bodies:
        size = min(_GRAM, len(body))
        for at in range(len(body) - size + 1):
            gram = body[at : at + size]
            if gram in after and gram not in rest:
                return True
    return False


def _texts(root: Any) -> list[str]:
    if isinstance(root, str):
        return [root]
    if isinstance(root, dict):
        return [text for key, value in root.items() for text in (key, *_texts(value))]
    if isinstance(root, list):
        return [text for value in root for text in _texts(value)]
    return []
