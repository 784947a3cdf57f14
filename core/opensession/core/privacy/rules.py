"""What is looked for and what is done about it: sets of kinds with a mode each, and own patterns.

Modes: `redact` replaces; `block` replaces and keeps the session from leaving until it is allowed;
`warn` reports and changes nothing; `off` does not look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from opensession.core.config.sets import MODES, SETS, OwnPattern, SetInfo

__all__ = [
    "MODES",
    "OWN",
    "SETS",
    "Confidence",
    "Finding",
    "OwnPattern",
    "Rules",
    "SetInfo",
    "mode_of",
]

Confidence = Literal["certain", "likely", "possible"]
"""`certain`: a checksum or a structure was verified. `likely`: prefix, length and alphabet fit.
`possible`: a name or the place tells of it, or a checksum failed."""


class Rules(msgspec.Struct, frozen=True):
    """What a stripper is built with. `modes` maps names of sets; one not named has its default."""

    strip_paths: bool = True
    strip_env_vars: bool = True
    modes: Mapping[str, str] = {}
    patterns: tuple[OwnPattern, ...] = ()


OWN = "own"
"""The set of own patterns; each has a mode of its own."""


def mode_of(rules: Rules, name: str) -> str:
    """The mode of a set under these rules."""
    if name == "paths" and not rules.strip_paths:
        return "off"
    if name == "assignments" and not rules.strip_env_vars:
        return "off"
    return rules.modes.get(name, SETS[name].default_mode)


class Finding(msgspec.Struct, frozen=True):
    """Something found in a text; `start` and `end` count characters. Never holds the value."""

    set: str
    kind: str
    confidence: Confidence
    start: int
    end: int
    mode: str
