"""Keys of vendors that nobody wrote down: a short prefix, a mark, and many random characters.

Most vendors have their keys begin with a name of their own (`acme_live_…`), so that scanners know
them. Ids are made the same way, so what agents and vendors name ids with is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from opensession.core.privacy.detector import GENERIC, Found, Sweep
from opensession.core.privacy.kinds.form import BEGIN
from opensession.core.privacy.rules import Confidence
from opensession.core.privacy.text import Text
from opensession.core.privacy.values import is_fake, is_random

KIND = "vendor-key"

_LEAST = 24
_CLASSES = bytes(
    0x2D if each in b"_-" else 0x61 if chr(each).isalnum() and each < 128 else 0x20
    for each in range(256)
)
_RUN = b"-" + b"a" * _LEAST
_PREFIX = 40
"""So far before its random part a key may begin."""

_KEY = re.compile(
    BEGIN
    + rb"(?P<prefix>(?:[A-Za-z][a-z0-9]{1,9}|[A-Z][A-Z0-9]{1,9})[_-](?:[A-Za-z0-9]{1,12}[_-]){0,2})"
    rb"(?P<body>[A-Za-z0-9]{24,400}[A-Za-z0-9_-]{0,100})(?![A-Za-z0-9_/+=-])(?!\.[A-Za-z]{2,5}\b)"
)
_BEFORE = re.compile(rb"[/+=.~%\\]\Z")
_TELLING = frozenset(
    b"""live test prod production dev sandbox sbx stg staging api key apikey sk rk sec secret token
    pat tkn auth access private priv admin""".split()
)
_IDS = frozenset(
    b"""toolu srvtoolu mcptoolu req msg call chatcmpl cmpl resp rs fc ws item run step thread asst
    file batch ftjob org proj project user usr account acct session sess ses conv conversation task
    job event evt trace span prt part agent cus sub in pi ch price seti pm txn si src cs re po tr
    dpl prj team icfg ecfg inv deploy build image img snap layer vol ami sg vpc subnet rtb igw eni
    sha1 sha224 sha256 sha384 sha512 md5 blake2b blake3 hash digest checksum integrity nonce chunk
    index css sc pk pub public publishable phc rev commit tree blob node doc page post comment
    order item product customer invoice payment message channel workspace tool request response
    gen generation completion prompt model claude container execution workflow wf exec obj id uid
    guid ref tmp temp cache vs snapshot checkpoint upload asset media video audio st example test
    data ssh rsa ctc ctco fco fs cu ig ci mcp mcpl mcpr cmp lsh tsc sh ap aps bg
    ed25519 ecdsa ocid1 arn urn apns fcm""".split()
)


_OF_AGENTS = tuple(
    sign + name for sign in (b"\n", b'"') for name in (b"msg_", b"call_", b"req_", b"toolu_")
)
"""Ids that stand in nearly every event: no time is spent on them."""


def unknown_sweep() -> Sweep:
    """The sweep of such keys."""

    def probe(data: bytes) -> bool:
        return next(_keys(data), None) is not None

    def find(text: Text) -> Iterator[Found]:
        for start, end in _keys(text.data):
            yield Found(start, end, KIND, "keys", _LIKELY, GENERIC - 500)

    def places(data: bytes) -> Iterator[int]:
        return (start for start, _ in _keys(data))

    return Sweep(probe, find, places)


_LIKELY: Confidence = "likely"


def _keys(data: bytes) -> Iterator[tuple[int, int]]:
    """Where such keys stand. Only what is before a long run of letters and digits is looked at."""
    classes = data.translate(_CLASSES)
    at = classes.find(_RUN) + 1
    while at > 0:
        end = at + _LEAST
        if not data[max(0, at - 7) : at].endswith(_OF_AGENTS):
            found = _key_at(data, at)
            if found is not None:
                yield found
                end = max(end, found[1])
        at = classes.find(_RUN, end) + 1


def _key_at(data: bytes, at: int) -> tuple[int, int] | None:
    begin = at - 1
    lowest = max(1, at - _PREFIX)
    while begin >= lowest and data[begin - 1] in _NAME:
        begin -= 1
    match = _KEY.match(data, begin)
    if match is None and data[begin - 1 : begin] == b"\\":
        match = _KEY.match(data, begin + 1)  # the letter of an escape
    if match is None or _BEFORE.search(data, max(0, match.start() - 1), match.start()):
        return None
    words = [word.lower() for word in re.split(rb"[_-]", match["prefix"]) if word]
    body = match["body"]
    telling = not _TELLING.isdisjoint(words[1:] if len(words) > 1 else words)
    if not telling and not _IDS.isdisjoint(words):
        return None
    if words[0] in _IDS or (begin > 0 and words[0][1:] in _IDS):
        return None  # in a database's file a byte of the record before stands at an id
    if is_fake(body) or not _is_key(body, telling=telling):
        return None
    return match.start(), match.end()


_NAME = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def _is_key(body: bytes, *, telling: bool) -> bool:
    """Reports whether a body is random: of all classes, or, after a word that tells, of two."""
    if telling and re.fullmatch(rb"[0-9a-f]{32,}", body):
        return True
    if not is_random(body):
        return False
    return telling or (
        re.search(rb"[A-Z]", body) is not None and re.search(rb"[a-z]", body) is not None
    )
