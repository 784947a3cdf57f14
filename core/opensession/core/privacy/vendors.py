"""From kinds, which are data, to detectors."""

from __future__ import annotations

import re

from opensession.core.privacy.detector import PLACED, SPECIFIC, Detector, Found
from opensession.core.privacy.kinds.form import TELLING, Kind
from opensession.core.privacy.text import Text
from opensession.core.privacy.values import is_fake, is_repeated

_HASH = re.compile(rb"(?i)commit|sha|digest|\bhash|\brev\b|checksum|integrity|version|\bid\b|_id\b")


def kind_detector(kind: Kind) -> Detector:
    """The detector of one kind."""
    pattern = re.compile(kind.pattern)
    group = "value" if "value" in pattern.groupindex else 0
    rank = PLACED if kind.named else PLACED - 500 if kind.weak else SPECIFIC
    between = "between" in pattern.groupindex

    def check(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        begin, end = match.span(group)
        value = text.data[begin:end]
        if between and not _tells(text.data[start:begin]):
            return None
        confidence = kind.check(value)
        if confidence is None or is_repeated(value):
            return None
        if confidence != "certain" and is_fake(value):
            return None
        return Found(begin, end, kind.name, kind.set, confidence, rank)

    return Detector(
        kind.name,
        kind.keywords,
        pattern,
        check,
        from_end=kind.named,
        back=kind.back,
        spread=kind.spread,
        # The patterns of kinds look beyond their values for letters, digits and the like.
        guard=None if kind.back else pattern,
    )


def _tells(before: bytes) -> bool:
    """Reports whether a secret is announced, and no hash or id."""
    return TELLING.search(before) is not None and _HASH.search(before) is None
