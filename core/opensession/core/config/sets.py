"""The sets of private data and own patterns: what `[privacy]` can switch and extend.

Modes: `redact` replaces; `block` replaces and keeps the session from leaving until it is allowed;
`warn` reports and changes nothing; `off` does not look.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

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
"""Every set by its name."""


def compiled(pattern: str) -> Any:
    """An expression for bytes, in RE2: none takes more than linear time. Raises ValueError."""
    import re2  # type: ignore[import-untyped]  # only where there are own patterns

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern.encode("utf-8", "surrogatepass"), options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise ValueError(
            said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        ) from None


def problem_of(pattern: OwnPattern) -> str:
    """What is wrong with a pattern, in words that follow its name; empty if nothing is."""
    if pattern.mode not in MODES:
        return f"with a mode that is one of {', '.join(MODES)}"
    try:
        expression = compiled(pattern.pattern)
    except ValueError as error:
        return f"that are regular expressions ({error})"
    if expression.search(b"") is not None:
        return "that do not match the empty text"
    if expression.search(pattern.test.encode("utf-8", "surrogatepass")) is None:
        return "that match their test line"
    return ""
