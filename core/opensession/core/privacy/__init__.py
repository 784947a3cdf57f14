"""What is taken out of sessions before they are stored, and again before anything leaves.

Pure functions over text and events; only `keys` touches the disk.

    stripper    text, events, session infos: what the other parts of OpenSession call
    rules       what is done about which set        engine   from rules to a scanner, and replacing
    scanner     detectors over bytes: keywords first, a pattern only around their hits
    kinds/      keys known by their form, a module for each family, as data; checks, vendors
    blocks      private keys                        urls     addresses, connection strings
    headers     authorization, cookies              env      NAME=value, JSON, YAML
    commands    arguments                           declared names and values that stand apart
    personal    cards, mail, phone, accounts        paths    home folders
    identities  your user and host name             own      patterns of the configuration
    known       values found once                   pieces   secrets cut in two
    tree        JSON values                         view     a text without its escapes
    passes      many texts at once                  gather   the texts of events
    names       which names tell of a secret        values   which values are none
    redaction   the placeholders                    exclude  what is not taken in at all
"""

from __future__ import annotations

from opensession.core.privacy.exclude import excluded
from opensession.core.privacy.keys import load_key
from opensession.core.privacy.redaction import beginning, untag
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
    "beginning",
    "excluded",
    "load_key",
    "untag",
]
