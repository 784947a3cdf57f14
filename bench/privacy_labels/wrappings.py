"""How tool outputs wrap a text: line numbers, colours, prefixes, JSON within JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

OPEN, CLOSE, AGAIN, BESIDE = "\ue000", "\ue001", "\ue002", "\ue003"
"""Enclose what is secret; `AGAIN` opens a further part of the one before, `BESIDE` what may be
taken as well.
"""

Wrap = Callable[[Random, str], str]


def _plain(random: Random, text: str) -> str:
    return text


def _each(prefix: Callable[[int], str]) -> Wrap:
    def wrap(random: Random, text: str) -> str:
        first = random.randint(1, 400)
        return "\n".join(prefix(first + n) + line for n, line in enumerate(text.split("\n")))

    return wrap


def _json(depth: int) -> Wrap:
    def wrap(random: Random, text: str) -> str:
        for _ in range(depth):
            value = {"ok": True, "stdout": text, "exit": 0}
            indent = 2 if random.random() < 0.3 else None
            text = json.dumps(value, ensure_ascii=False, indent=indent)
        return text

    return wrap


def _json_ascii(random: Random, text: str) -> str:
    """As some encoders write it: quotes as `\\u0022`."""
    made = json.dumps({"stdout": text}, ensure_ascii=False)
    return made.replace('\\"', "\\u0022")


def _repr(random: Random, text: str) -> str:
    made = repr(text)
    for mark in (OPEN, CLOSE, AGAIN, BESIDE):
        made = made.replace(f"\\u{ord(mark):04x}", mark)
    return f"CompletedProcess(args=['env'], returncode=0, stdout={made})"


def _coloured(random: Random, text: str) -> str:
    colours = (31, 32, 33, 90)
    return "\n".join(f"\x1b[{random.choice(colours)}m{line}\x1b[0m" for line in text.split("\n"))


def _fenced(random: Random, text: str) -> str:
    return f"Here is the file:\n\n```\n{text}\n```\n\nShall I go on?"


def _indented(random: Random, text: str) -> str:
    return "\n".join("        " + line for line in text.split("\n"))


def _crlf(random: Random, text: str) -> str:
    return text.replace("\n", "\r\n")


WRAPPINGS: dict[str, tuple[int, Wrap]] = {
    "plain": (40, _plain),
    "cat -n": (6, _each(lambda n: f"{n:6}\t")),
    "cat -n, arrow": (6, _each(lambda n: f"{n:6}→")),
    "diff, added": (6, _each(lambda n: "+")),
    "diff, context": (3, _each(lambda n: " ")),
    "grep -n": (4, _each(lambda n: f"src/app/config.py:{n}:")),
    "docker logs": (3, _each(lambda n: "web-1  | ")),
    "ci log": (4, _each(lambda n: f"2026-03-04T10:11:{n % 60:02}.1234567Z ")),
    "quoted": (2, _each(lambda n: "> ")),
    "json": (8, _json(1)),
    "json in json": (6, _json(2)),
    "json, three levels": (2, _json(3)),
    "json, \\u0022": (2, _json_ascii),
    "python repr": (2, _repr),
    "colours": (4, _coloured),
    "fenced": (4, _fenced),
    "indented": (3, _indented),
    "crlf": (3, _crlf),
}
"""Each with its weight."""


def wrapped(random: Random, text: str) -> tuple[str, str]:
    """The text in one of the wrappings, and its name."""
    names = list(WRAPPINGS)
    (name,) = random.choices(names, weights=[WRAPPINGS[name][0] for name in names])
    return WRAPPINGS[name][1](random, text), name
