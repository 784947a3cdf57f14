"""Data about people: cards, mail addresses, phone numbers, bank accounts, health identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opensession.core.privacy.checks import iban, luhn
from opensession.core.privacy.detector import PLACED, Detector, Found, Sweep, closing_quote
from opensession.core.privacy.rules import Confidence
from opensession.core.privacy.text import Text

_START = rb"(?:(?<![0-9A-Za-z_.-])|(?<=\\[nrt]))"
_CARD = re.compile(
    _START + rb"(?:[2-6][0-9]{3}(?P<s>[ -]?)[0-9]{4}(?P=s)[0-9]{4}(?P=s)[0-9]{1,7}"
    rb"|3[4-8][0-9]{2}(?P<t>[ -]?)[0-9]{6}(?P=t)[0-9]{4,5})(?![0-9A-Za-z_]|[.,-][0-9])"
)
_CLASSES = bytes(
    0x31 if 48 <= each < 58 else 0x2D if each in b" -" else 0x61 for each in range(256)
)
_GROUPS = (b"1" * 13, b"1111-1111-1111", b"1111-111111-1111")
_DIGITS = re.compile(rb"1+")
_ISSUERS = re.compile(
    rb"4(?:[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|3[47][0-9]{13}|62[0-9]{14,17}"
    rb"|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"
    rb"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|35(?:2[89]|[3-8][0-9])[0-9]{12}"
    rb"|3(?:0[0-5]|[68][0-9])[0-9]{11}"
)
# Numbers that the card companies publish for tests.
_TESTS = frozenset(
    b"""4242424242424242 4111111111111111 4012888888881881 4000056655665556 5555555555554444
    5105105105105100 2223003122003222 378282246310005 371449635398431 6011111111111117
    6011000990139424 3056930009020004 38520000023237 3566002020360505 4222222222222""".split()
)
_NAMED_NUMBER = re.compile(rb"(?P<quote>\\{0,7}\")[ \t\r\n]{0,8}:[ \t\r\n]{0,8}\Z")
_ALONE = re.compile(rb"[ \t\r\n]{0,8}[,\]}]")

_MAIL = re.compile(
    rb"(?:(?<![A-Za-z0-9._%+/:\\-])|(?<=\\[nrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=mailto:))(?P<local>[A-Za-z0-9][A-Za-z0-9._%+-]{0,63})@"
    rb"(?P<domain>(?:[A-Za-z0-9-]{1,63}\.){1,6}(?P<top>[A-Za-z]{2,24}))(?![A-Za-z0-9_@-]|:[^\s\"'])"
)
_RESERVED = re.compile(
    rb"(?i)(?:.*\.)?(?:example|test|invalid|localhost|local|internal)\Z"
    rb"|(?:.*\.)?(?:example|test|email|domain)\.(?:com|org|net|edu)\Z"
    rb"|users\.noreply\.github\.com\Z|.*\bno-?reply\b"
)
_NOBODY = re.compile(
    rb"(?i)(?:git|no-?reply.*|do-?not-?reply|user|username|you|your.*|me|name|foo|bar|test)\Z"
)
_FILES = frozenset(
    b"""png jpg jpeg gif svg webp css js ts jsx tsx py md json html php sh rs go rb java c h cpp yml
    yaml toml lock txt""".split()
)

_PHONE = re.compile(
    rb"(?:(?<![0-9A-Za-z_.+/-])|(?<=\\[nrt]))(?:\+[1-9][0-9]{0,2}(?:[ ./-]?\(?[0-9]{1,5}\)?){2,7}"
    rb"|\(?[2-9][0-9]{2}\)[ .-]?[2-9][0-9]{2}[ .-][0-9]{4}|[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4})"
    rb"(?![0-9A-Za-z_]|[.-][0-9])"
)
_IBAN = re.compile(
    rb"(?:(?<![0-9A-Za-z_-])|(?<=\\[nrt]))[A-Z]{2}[0-9]{2}"
    rb"(?:(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?|[A-Z0-9]{11,30})(?![0-9A-Za-z_])"
)
_IBAN_LENGTHS_TEXT = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 CH21 CR22 CY28 CZ24 DE22 DK18 DO28
    EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IS26
    IT27 JO30 KW30 KZ20 LB28 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MT31 MU30 NL18 NO15
    PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SE24 SI19 SK24 SM27 TN24 TR26 UA29 VA22 VG24
    XK20
"""
_IBAN_LENGTHS = {each[:2]: int(each[2:]) for each in _IBAN_LENGTHS_TEXT.split()}

