"""No text takes more than linear time: work is counted in calls, not in seconds."""

from __future__ import annotations

import cProfile
import pstats
import random
import time

import pytest

from opensession.core.privacy import OwnPattern, Rules, Stripper

RULES = Rules(
    modes={"mail": "redact", "phone": "redact", "iban": "redact", "health": "redact"},
    patterns=(OwnPattern("nested", "(a+)+b", "aab"),),
)
STRIPPER = Stripper("/home/annette", b"k" * 32, RULES, host="pluto-laptop")

REPEATED = [
    "a", "key=", "api_key = '", "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "-----END RSA PRIVATE KEY-----", "curl x ", "kind: secret data:", "eyJaaaa.ey", "a.a.a.@",
    "token=", "://a:", "eyJ", "password ", "Cookie: a=b; ", "Bearer ", "mysql -p", "4111 ", "\\",
    "\x1b[31m", "user:x@", "7Q~", "-us1", ":AA1", ".atlasv1.", "AKIAIOSFODNN7ABCDEFG ",
    "mnemonic: abandon ability ", "client-key-data: ", "name: TOKEN\n", "<token>", "annette@",
    "[redacted:token:ABCDEFGH]", "Password=x;", "MIIEpAIBAAKCAQEAaaaaaaaaaaaaaaaaaa\n",
    "TOKEN=abc123xyz9 ", "key: ", '"\\"', "https://a:", "sk-", '{\\"token\\": \\"', "x=y&token=",
    "password: ", "".join(random.Random(1).choices("ABCDabcd0123+/", k=5000)), "1234567890",
    "a,password\n", "\n|a|password|password\n", "| a | password |\n|", "password,", '","password\n',
    "INSERT INTO t (password) VALUES ('a1b2c3d4e5'),", "INSERT INTO t (password) VALUES ('",
    "\x1b[",
    'variable "db_password" {', "\x1b[0mAPI_KEY\x1b[1m=\x1b[2mabc123xyz9\x1b[0m\n", "\\x1b[0m",
]  # fmt: skip


@pytest.mark.parametrize("part", REPEATED)
def test_four_times_the_text_takes_about_four_times_the_work(part: str) -> None:
    def calls(length: int) -> int:
        profile = cProfile.Profile()
        profile.runcall(STRIPPER.strip_text, (part * length)[:length])
        return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]

    assert calls(40_000) < 6 * calls(10_000) + 2000


@pytest.mark.parametrize("part", REPEATED)
def test_what_patterns_do_within_one_call_grows_as_the_text_does(part: str) -> None:
    """A pattern that goes over the rest of the text at each keyword is one call each time, so here
    CPU time counts: of eight times the text it takes sixty-four times as much.
    """

    def seconds(length: int) -> float:
        text = (part * length)[:length]
        begin = time.process_time()
        STRIPPER.strip_text(text)
        return time.process_time() - begin

    least = min(seconds(4_000) for _ in range(3))
    assert min(seconds(32_000) for _ in range(2)) < 24 * least + 0.1
