"""The secrets in events as `leaks` remembers them: fingerprints, never values.

What stands in the stripped event says what was replaced: a placeholder's tag is the beginning of
the value's fingerprint, and the event as its agent wrote it gives the whole of that.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from opensession.core.hail import Event, SessionInfo
from opensession.core.privacy import Finding, Stripper
from opensession.daemon.batch import Secret

SETS = frozenset(("keys", "assignments", "urls", "headers", "private-keys", "cards", "own"))
"""The sets whose values are secrets; paths, names and mail addresses are private, no more."""

HARMLESS = frozenset(("home", "user", "user-name", "mail", "phone", "iban", "health-id"))
"""Kinds that no set of secrets has."""

TAG_BYTES = 5
"""So much of a fingerprint a tag says."""

_TAGGED = re.compile(r"\[redacted:([a-z0-9-]{1,40}):([A-Z2-7]{8})\]")
_SURE = ("possible", "likely", "certain")
_ESCAPES = 3
_PIECES = 3
"""So many events a value that was cut is looked for in."""


class Mark(NamedTuple):
    """What is known of a value: the fingerprint, whole or as much as a tag says."""

    fingerprint: bytes
    kind: str
    set: str
    confidence: str
    mode: str


def valued(stripper: Stripper, event: Event) -> Iterator[tuple[str, Finding, str]]:
    """What is in an event: the place, the finding, and the value, which must go nowhere."""
    found = stripper.find_event(event)
    texts = _texts(event) if found else {}
    for place, one in found:
        for text in texts.get(place, ()):
            if one.end <= len(text):
                yield place, one, text[one.start : one.end]
                break


def secrets_of(
    stripper: Stripper,
    events: Sequence[Event],
    stripped: Sequence[tuple[Event, Collection[str]]],
    first: int,
    *,
    reports: bool = False,
) -> list[Secret]:
    """The secrets in consecutive events of a session, of which `first` is the first one's seq.

    `stripped` are the same events as they are stored, with the kinds that were taken out of each.
    With `reports` some sets are only reported, so that every event has to be looked at.
    """
    dirty = [number for number, (_, kinds) in enumerate(stripped) if may_be_secret(kinds)]
    looked = range(len(events)) if reports else dirty
    marks: dict[str, Mark] = {}
    reported: dict[int, Counter[str]] = {}
    for number in looked:
        for one in _marks(stripper, events[number]):
            name = tag(one.fingerprint)
            known = marks.get(name)
            if known is None or surer(one.confidence, known.confidence):
                marks[name] = one
            if one.mode == "warn":
                reported.setdefault(number, Counter())[name] += 1
    secrets = []
    for number in looked:
        counts = tags_of(stripped[number][0]) - tags_of(events[number])
        for kind, name in counts:
            if name not in marks and kind not in HARMLESS:
                marks[name] = _cut(stripper, events[number : number + _PIECES], kind, name)
        told = Counter(reported.get(number, {}))
        for (_, name), count in counts.items():
            told[name] += count
        secrets += [
            _secret(first + number, events[number], marks[name], count)
            for name, count in told.items()
            if name in marks
        ]
    return secrets


def secrets_of_info(stripper: Stripper, info: SessionInfo) -> list[Secret]:
    """The secrets in a session's title, as seq 0."""
    found: dict[bytes, Secret] = {}
    for one in stripper.find_text(info.title):
        if one.set in SETS:
            value = info.title[one.start : one.end]
            mark = stripper.fingerprint(one.kind, value)
            count = found[mark].count + 1 if mark in found else 1
            found[mark] = Secret(0, mark, one.kind, one.set, one.confidence, count, 0)
    return list(found.values())


def raw_values(stripper: Stripper, raw: bytes) -> Iterator[tuple[Finding, list[str]]]:
    """The secrets in the bytes of a file, as they stand there and as they read without the escapes
    of JSON, which comes last.
    """
    text = raw.decode("utf-8", "replace")
    for one in stripper.find_text(text):
        if one.set in SETS:
            forms = [text[one.start : one.end]]
            while "\\" in forms[-1] and len(forms) <= _ESCAPES:
                try:
                    forms.append(str(json.loads(f'"{forms[-1]}"')))
                except ValueError:
                    break
            yield one, forms


def may_be_secret(kinds: Collection[str]) -> bool:
    """Reports whether kinds that were taken out are of secrets."""
    return not HARMLESS.issuperset(kinds)


def surer(one: str, other: str) -> bool:
    """Reports whether a confidence says more than another."""
    return _SURE.index(one) > _SURE.index(other)


def tag(fingerprint: bytes) -> str:
    """The tag that placeholders of a value carry, and the id of its secret."""
    return base64.b32encode(fingerprint[:TAG_BYTES]).decode()


def _marks(stripper: Stripper, event: Event) -> Iterator[Mark]:
    for _, one, value in valued(stripper, event):
        if one.set in SETS:
            mark = stripper.fingerprint(one.kind, value)
            yield Mark(mark, one.kind, one.set, one.confidence, one.mode)


def _cut(stripper: Stripper, pieces: Sequence[Event], kind: str, name: str) -> Mark:
    """What is known of a value that stands in no single text: it was cut into pieces of a message.

    As much as its tag says, where it cannot be put together.
    """
    texts = [
        text
        for event in pieces
        for block in event.blocks
        if isinstance(text := block.get("text") or block.get("code"), str)
    ]
    joined = "".join(texts)
    for one in stripper.find_text(joined):
        mark = stripper.fingerprint(one.kind, joined[one.start : one.end])
        if tag(mark) == name:
            return Mark(mark, one.kind, one.set, one.confidence, one.mode)
    return Mark(base64.b32decode(name), kind, "keys", "possible", "redact")


def _secret(seq: int, event: Event, mark: Mark, count: int) -> Secret:
    call = event.attributes.get("result.call_seq")
    call_seq = call if isinstance(call, int) and 0 < call < 1 << 24 else 0
    return Secret(seq, mark.fingerprint, mark.kind, mark.set, mark.confidence, count, call_seq)


def tags_of(event: Event) -> Counter[tuple[str, str]]:
    """The placeholders in an event: kind and tag, and how often."""
    found: Counter[tuple[str, str]] = Counter()
    stack: list[Any] = [event.data, event.blocks, event.attributes]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += value.keys()
            stack += value.values()
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, str) and "[redacted:" in value:
            found.update((kind, name) for kind, name in _TAGGED.findall(value))
    return found


def _texts(event: Event) -> dict[str, list[str]]:
    """Every text of an event by its place, in the words of `Stripper.find_event`."""
    found: dict[str, list[str]] = {}
    roots = (("data", event.data), ("blocks", event.blocks), ("attributes", event.attributes))
    stack: list[tuple[str, Any]] = list(roots)
    while stack:
        place, value = stack.pop()
        if isinstance(value, dict):
            stack += [(f"{place}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list):
            stack += [(f"{place}[{number}]", inner) for number, inner in enumerate(value)]
        elif isinstance(value, str | int | float):
            found.setdefault(place, []).append(str(value))
    return found
