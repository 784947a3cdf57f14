"""What is looked for and what is done about it: sets of kinds with a mode each, and own patterns.

Modes: `redact` replaces; `block` replaces and keeps the session from leaving until it is allowed;
`warn` reports and changes nothing; `off` does not look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

Confidence = Literal["certain", "likely", "possible"]
"""`certain`: a checksum or a structure was verified. `likely`: prefix, length and alphabet fit.
`possible`: a name or the place tells of it, or a checksum failed."""

Mode = Literal["redact", "block", "warn", "off"]

MODES: tuple[str, ...] = get_args(Mode)


class SetInfo(msgspec.Struct, frozen=True):
    """Kinds that are switched together."""

    name: str
    doc: str
    default_mode: Mode


class OwnPattern(msgspec.Struct, frozen=True):
    """A pattern from the configuration (RE2 syntax). Its findings are of the kind `name`.

    `test` is a line that it must match: a pattern that matches nothing protects nothing. Of a
    pattern with a group the first group is replaced, else all that it matches.
    """

    name: str
    pattern: str
    test: str
    mode: str = "redact"


class Rules(msgspec.Struct, frozen=True):
    """What a stripper is built with. `modes` maps names of sets; one not named has its default."""

    strip_paths: bool = True
    strip_env_vars: bool = True
    modes: Mapping[str, str] = {}
    patterns: tuple[OwnPattern, ...] = ()


_SETS = (
    SetInfo("keys", "Keys and tokens that are known by their form.", "redact"),
    SetInfo("assignments", "Values of names that tell of a secret.", "redact"),
    SetInfo("urls", "Passwords in addresses and connection strings.", "redact"),
    SetInfo("headers", "Authorization and cookies.", "redact"),
    SetInfo("private-keys", "Private keys as blocks: PEM, OpenSSH, PGP, PuTTY.", "redact"),
    SetInfo("paths", "Home folders: yours becomes ~, another's /home/[user].", "redact"),
    SetInfo("names", "Your user and host name in user@host, git identities and paths.", "redact"),
    SetInfo("cards", "Numbers of payment cards.", "redact"),
    SetInfo("mail", "Mail addresses.", "off"),
    SetInfo("phone", "Phone numbers.", "off"),
    SetInfo("iban", "Bank accounts.", "off"),
    SetInfo("health", "Insurance and patient numbers beside a word that tells of them.", "off"),
)

SETS: dict[str, SetInfo] = {one.name: one for one in _SETS}
"""Every set by its name. Own patterns are a set of their own, `own`, with a mode each."""

OWN = "own"


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
