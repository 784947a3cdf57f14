"""Canaries: a made value of every kind that there is a detector for, as it stands in a text."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from opensession.core.privacy.checks import iban, luhn
from opensession.core.privacy.kinds import KINDS
from opensession.core.privacy.kinds.form import (
    ALNUM,
    BASE64,
    DIGITS,
    HEX,
    LOWER,
    LOWNUM,
    UPNUM,
    some,
)


class Sample(NamedTuple):
    """A text of one or more lines, and what of it must not be left: the value, or its parts."""

    set: str
    kind: str
    text: str
    secrets: tuple[str, ...]


def samples(random: Random, user: str = "") -> Iterator[Sample]:
    """A canary of each kind; `user` is the name of the user whose `names` are looked for."""
    for kind in KINDS:
        value = kind.sample(random)
        yield Sample(kind.set, kind.name, kind.template.replace("{}", value), _parts(value))
    for (name, label), (template, make) in _PLACED.items():
        value = make(random)
        yield Sample(name, label, template.replace("{}", value), _parts(value))
    basic = base64.b64encode(f"deploy:{_password(random)}".encode()).decode()
    yield Sample("headers", "basic-auth", f"Authorization: Basic {basic}", (basic,))
    yield Sample(
        "urls", "url-token", f"https://{(token := some(random, ALNUM, 40))}@git.test/x", (token,)
    )
    yield from _blocks(random)
    if user:
        host = "h" + some(random, LOWNUM, 11)
        yield Sample("names", "user-name", f"ssh {user}@{host}", (f"{user}@{host}", host))


def _parts(value: str) -> tuple[str, ...]:
    return tuple(line for line in value.split("\n") if line)


def _password(random: Random) -> str:
    return some(random, LOWER + DIGITS, 20)


def _somebody(random: Random) -> str:
    return "q" + some(random, LOWER, 11)


def _card(random: Random) -> str:
    while True:
        digits = "4" + some(random, DIGITS, 15)
        if luhn(digits.encode()):
            return digits


def _account(random: Random) -> str:
    body = some(random, DIGITS, 18)
    return next(one for check in range(2, 99) if iban(one := f"DE{check:02}{body}"))


def _phone(random: Random) -> str:
    return f"+49 30 9{some(random, DIGITS, 7)}"


_PLACED: dict[tuple[str, str], tuple[str, Callable[[Random], str]]] = {
    ("assignments", "env"): ("export DB_PASSWORD={}", _password),
    ("assignments", "json"): ('{"apiKey": "{}"}', _password),
    ("assignments", "yaml"): ("client_secret: {}", _password),
    ("assignments", "typed"): ('const API_TOKEN: &str = "{}";', _password),
    ("assignments", "called"): ('os.getenv("API_TOKEN", "{}")', _password),
    ("assignments", "element"): ("<password>{}</password>", _password),
    ("assignments", "below"): ("- name: API_TOKEN\n  value: {}", _password),
    ("assignments", "argument"): ("deploy --token {} --now", _password),
    ("assignments", "login"): ("curl -u app:{} https://api.test/x", _password),
    ("assignments", "mysql"): ("mysql -u root -p{} shop", _password),
    ("assignments", "sshpass"): ("sshpass -p {} ssh host", _password),
    ("assignments", "netrc"): ("machine api.test login app password {}", _password),
    ("urls", "url-password"): ("postgres://app:{}@db.test:5432/shop", _password),
    ("urls", "url-parameter"): ("GET https://api.test/x?access_token={}&n=1", _password),
    ("urls", "connection-password"): ("Server=db.test;User Id=app;Password={};", _password),
    ("headers", "bearer-token"): ("Authorization: Bearer {}", lambda r: some(r, ALNUM, 40)),
    ("headers", "cookie"): ("Cookie: sessionid={}; theme=dark", lambda r: some(r, HEX, 40)),
    ("paths", "linux"): ("cat /home/{}/notes.txt", _somebody),
    ("paths", "mac"): ("cat /Users/{}/notes.txt", _somebody),
    ("paths", "windows"): ("type C:\\Users\\{}\\notes.txt", _somebody),
    ("paths", "encoded"): ("file:///%2Fhome%2F{}%2Fnotes.txt", _somebody),
    ("paths", "folder-name"): ("ls projects/-Users-{}-work", _somebody),
    ("cards", "card"): ("paid with {} today", _card),
    ("mail", "mail"): ("write to {}", lambda r: f"{_somebody(r)}@{_somebody(r)}.de"),
    ("phone", "phone"): ("call {} now", _phone),
    ("iban", "iban"): ("to account {}", _account),
    ("health", "health-id"): ("patient id: {}", lambda r: some(r, UPNUM, 1) + some(r, DIGITS, 9)),
}
"""By set and name: the text with `{}` in place of the value, and what makes a value."""


def _blocks(random: Random) -> Iterator[Sample]:
    for label in ("RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"):
        begin = {"RSA": "MIIE", "OPENSSH": "b3BlbnNzaC1rZXktdjE", "PGP": "lQdGB"}[label.split()[0]]
        body = begin + some(random, BASE64, 640 - len(begin))
        lines = re.findall(".{1,64}", body)
        text = f"-----BEGIN {label}-----\n" + "\n".join(lines) + f"\n-----END {label}-----"
        yield Sample("private-keys", label.partition(" ")[0].lower(), text, tuple(lines))