_HEALTH_WORDS = (
    b"patient", b"Patient", b"PATIENT", b"MRN", b"mrn", b"edical record", b"edical_record",
    b"NHS", b"nhs_", b"nhs ", b"ersichertennummer", b"KVNR", b"kvnr", b"edicare", b"MBI",
    b"nsurance number", b"nsurance_number", b"nsurance id", b"nsurance_id", b"nsuranceNumber",
)  # fmt: skip
_HEALTH = re.compile(
    rb"(?i:[ _-]?(?:id|no|nr|number|num|identifier|record|code))?[.#]?[ \"'`\\]{0,8}"
    rb"(?:[:=#]|is|nr\.?|no\.?)?[ \"'`\\]{0,8}"
    rb"(?P<value>[A-Z]{0,3}[0-9][A-Z0-9]{0,3}(?:[ -]?[A-Z0-9]{2,5}){1,4})(?![A-Za-z0-9_])"
)


def card_sweep() -> Sweep:
    """Payment cards: issuer, length and check digit; a number of JSON becomes a text."""

    def probe(data: bytes) -> bool:
        classes = data.translate(_CLASSES)
        return _GROUPS[0] in classes or _GROUPS[1] in classes or _GROUPS[2] in classes

    def find(text: Text) -> Iterator[Found]:
        data = text.data
        inside, done, passed = False, 0, 0
        for place in sorted(_card_places(data)):
            match = _CARD.match(data, place) if place >= passed else None
            if match is None:
                continue
            passed = match.end()
            number = match[0].translate(None, b" -")
            if not _ISSUERS.fullmatch(number) or not luhn(number) or number in _TESTS:
                continue
            start, end = match.span()
            quotes = data.count(b'"', done, start) - data.count(b'\\"', done, start)
            inside, done = inside ^ (quotes % 2 == 1), start
            wrap = b""
            if number == match[0] and _ALONE.match(data, end):
                before = _NAMED_NUMBER.search(data[max(0, start - 32) : start])
                if before is not None:
                    wrap = closing_quote(before["quote"])
                elif not inside and data[:start].rstrip()[-1:] in (b"[", b","):
                    wrap = b'"'
            confidence: Confidence = "certain" if len(number) != end - start else "likely"
            yield Found(start, end, "card", "cards", confidence, PLACED, None, wrap)

    return Sweep(probe, find, _card_places)


def _card_places(data: bytes) -> Iterator[int]:
    """Where a card's number may begin: nothing else does, so most texts need no pattern at all."""
    classes = data.translate(_CLASSES)
    for group in _GROUPS:
        place = classes.find(group)
        while place >= 0:
            yield place
            after = _DIGITS.match(classes, place).end()  # type: ignore[union-attr]  # it begins so
            place = classes.find(group, after)


def mail_detector() -> Detector:
    """Mail addresses of people."""

    def check(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        if _RESERVED.match(match["domain"]) or _NOBODY.match(match["local"]):
            return None
        if match["top"].lower() in _FILES or match["domain"][:1].isdigit():
            return None
        return Found(match.start(), match.end(), "mail", "mail", "likely", PLACED)

    return Detector("mail", (b"@",), _MAIL, check, back=64, spread=63)


def phone_sweep() -> Sweep:
    """Phone numbers with a country code, and those of North America."""

    def find(text: Text) -> Iterator[Found]:
        for match in _PHONE.finditer(text.data):
            digits = match[0].translate(None, b" +.()/-")
            grouped = len(digits) + 1 < len(match[0])
            if 9 <= len(digits) <= 15 and (grouped or len(digits) >= 11):
                yield Found(*match.span(), "phone", "phone", "possible", PLACED)

    return Sweep(lambda data: _PHONE.search(data) is not None, find)


def iban_sweep() -> Sweep:
    """Bank accounts whose check digits fit."""

    def find(text: Text) -> Iterator[Found]:
        for match in _IBAN.finditer(text.data):
            account = match[0].replace(b" ", b"").decode()
            if _IBAN_LENGTHS.get(account[:2]) == len(account) and iban(account):
                yield Found(*match.span(), "iban", "iban", "certain", PLACED)

    return Sweep(lambda data: _IBAN.search(data) is not None, find)


def health_detector() -> Detector:
    """Numbers of patients and of the insured, beside a word that says so."""

    def check(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        if sum(48 <= byte < 58 for byte in match["value"]) < 5:
            return None
        begin, end = match.span("value")
        wrap = b""
        before = _NAMED_NUMBER.search(text.data[max(0, begin - 32) : begin])
        if before is not None and match["value"].isdigit():
            wrap = closing_quote(before["quote"])
        return Found(begin, end, "health-id", "health", "possible", PLACED, None, wrap)

    return Detector("health", _HEALTH_WORDS, _HEALTH, check, from_end=True)
