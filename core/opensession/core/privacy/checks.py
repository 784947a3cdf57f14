"""What can be verified of a value without asking anybody: checksums and structures.

Sources: the vendors' descriptions of their formats; BIP 173 (bech32), ISO 7064 (IBAN), ISO/IEC 7812
(Luhn), RFC 7519 (JWT).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from typing import Any

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def crc_in_base(data: bytes, digits: str, width: int) -> str:
    """The CRC32 of `data` in a base of `digits`, padded on the left with its zero."""
    number = zlib.crc32(data)
    written = ""
    while number:
        number, digit = divmod(number, len(digits))
        written = digits[digit] + written
    return written.rjust(width, digits[0])


def crc62(data: bytes) -> str:
    """Six characters of base 62, as GitHub and npm end their tokens."""
    return crc_in_base(data, BASE62, 6)


def crc36(data: bytes) -> str:
    """Seven characters of base 36, as GitLab ends its routable tokens."""
    return crc_in_base(data, _BASE36, 7)


def luhn(digits: bytes) -> bool:
    """Reports whether a number (digits only) ends in its check digit."""
    total = 0
    for place, byte in enumerate(reversed(digits)):
        digit = byte - 48
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def iban(account: str) -> bool:
    """Reports whether the check digits of a bank account (without spaces) fit."""
    try:
        return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1
    except ValueError:
        return False


def unbase64(data: bytes, limit: int = 1 << 16) -> bytes | None:
    """What base64 of either alphabet says, padded or not; None if it is none. Of a long text the
    first `limit` characters are decoded.
    """
    data = data[:limit].rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    if len(data) % 4 == 1:
        data = data[:-1]
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def json_of(part: bytes) -> Any:
    """The JSON value that base64 says, or None."""
    decoded = unbase64(part)
    if decoded is None:
        return None
    try:
        return json.loads(decoded)
    except (ValueError, RecursionError):
        return None


def jwt_claims(token: bytes) -> dict[str, Any] | None:
    """The claims of a JSON Web Token whose header names an algorithm; None: it is no such token.

    Of an encrypted token, and of claims that are cut off, an empty object.
    """
    parts = token.split(b".")
    header = json_of(parts[0])
    if not isinstance(header, dict) or not ("alg" in header or "typ" in header):
        return None
    claims = json_of(parts[1]) if len(parts) > 1 else None
    return claims if isinstance(claims, dict) else {}


def pair_in_base64(data: bytes) -> bool:
    """Reports whether base64 says `user:password` in printable characters."""
    decoded = unbase64(data)
    return (
        decoded is not None
        and re.fullmatch(rb"[^\x00-\x1f\x7f:]*:[^\x00-\x1f\x7f]+", decoded) is not None
    )


def base58check(data: bytes) -> bytes | None:
    """The payload of base58 with a double SHA-256 at its end, or None."""
    number = 0
    for byte in data[:200]:
        digit = _BASE58.find(byte)
        if digit < 0:
            return None
        number = number * 58 + digit
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, tail = raw[:-4], raw[-4:]
    return payload if _twice(payload)[:4] == tail and payload else None


def to_base58check(payload: bytes) -> str:
    """Base58 of a payload and its check, for payloads that begin with no zero."""
    number = int.from_bytes(payload + _twice(payload)[:4], "big")
    written = ""
    while number:
        number, digit = divmod(number, 58)
        written = chr(_BASE58[digit]) + written
    return written


def bech32(data: bytes) -> bool:
    """Reports whether the last six characters are the checksum of a bech32 text."""
    data = data.lower()
    prefix, mark, body = data.rpartition(b"1")
    if not mark or any(byte not in _BECH32 for byte in body):
        return False
    return _polymod(prefix, [_BECH32.index(byte) for byte in body]) == 1


def to_bech32(prefix: bytes, values: list[int]) -> str:
    """The bech32 text of five-bit values."""
    check = _polymod(prefix, values + [0] * 6) ^ 1
    tail = [(check >> 5 * (5 - place)) & 31 for place in range(6)]
    return prefix.decode() + "1" + "".join(chr(_BECH32[value]) for value in values + tail)


def der_length_fits(body: bytes) -> bool:
    """Reports whether a base64 key body is one DER sequence of exactly its length."""
    decoded = unbase64(body)
    if decoded is None or len(decoded) < 8 or decoded[0] != 0x30:
        return False
    size = decoded[1]
    if size < 0x80:
        return len(decoded) == 2 + size
    count = size & 0x7F
    return len(decoded) == 2 + count + int.from_bytes(decoded[2 : 2 + count], "big")


def _twice(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def _polymod(prefix: bytes, values: list[int]) -> int:
    check = 1
    for value in [*(byte >> 5 for byte in prefix), 0, *(byte & 31 for byte in prefix), *values]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, step in enumerate(_BECH32_STEPS):
            if top >> place & 1:
                check ^= step
    return check
