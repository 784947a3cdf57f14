"""What an alias, a tag and a note may be. Nothing private is kept in them.

An alias is a reference and a title: one line that is not read as anything else that a reference can
be. What a note holds of a secret is replaced as in a session; a name that holds one is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from opensession.core.clean import safe, safe_line
from opensession.core.errors import UsageError
from opensession.core.references import parse_ref
from opensession.daemon.store.names import folded_tag

Strip = Callable[[str], str]

ALIAS_CHARS = 80
NOTE_CHARS = 4096

_TAG = re.compile(r"\w[\w.+/-]{0,39}\Z")
_EVENT = re.compile(r"#\d+\Z")
_HEAD = re.compile(r"HEAD(?:[~^]\d*)?\Z", re.IGNORECASE)


def good_alias(given: str, strip: Strip) -> str:
    """The alias in one line. Raises UsageError."""
    alias = safe_line(given).strip()
    if not alias:
        raise UsageError("an alias has at least one character", "opensession alias HEAD NAME")
    if len(alias) > ALIAS_CHARS:
        raise UsageError(
            f"an alias has at most {ALIAS_CHARS} characters", "opensession note HEAD …"
        )
    if alias.startswith(("-", "os://")) or _EVENT.search(alias) or _HEAD.match(alias):
        raise _means_other(alias)
    _refuse_private("alias", alias, strip)
    try:
        parsed = parse_ref(alias)
    except UsageError:
        return alias  # no reference by its form, so it can only be an alias
    if parsed.kind != "id" or parsed.agent:
        raise _means_other(alias)
    return alias


def good_tag(given: str, strip: Strip) -> str:
    """The tag in small letters, without a `#` before it. Raises UsageError."""
    tag = folded_tag(given)
    if not _TAG.match(tag):
        raise UsageError(
            "a tag is a word of at most 40 letters, digits and . _ + / -",
            "opensession tag HEAD wip",
        )
    _refuse_private("tag", tag, strip)
    return tag


def good_note(given: str, strip: Strip) -> str:
    """The note, without what is private. Raises UsageError."""
    note = strip(safe(given).strip())
    if len(note) > NOTE_CHARS:
        raise UsageError(f"a note has at most {NOTE_CHARS} characters", "opensession note HEAD …")
    return note


def _refuse_private(what: str, name: str, strip: Strip) -> None:
    if strip(name) != name:
        # The words of the name are left out: they are what must not be shown.
        raise UsageError(f"the {what} holds something private", "opensession privacy test")


def _means_other(alias: str) -> UsageError:
    return UsageError(
        f"{alias!r} would be read as something else: a file, an event, an agent's session or HEAD",
        "an alias has no / in it, no agent: before it and no #14 behind it",
    )
