"""Private keys as blocks of lines, and personal data."""

from __future__ import annotations

from random import Random

from bench.privacy_labels.kind import Kind, shaped
from bench.privacy_labels.shapes import b64, run

BROKEN = "\x00"
"""Stands in a block's value where the secret goes on in the next line."""


def _lines(body: str, width: int = 64) -> list[str]:
    return [body[at : at + width] for at in range(0, len(body), width)]


def _der(random: Random, size: int) -> bytes:
    body = b"\x02\x01\x00" + random.randbytes(size - 7)
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body


def _pem(label: str, size: int) -> Kind:
    def make(random: Random) -> str:
        body = BROKEN.join(_lines(b64(_der(random, size))))
        return f"-----BEGIN {label}-----\n|{body}|\n-----END {label}-----"

    return Kind("pem-" + label.lower().replace(" ", "-"), "private-keys", make, lines=("{}",))


def _cut(random: Random) -> str:
    """A block whose end a tool's output limit cut off."""
    body = BROKEN.join(_lines(b64(_der(random, 1200)))[: random.randint(3, 20)])
    return f"-----BEGIN RSA PRIVATE KEY-----\n|{body}|"


def _openssh(random: Random) -> str:
    raw = b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none" + random.randbytes(330)
    body = BROKEN.join(_lines(b64(raw), 70))
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n|{body}|\n-----END OPENSSH PRIVATE KEY-----"


def _pgp(random: Random) -> str:
    body = BROKEN.join(
        [*_lines(b64(b"\x95\x05" + random.randbytes(700))), "=" + run(random, "b", 4)]
    )
    label = "PGP PRIVATE KEY BLOCK"
    return f"-----BEGIN {label}-----\nVersion: GnuPG v2\n\n|{body}|\n-----END {label}-----"


def _putty(random: Random) -> str:
    lines = _lines(b64(random.randbytes(250)))
    body = BROKEN.join(lines)
    return (
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: ann\n"
        "Public-Lines: 1\nAAAAC3NzaC1lZDI1NTE5AAAAIB\n"
        f"Private-Lines: {len(lines)}\n|{body}|\nPrivate-MAC: {run(random, 'h', 64)}"
    )


def _one_line(random: Random) -> str:
    r"""A key as environment files hold it: line breaks as `\n`."""
    body = "\\n".join(_lines(b64(_der(random, 610))))
    return f"-----BEGIN PRIVATE KEY-----\\n|{body}|\\n-----END PRIVATE KEY-----\\n"


def _card(random: Random) -> str:
    digits = [int(each) for each in random.choice(("4", "51", "55", "2221", "34", "37", "6011"))]
    size = 15 if digits[0] == 3 else 16
    digits += [random.randrange(10) for _ in range(size - 1 - len(digits))]
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2
        total += digit if place % 2 else doubled - 9 if doubled > 9 else doubled
    text = "".join(map(str, digits)) + str(-total % 10)
    if size == 16 and random.random() < 0.6:
        return "|" + random.choice((" ", "-")).join(text[at : at + 4] for at in range(0, 16, 4))
    return "|" + text


_IBANS = {"DE": 18, "FR": 23, "GB": 18, "NL": 14, "ES": 20, "CH": 17, "AT": 16}


def _iban(random: Random) -> str:
    country = random.choice(list(_IBANS))
    body = run(random, "d", _IBANS[country])
    if country in ("GB", "NL"):
        body = random.choice(("ABNA", "BARC", "RABO")) + body[4:]
    number = int("".join(str(int(each, 36)) for each in body + country + "00"))
    text = f"{country}{98 - number % 97:02}{body}"
    if random.random() < 0.5:
        text = " ".join(text[at : at + 4] for at in range(0, len(text), 4))
    return "|" + text


_PEOPLE = ("annika", "jbeckett", "tomasz", "priya.rao", "wei-lin", "gustavo", "hernandez", "oksa")


OWN_USER, OWN_HOST = "marlowe", "tern-7"
"""Whose machine it is in the set: what a stripper for it is made with."""


def _own(random: Random) -> str:
    return f"|{OWN_USER}"


def _person(random: Random) -> str:
    return "|" + random.choice(_PEOPLE)


