"""Values of a given form: text with fields such as `{A:36}`, and a `|` after its known prefix.

Fields: `A` letters and digits, `h` hex, `H` capital hex, `s` url-safe base64, `b` base64, `d`
digits, `u` capitals and digits, `l` small letters and digits, `L` small letters, `m` letters, `r`
base32; `{U}` is a UUID. A count may be a range: `{d:8-10}`.
"""

from __future__ import annotations

import base64
import json
import re
import string
import zlib
from random import Random
from typing import Any

ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "s": string.ascii_letters + string.digits + "-_",
    "b": string.ascii_letters + string.digits + "+/",
    "d": string.digits,
    "u": string.ascii_uppercase + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "L": string.ascii_lowercase,
    "m": string.ascii_letters,
    "r": string.ascii_uppercase + "234567",
}
_FIELD = re.compile(r"\{([A-Za-z])(?::(\d+)(?:-(\d+))?)?\}")
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def run(random: Random, letter: str, count: int) -> str:
    """So many random characters; the first and last are no marks, as generators avoid them."""
    alphabet = ALPHABETS[letter]
    plain = [each for each in alphabet if each.isalnum()]
    chars = random.choices(alphabet, k=count)
    if count:
        chars[0], chars[-1] = random.choice(plain), random.choice(plain)
    return "".join(chars)


def uuid(random: Random) -> str:
    """A random UUID of version 4."""
    digits = run(random, "h", 32)
    digits = digits[:12] + "4" + digits[13:16] + random.choice("89ab") + digits[17:]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def fill(random: Random, shape: str) -> str:
    """The shape with its fields filled."""

    def field(match: re.Match[str]) -> str:
        letter, low, high = match.groups()
        if letter == "U":
            return uuid(random)
        if low is None:
            return match[0]  # braces of the text's own
        return run(random, letter, random.randint(int(low), int(high or low)))

    return _FIELD.sub(field, shape)


def crc62(text: str) -> str:
    """CRC32 in base 62, six digits: how GitHub and npm end their tokens."""
    number, written = zlib.crc32(text.encode()), ""
    while number:
        number, digit = divmod(number, 62)
        written = _BASE62[digit] + written
    return written.rjust(6, "0")


def b64(data: bytes, *, pad: bool = True, safe: bool = False) -> str:
    """Base64 as text."""
    made = (base64.urlsafe_b64encode if safe else base64.b64encode)(data).decode()
    return made if pad else made.rstrip("=")


def jwt(random: Random, claims: dict[str, Any], algorithm: str = "HS256") -> str:
    """A JSON Web Token with a random signature."""
    header = {"alg": algorithm, "typ": "JWT"}
    parts = [
        b64(json.dumps(part, separators=(",", ":")).encode(), pad=False, safe=True)
        for part in (header, claims)
    ]
    return ".".join((*parts, run(random, "s", 43 if algorithm == "HS256" else 342)))


def password(random: Random) -> str:
    """A password as people and generators make them: 9 to 24 characters, never only letters."""
    word = random.choice(
        ("Winter", "hunter", "Tr0ub4dor", "kestrel", "Marigold", "quartz", "Zephyr", "borealis")
    )
    style = random.randrange(4)
    if style == 0:
        return word + str(random.randint(100, 99999)) + random.choice("!#*?")
    if style == 1:
        return word.lower() + str(random.randint(1000, 999999)) + run(random, "l", 3)
    if style == 2:
        return run(random, "A", random.randint(12, 24)) + str(random.randint(0, 9))
    made = [*run(random, "A", random.randint(12, 20)), *random.choices("!#%^*_+-", k=2), "7"]
    random.shuffle(made)
    return run(random, "A", 1) + "".join(made) + run(random, "A", 1)
