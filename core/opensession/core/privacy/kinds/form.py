"""What a kind of secret is: plain data, and the few forms that nearly all of them have."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from opensession.core.privacy.rules import Confidence

Check = Callable[[bytes], Confidence | None]
"""How sure it is that a value is one of this kind; None: it is none."""

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
HEX = DIGITS + "abcdef"
ALNUM = UPPER + LOWER + DIGITS
SAFE = ALNUM + "_-"
BASE64 = ALNUM + "+/"
BASE32 = UPPER + "234567"
LOWNUM = LOWER + DIGITS
UPNUM = UPPER + DIGITS

_CLASSES = {
    LOWER: b"a-z",
    DIGITS: b"0-9",
    HEX: b"0-9a-fA-F",
    ALNUM: b"A-Za-z0-9",
    SAFE: b"A-Za-z0-9_-",
    BASE64: b"A-Za-z0-9+/",
    BASE32: b"A-Z2-7",
    LOWNUM: b"a-z0-9",
    UPNUM: b"A-Z0-9",
}

BEGIN = (
    rb"(?:(?<![A-Za-z0-9_])|(?<=\\[nrtbf])|(?<=[0-9;\[][mK])|(?<=%[0-9A-Fa-f]{2})"
    rb"|(?<=\\u[0-9A-Fa-f]{4}))"
)
"""Where a value can begin: not within a word; what escapes and colours end with is no word."""

_LONGEST = 400
"""Vendors lengthen their tokens: of a run of the same characters the whole is taken."""


class Kind(NamedTuple):
    """One kind of secret.

    `pattern` is matched from the beginning of a keyword, or from its end if the keyword is a
    `named` one: a vendor's name that has to stand before a value that looks like any other. Its
    group `value` is what is replaced, else the whole match. `template` is the least of surroundings
    by which the value is recognised, `{}` the place of the value; `sample` makes a valid value.
    """

    name: str
    keywords: tuple[bytes, ...]
    pattern: bytes
    sample: Callable[[Random], str]
    check: Check
    template: str = "{}"
    named: bool = False
    back: int = 0
    """How far before its keyword the value begins: the keyword is a mark inside of it."""
    spread: int = 0
    """With `back`: by how much less it may be."""
    weak: bool = False
    """Whether the form is that of several vendors: a name before it then says more."""
    set: str = "keys"


def likely(value: bytes) -> Confidence | None:
    """Prefix, length and alphabet fit; nothing else is known."""
    return "likely"


def possible(value: bytes) -> Confidence | None:
    """The form is that of many things."""
    return "possible"


def with_digit(value: bytes) -> Confidence | None:
    """For prefixes that begin words as well: `sk-fading-circle` is no key."""
    return "likely" if re.search(rb"[0-9]", value) else None


def mixed(value: bytes) -> Confidence | None:
    """Upper and lower case letters, and not one word after the other."""
    return "likely" if re.search(rb"[A-Z]", value) and re.search(rb"[a-z]", value) else None


def varied(value: bytes) -> Confidence | None:
    """Letters of both cases and a digit: for short prefixes."""
    return "likely" if mixed(value) and with_digit(value) else None


def verified(test: Callable[[bytes], bool]) -> Check:
    """Certain if the test passes; a failed test never lets the text through."""

    def check(value: bytes) -> Confidence | None:
        return "certain" if test(value) else "possible"

    return check


def run(alphabet: str, low: int, high: int = 0) -> bytes:
    """The pattern of a run of at least `low` characters."""
    return b"[%b]{%d,%d}" % (_CLASSES[alphabet], low, max(_LONGEST, high, low))


def exactly(alphabet: str, count: int) -> bytes:
    """The pattern of so many characters."""
    return b"[%b]{%d}" % (_CLASSES[alphabet], count)


def no_more(alphabet: str) -> bytes:
    """The pattern of the end of a run."""
    return b"(?![%b])" % _CLASSES[alphabet]


def some(random: Random, alphabet: str, low: int, high: int = 0) -> str:
    """Random characters, with both letters and digits where the alphabet has them."""
    count = random.randint(low, max(low, high))
    while True:
        made = "".join(random.choices(alphabet, k=count))
        if count < 12 or alphabet in (LOWER, DIGITS):
            return made
        if any(each.isdigit() for each in made) and any(each.isalpha() for each in made):
            return made


def prefixed(
    name: str,
    prefixes: str,
    alphabet: str,
    low: int,
    high: int = 0,
    *,
    check: Check = likely,
    begin: bytes = BEGIN,
    fixed: bool = False,
) -> Kind:
    """A prefix (or one of several, between spaces) and a run; `fixed`: of exactly that length."""
    heads = prefixes.split(" ")
    body = exactly(alphabet, low) + no_more(SAFE) if fixed else run(alphabet, low, high)

    def sample(random: Random) -> str:
        return random.choice(heads) + some(random, alphabet, low, high)

    if alphabet == BASE64:
        body += b"={0,2}"
    pattern = begin + b"(?:" + b"|".join(re.escape(head.encode()) for head in heads) + b")" + body
    return Kind(name, tuple(head.encode() for head in heads), pattern, sample, check)


def shaped(
    name: str,
    keywords: str,
    pattern: bytes,
    sample: Callable[[Random], str],
    *,
    check: Check = likely,
    template: str = "{}",
    begin: bytes = BEGIN,
) -> Kind:
    """A form of its own, whose pattern begins at one of its keywords."""
    words = tuple(word.encode() for word in keywords.split(" "))
    return Kind(name, words, begin + pattern, sample, check, template)


_TELLING = rb"(?i:key|token|secret|pass|auth|api|cred|pat\b)"
# From the vendor's name to its value: one line, within which something must tell of a secret.
_BETWEEN = rb"(?P<between>[A-Za-z0-9_. '\"`\[\]()\\:=>|+-]{1,48}?)(?<![A-Za-z0-9_.+/-])"


def named(
    name: str,
    words: str,
    pattern: bytes,
    sample: Callable[[Random], str],
    *,
    check: Check = likely,
    template: str = "",
) -> Kind:
    """A value that looks like any other, after the name of a vendor and of a secret.

    `words` are the vendor's names in small letters; their capitals and capitalised forms count too.
    """
    forms = [form for word in words.split(" ") for form in (word, word.upper(), word.capitalize())]
    keywords = tuple(dict.fromkeys(form.encode() for form in forms))
    if not template:
        template = f"{words.split(' ')[0].upper()}_API_KEY={{}}"
    body = _BETWEEN + b"(?P<value>" + pattern + b")" + rb"(?![A-Za-z0-9_])"
    return Kind(name, keywords, body, sample, check, template, named=True)


TELLING = re.compile(_TELLING)


def of(alphabet: str, low: int, high: int = 0) -> Callable[[Random], str]:
    """A sampler of so many characters."""

    def sample(random: Random) -> str:
        return some(random, alphabet, low, high)

    return sample


def uuid(random: Random) -> str:
    """A random UUID."""
    digits = some(random, HEX, 32)
    digits = digits[:12] + "4" + digits[13:16] + random.choice("89ab") + digits[17:]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


UUID = rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
