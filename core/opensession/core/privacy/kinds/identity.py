"""Tokens and keys that are of no vendor: JWT, one-time passwords, wallets, encryption."""

from __future__ import annotations

import base64
from random import Random

from opensession.core.privacy.checks import (
    base58check,
    bech32,
    jwt_claims,
    to_base58check,
    to_bech32,
)
from opensession.core.privacy.kinds.forges import jwt
from opensession.core.privacy.kinds.form import (
    BASE32,
    HEX,
    Kind,
    named,
    of,
    shaped,
    some,
    verified,
)
from opensession.core.privacy.rules import Confidence

PUBLIC_ROLES = ("anon", "anonymous", "public")
"""Roles of tokens that are made to be published, such as those in a web page of Supabase."""


def _jwt(value: bytes) -> Confidence | None:
    claims = jwt_claims(value)
    if claims is None:
        return "possible" if value.count(b".") == 2 and len(value) > 60 else None
    if claims.get("role") in PUBLIC_ROLES:
        return None
    return "certain"


def _wrapped_jwt(value: bytes) -> Confidence | None:
    decoded = base64.b64decode(value[: len(value) // 4 * 4], validate=True)
    return "certain" if jwt_claims(decoded) is not None else None


def _wif_fits(value: bytes) -> bool:
    payload = base58check(value)
    return payload is not None and payload[:1] in (b"\x80", b"\xef")


def _wif(random: Random) -> str:
    return to_base58check(b"\x80" + random.randbytes(32) + b"\x01")


def _extended(random: Random) -> str:
    return to_base58check(bytes.fromhex("0488ade4") + random.randbytes(74))


def _phrase(random: Random) -> str:
    return " ".join(random.choices(_WORDS.split(), k=random.choice((12, 24))))


_WORDS = """
    abandon ability about above absent absorb abstract absurd acoustic across actor adapt
    advance aerobic almost alpha amateur anchor animal ankle arctic arena artist aspect
    autumn avocado bamboo banana banner basket beach bicycle blanket bleak blossom bonus
    bottom bracket bubble cabbage cactus canyon captain carpet casual catalog cement cherry
    circle cliff coconut
"""


KINDS: tuple[Kind, ...] = (
    shaped(
        "jwt",
        "eyJ",
        rb"eyJ[A-Za-z0-9_-]{8,2000}={0,2}\.[A-Za-z0-9_-]{4,8000}={0,2}(?:\.[A-Za-z0-9_-]{0,4000}){1,3}",
        jwt,
        check=_jwt,
    )._replace(weak=True),
    shaped(
        "jwt-in-base64",
        "ZXlK",
        rb"ZXlK[A-Za-z0-9+/]{60,8000}={0,2}",
        lambda r: base64.b64encode(jwt(r).encode()).decode(),
        check=_wrapped_jwt,
    ),
    shaped(
        "totp-seed",
        "otpauth://",
        rb"otpauth://[^\s\"'<>]{0,200}?[?&]secret=(?P<value>[A-Za-z2-7]{8,128})",
        of(BASE32, 32),
        template="otpauth://totp/acme:ann?secret={}&issuer=acme",
        begin=b"",
    ),
    shaped(
        "age-key",
        "AGE-SECRET-KEY-1",
        rb"AGE-SECRET-KEY-1[0-9A-Z]{40,80}",
        lambda r: to_bech32(
            b"AGE-SECRET-KEY-".lower(), [r.randrange(32) for _ in range(52)]
        ).upper(),
        check=verified(bech32),
        begin=b"",
    ),
    shaped(
        "nostr-key",
        "nsec1",
        rb"nsec1[0-9a-z]{58}",
        lambda r: to_bech32(b"nsec", [r.randrange(32) for _ in range(52)]),
        check=verified(bech32),
    ),
    shaped(
        "bitcoin-key",
        "Kw Kx Ky Kz L1 L2 L3 L4 L5 5H 5J 5K",
        rb"(?:[KL][1-9A-HJ-NP-Za-km-z]{51}|5[1-9A-HJ-NP-Za-km-z]{50})(?![A-Za-z0-9])",
        _wif,
        check=lambda value: "certain" if _wif_fits(value) else None,
    ),
    shaped(
        "wallet-key",
        "xprv yprv zprv tprv",
        rb"[xyzt]prv[1-9A-HJ-NP-Za-km-z]{100,112}",
        _extended,
        check=verified(lambda value: base58check(value) is not None),
    ),
    named(
        "ethereum-key",
        "private_key privatekey deployer eth_key wallet",
        rb"(?:0x)?[0-9a-f]{64}",
        lambda r: "0x" + some(r, HEX, 64),
        template="DEPLOYER_PRIVATE_KEY={}",
    ),
    shaped(
        "seed-phrase",
        "mnemonic MNEMONIC Mnemonic seed_phrase SEED_PHRASE",
        rb"(?i:mnemonic|seed_phrase)[ \t\"'\\]{0,8}[:=][ \t\"'\\]{0,8}"
        rb"(?P<value>(?:[a-z]{3,8} ){11}(?:(?:[a-z]{3,8} ){12})?[a-z]{3,8})",
        _phrase,
        template="MNEMONIC={}",
        begin=b"",
    ),
)