def _mail(random: Random) -> str:
    host = random.choice(("acme.io", "gmail.com", "mail.uni-graz.at", "northwind.co.uk"))
    return f"|{random.choice(_PEOPLE)}{random.randint(1, 99)}@{host}"


KINDS: list[Kind] = [
    _pem("RSA PRIVATE KEY", 1190),
    _pem("EC PRIVATE KEY", 600),
    _pem("PRIVATE KEY", 1218),
    _pem("ENCRYPTED PRIVATE KEY", 1300),
    _pem("DSA PRIVATE KEY", 840),
    Kind("pem-cut-off", "private-keys", _cut, lines=("{}",)),
    Kind("openssh-private-key", "private-keys", _openssh, lines=("{}",)),
    Kind("pgp-private-key", "private-keys", _pgp, lines=("{}",)),
    Kind("putty-private-key", "private-keys", _putty, lines=("{}",)),
    Kind(
        "pem-in-one-line",
        "private-keys",
        _one_line,
        lines=('PRIVATE_KEY="{}"', '"private_key": "{}",', "FIREBASE_PRIVATE_KEY='{}'"),
    ),
    Kind(
        "wireguard-key",
        "private-keys",
        shaped("|{b:43}="),
        lines=("[Interface]\nPrivateKey = {}\nAddress = 10.8.0.2/32", "PresharedKey = {}"),
    ),
    Kind(
        "card",
        "cards",
        _card,
        lines=(
            "card number {}",
            '"pan": "{}"',
            "INSERT INTO cards VALUES (7, '{}', '12/29');",
            "paid with {} on Monday",
            "card: {}",
        ),
    ),
    Kind(
        "home-folder",
        "paths",
        _person,
        lines=(
            "/home/{}/src/app/main.py:12",
            "cd /Users/{}/work && ls",
            "C:\\Users\\{}\\AppData\\Local\\Temp",
            "/mnt/c/Users/{}/code/app",
            "file:///home/{}/notes.md",
            '  File "/Users/{}/app/x.py", line 3, in <module>',
            "C:/Users/{}/code",
            "vscode-remote://wsl+ubuntu/home/{}/app",
            "~/.claude/projects/-Users-{}-work-app/1.jsonl",
        ),
    ),
    Kind(
        "own-home",
        "paths",
        _own,
        lines=(
            "/home/{}/src/app/main.py:12",
            "cd /home/{} && ls",
            "file:///home/{}/notes.md",
            "PATH=/usr/bin:/home/{}/.local/bin",
            "~/.claude/projects/-home-{}-work-app/1.jsonl",
        ),
    ),
    Kind(
        "own-name",
        "names",
        _own,
        lines=(
            f"{{}}@{OWN_HOST}:~/work$ make",
            "ssh {}@10.0.3.7 uptime",
            "Author: {} <x@users.noreply.github.com>",
            "user.name={}",
            "/mnt/data/{}/app/x.py",
            "scp a.tgz {}@files.acme.dev:/in",
        ),
    ),
    Kind(
        "own-host",
        "names",
        lambda random: f"|{OWN_HOST}",
        lines=("root@{}:/srv# ls", "deploy@{}:~$ uptime"),
    ),
]

OPTIONAL: list[Kind] = [
    Kind(
        "mail",
        "mail",
        _mail,
        lines=("Contact {} for access", "Author: Someone <{}>", '"email": "{}"', "mailto:{}"),
    ),
    Kind(
        "phone",
        "phone",
        shaped("|+49{d:10} |+1-{d:3}-555-{d:4} |+44{d:10}"),
        lines=("call me at {}", '"phone": "{}"', "tel:{}", "Phone: {} (mobile)"),
    ),
    Kind("iban", "iban", _iban, lines=("IBAN: {}", '"iban": "{}"', "transfer to {} today")),
    Kind(
        "health-number",
        "health",
        shaped("|{d:10} |{u:1}{d:9}"),
        lines=("Patient ID: {}", "insurance number {}", "MRN: {}", "Versichertennummer: {}"),
    ),
]
"""Kinds of the sets that are off unless they are switched on: measured by themselves."""
