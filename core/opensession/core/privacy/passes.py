"""What texts become without what is found in them, many at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from opensession.core.privacy.engine import PASSES, Counts, Engine
from opensession.core.privacy.gather import located
from opensession.core.privacy.known import Finder, Known
from opensession.core.privacy.scanner import united


class Clean(NamedTuple):
    """What a text became: the text, how much of each kind was in it, the values to look for."""

    text: str
    counts: Counts
    known: Known


def cleaned(engine: Engine, texts: Iterable[str]) -> dict[str, Clean]:
    """What texts become; those in which nothing is found are left out.

    As `Engine.strip` does it, but each look is one look at all of them.
    """
    whole = list(dict.fromkeys(texts))
    now = _encoded(whole)
    done: dict[str, tuple[bytes, Counts, Known]] = {}
    for _ in range(PASSES):
        changed: list[str] = []
        for number, hits in engine.located(now).items():
            text, data = whole[number], now[number]
            _, counts, known = done.get(text) or (data, {}, {})
            clean = engine.once(data, hits, counts, known)
            if clean is not data:
                done[text] = clean, counts, known
                changed.append(text)
        if not changed:
            break
        whole, now = changed, [done[text][0] for text in changed]
    return {
        text: Clean(data.decode("utf-8", "surrogatepass"), counts, known)
        for text, (data, counts, known) in done.items()
    }


def without(engine: Engine, finder: Finder, texts: Iterable[str]) -> dict[str, Clean]:
    """What texts become without known values and nothing else; those without any are left out."""
    whole = list(dict.fromkeys(texts))
    now = _encoded(whole)
    done: dict[str, Clean] = {}
    for number in located(now, finder.places):
        counts: Counts = {}
        data = engine.replaced(now[number], united(finder.find(now[number])), counts)
        done[whole[number]] = Clean(data.decode("utf-8", "surrogatepass"), counts, {})
    return done


def _encoded(texts: list[str]) -> list[bytes]:
    return [text.encode("utf-8", "surrogatepass") for text in texts]
