"""How long stripping takes on texts that are made to be slow: 1 MB of each."""

from __future__ import annotations

import json
import time
from random import Random

from bench.table import Figure, at_most
from opensession.core.privacy.stripper import Stripper

SIZE = 1_000_000
GOAL = 2.0
_REPEATED = ("token=", "key: ", '"\\"', "https://a:", "-----BEGIN ", "sk-", "password ",
             "MIIEpAIBAAKCAQEAaaaaaaaaaaaaaaaaaa\n")  # fmt: skip


def hostile(stripper: Stripper, seed: int) -> list[Figure]:
    """CPU seconds of each of the texts."""
    figures: list[Figure] = []
    for name, text in _texts(seed):
        begin = time.process_time()
        stripper.strip_text(text)
        took = time.process_time() - begin
        title = f"privacy, 1 MB of {name}"
        figures.append(at_most(title, took, "s", GOAL, "by CPU time, one run"))
    return figures


def _texts(seed: int) -> list[tuple[str, str]]:
    random = Random(seed)
    nested = "token=abc"
    while len(nested) < SIZE:
        nested = json.dumps({"a": nested, "b": nested})
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    made = [(json.dumps(part), (part * SIZE)[:SIZE]) for part in _REPEATED]
    return [
        *made,
        ("base64 in one line", "".join(random.choices(letters, k=SIZE))),
        ("digits in one line", "".join(random.choices("0123456789", k=SIZE))),
        ("JSON in JSON", nested[:SIZE]),
    ]
