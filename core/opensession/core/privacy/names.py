"""Which names tell of a secret: `OPENAI_API_KEY`, `dbPassword`, not `max_tokens`."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

_STEMS = ("token", "secret", "passw", "passphrase", "credential", "apikey", "authorization")

KEYWORDS: tuple[bytes, ...] = (
    *(form.encode() for stem in _STEMS for form in (stem, stem.upper(), stem.capitalize())),
    *(b"_key", b"_KEY", b"_Key", b"-key", b"-KEY", b"-Key", b"Key"),
    *(b".key", b"_pwd", b"_PWD", b"Pwd", b"_PAT", b"_pat"),
)
"""Every name that tells of a secret holds one of these."""

GUARD = re.compile(
    rb"(?:(?<=[yYlL])s|(?<=[wW])(?:ord|d))?(?![a-z])|[A-Za-z0-9_.-]{0,64}?(?i:key|pwd|pat)"
)
"""Matches at the end of a keyword where the name goes on as one of a secret may: `tokenizer` and
`_path` tell of none.
"""

LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
QUOTES = b"\"'`\\"
"""What a quote begins with, escaped or not."""

VALUES = bytes(each for each in range(256) if each not in b" \t\n\v\f\r|;&<>()")
"""What an argument begins with, in a text with escapes."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_SECRET = re.compile(
    r"(?:(?P<key>api|access|private|secret|signing|encryption|encrypt|master|auth|account"
    r"|service|storage|role|subscription|deploy|license|licence|ssh|jwt|hmac|app|admin|client|shared"
    r"|consumer|webhook|write|server|ingest|ingestion|integration)_?keys?"
    r"|[a-z]*(?P<word>token|secret|passwd|password|passphrase|apikey)|(?P<credential>credentials?)"
    r"|(?P<authorization>authorization)|(?<=_)(?P<pwd>pwd)|(?<=_)(?P<pat>pat)(?=\Z))(?=_|\Z)"
)

_KINDS = {"passwd": "password", "passphrase": "password", "apikey": "api-key"}
_KEY_KINDS = {"api": "api-key", "access": "access-key", "private": "private-key"}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# After the word: it is something about a secret, not the secret.
_ABOUT = _words(
    """count counts limit limits type types name names length len size url uri endpoint path paths
    file files filename dir folder ids expiry expires expiration expire ttl age lifetime budget
    usage index field fields input label placeholder policy policies prompt hint ref refs arn
    manager store storage provider providers scope scopes kind format prefix suffix header headers
    env var vars variable required enabled disabled valid invalid exists rate cost costs per window
    max min total strength rules rule regex pattern version status state error errors message
    handler class func function callback column table page link route button form icon detection
    stdin scanner stream map list pos position span range start end offset idx num"""
)

# Before it: a fact about a secret.
_FLAG = _words("is has no use uses show hide enable require requires needs forgot")

# Before a token: it is counted, or belongs to a language or to a list and not to a person.
_COUNTED = _words(
    """max min num n total input output prompt completion cached cache reasoning context next page
    pagination continuation eos bos pad unk sep cls mask special stop prev previous last first
    thinking budget per"""
)


# Before a key that is none: it is known to everybody, or finds something.
_FOUND_BY = _words(
    """public publishable pub site primary foreign partition sort range routing idempotency cache
    object s3 query map row index idx dedupe dedup group lookup hash storage bucket field column
    dict json state translation i18n locale message event action shortcut hot short cut arrow enter
    escape ctrl alt shift meta any press on the a this that each every item list react unique
    composite natural surrogate join parent child entity tag label metric feature flag registry
    config settings property attribute option param parameter header cookie ssh host known gpg
    pgp signing verification verify fingerprint trusted authorized recipient peer"""
)


class SecretName(NamedTuple):
    """A name that tells of a secret: its kind, and whether it is written as variables are.

    `weak`: a key of something, such as `segmentWriteKey`: the value has to be random as well.
    """

    kind: str
    upper: bool
    weak: bool = False


@functools.lru_cache(maxsize=4096)
def secret_name(name: str) -> SecretName | None:
    """The kind of secret a name tells of, or None; of a dotted name the last part counts."""
    parts = name.strip("-_.").split(".")
    last = "_".join(parts[-2:]) if parts[-1].lower() == "key" else parts[-1]
    words = [word.lower() for word in _WORDS.findall(last)]
    snake = "_".join(words)
    matches = list(_SECRET.finditer(snake))
    if not matches:
        if len(words) > 1 and words[-1] == "key" and _FOUND_BY.isdisjoint(words):
            return SecretName("key", last.isupper(), weak=True)
        return None
    match = matches[-1]  # what the name is about
    after = snake[match.end() :].split("_")
    kind = _kind(match)
    # An access key's id is half of it; any other id names a secret and is none.
    if any(word in _ABOUT for word in after) or ("id" in after and kind != "access-key"):
        return None
    before = snake[: match.start()].strip("_").split("_")
    if any(word in _FLAG for word in before):
        return None
    if kind == "token" and any(word in _COUNTED for word in before):
        return None
    if kind == "pwd" and before[-1] == "old":
        return None
    return SecretName("password" if kind == "pwd" else kind, last.isupper())


def _kind(match: re.Match[str]) -> str:
    word = match["word"]
    if word:
        return _KINDS.get(word, word)
    if match["credential"]:
        return "credential"
    if match["authorization"] or match["pat"]:
        return "token"
    if match["pwd"]:
        return "pwd"
    return _KEY_KINDS.get(match["key"], "key")
