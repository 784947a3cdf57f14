"""What is taken out of sessions before they are stored, and again before anything leaves.

Pure functions over text and events; only `keys` touches the disk.

    stripper    text, events, session infos: what the other parts of OpenSession call
    scanner     detectors over bytes: keywords first, a pattern only around their hits
    paths       home folders               env      values of variables that tell of a secret
    names       which names do             values   which values are none (placeholders, code)
    redaction   the placeholders           exclude  what is not taken in at all
"""

from __future__ import annotations

from opensession.core.privacy.exclude import excluded
from opensession.core.privacy.keys import load_key
from opensession.core.privacy.redaction import untag
from opensession.core.privacy.rules import SETS, Confidence, Finding, OwnPattern, Rules
from opensession.core.privacy.stripper import STRIP_VERSION, Stripper

__all__ = [
    "SETS",
    "STRIP_VERSION",
    "Confidence",
    "Finding",
    "OwnPattern",
    "Rules",
    "Stripper",
    "excluded",
    "load_key",
    "untag",
]
