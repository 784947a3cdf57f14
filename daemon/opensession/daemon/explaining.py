"""A rule's reason in words, from what a finding says of itself."""

from __future__ import annotations

from opensession.core.privacy import SETS, Finding

_SETS = {
    "keys": "it has the form of this kind of key",
    "assignments": "the name before it tells of a secret",
    "urls": "it stands where an address has its password",
    "headers": "it stands in a header that carries a login",
    "private-keys": "it stands between the marks of a private key",
    "paths": "it is the home folder of a person",
    "names": "it is a name of this user or this machine",
    "cards": "it is a number of as many digits as cards have, and begins as theirs do",
    "mail": "it has the form of a mail address",
    "phone": "it has the form of a phone number",
    "iban": "it has the form of a bank account",
    "health": "a word beside it tells of a patient or an insurance",
    "own": "a pattern of your configuration matches",
}

_SURE = {
    "certain": "a checksum or its structure was verified",
    "likely": "prefix, length and alphabet fit",
    "possible": "its checksum does not fit, or its place alone tells of it",
}

_FORMLESS = frozenset(("assignments", "urls", "headers", "paths", "names", "own"))
"""Sets whose values are told by where they stand."""


def why(finding: Finding) -> str:
    """Why something was found: the rule, and how sure that is."""
    known = SETS.get(finding.set)
    said = _SETS.get(finding.set) or (known.doc.rstrip(".").lower() if known else "a rule matches")
    if finding.set in _FORMLESS:
        return said
    return f"{said}; {_SURE[finding.confidence]}"
