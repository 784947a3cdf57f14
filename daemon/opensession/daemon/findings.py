"""The secrets in an event as `leaks` remembers them: fingerprints, never values."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from opensession.core.hail import Event, SessionInfo
from opensession.core.privacy import Finding, Stripper
from opensession.daemon.batch import Secret

SETS = frozenset(("keys", "assignments", "urls", "headers", "private-keys", "cards", "own"))
"""The sets whose values are secrets; paths, names and mail addresses are private, no more."""

HARMLESS = frozenset(("home", "user", "host", "mail", "phone", "iban"))
"""Kinds that no set of secrets has."""

_SURE = ("possible", "likely", "certain")


def valued(stripper: Stripper, event: Event) -> Iterator[tuple[str, Finding, str]]:
    """What is in an event: the place, the finding, and the value, which must go nowhere."""
    found = stripper.find_event(event)
    texts = _texts(event) if found else {}
    for place, one in found:
        for text in texts.get(place, ()):
            if one.end <= len(text):
                yield place, one, text[one.start : one.end]
                break


def secrets_of(stripper: Stripper, event: Event, seq: int) -> list[Secret]:
    """The secrets in an event as its agent wrote it."""
    call = event.attributes.get("result.call_seq")
    call_seq = call if isinstance(call, int) and 0 < call < 1 << 24 else 0
    found = ((one, value) for _, one, value in valued(stripper, event))
    return _counted(stripper, found, seq, call_seq)


def secrets_of_info(stripper: Stripper, info: SessionInfo) -> list[Secret]:
    """The secrets in a session's title, as seq 0."""
    title = info.title
    found = ((one, title[one.start : one.end]) for one in stripper.find_text(title))
    return _counted(stripper, found, 0, 0)


def may_be_secret(kinds: Collection[str]) -> bool:
    """Reports whether kinds that were taken out are of secrets."""
    return not HARMLESS.issuperset(kinds)


def surer(one: str, other: str) -> bool:
    """Reports whether a confidence says more than another."""
    return _SURE.index(one) > _SURE.index(other)


def _counted(
    stripper: Stripper, found: Iterator[tuple[Finding, str]], seq: int, call_seq: int
) -> list[Secret]:
    secrets: dict[bytes, Secret] = {}
    for one, value in found:
        if one.set not in SETS:
            continue
        mark = stripper.fingerprint(one.kind, value)
        known = secrets.get(mark)
        kind, kind_set, sure = one.kind, one.set, str(one.confidence)
        if known is not None and not surer(sure, known.confidence):
            kind, kind_set, sure = known.kind, known.set, known.confidence
        count = known.count + 1 if known is not None else 1
        secrets[mark] = Secret(seq, mark, kind, kind_set, sure, count, call_seq)
    return list(secrets.values())


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
