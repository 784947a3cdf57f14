"""What stands behind a name decides which detectors are run: none that could match is left out."""

from __future__ import annotations

import pytest

from opensession.core.privacy.columns import column_detectors
from opensession.core.privacy.commands import command_detectors
from opensession.core.privacy.declared import declared_detectors
from opensession.core.privacy.detector import Detector
from opensession.core.privacy.dispatch import sign_behind
from opensession.core.privacy.env import env_detector
from opensession.core.privacy.text import Text

NAMED = [
    each
    for each in (env_detector(), *command_detectors(), *declared_detectors(), *column_detectors())
    if each.behind is not None
]
TAILS = [
    b"=abc123xyz9", b": 'abc123xyz9'", b"=> x1y2z3", b", 'abc123xyz9')", b",\n 'abc123xyz9'",
    b"value: abc123xyz9", b"\nvalue: abc123xyz9", b" | abc123xyz9abc123xyz9 |", b">abc123xyz9</a",
    b" --body abc123xyz9", b"ParameterValue=abc123xyz9", b" abc123xyz9", b"abc123xyz9",
    b"is abc123xyz9", b"<< abc123xyz9", b': str = "abc123xyz9"', b' value="abc123xyz9"', b".a=b12",
    b"-a b12xyz", b'"abc123xyz9"', b"`abc123xyz9`", b" |\nvalue: abc123xyz9", b"= abc123xyz9",
    b' {\n default = "abc123xyz9"', b",a\n", b"|\n", b"\n", b"\r\n", b"\x94\x82 a\n",
]  # fmt: skip


@pytest.mark.parametrize("detector", NAMED, ids=lambda each: each.name)
def test_no_sign_that_a_pattern_can_go_on_with_is_missing(detector: Detector) -> None:
    behind, apart = detector.behind or (b"", b"")
    matched = 0
    for rest in (b"", b"_a", b"S9"):
        for blanks in (b"", b" ", b"\t", b" " * 4, b" \t", b" " * 24):
            for sign in (bytes([byte]) for byte in range(256)):
                for tail in TAILS:
                    data = b"token" + rest + blanks + sign + tail
                    seen = Text(data).view if detector.view else data
                    if detector.pattern.match(seen, 5) is None:
                        continue
                    matched += 1
                    told = sign_behind(data, 5)
                    assert told - 256 in apart if told > 255 else told in behind, data
    assert matched


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"token=x", ord("=")),
        (b"token_of = x", ord("=") + 256),
        (b"token \t:", ord("\t") + 256),
        (b"token\t:", ord("\t")),
        (b"token", 512),
        (b"tokens  ", 512),
        (b"token\n", ord("\n")),
    ],
)
def test_the_sign_behind_a_name_and_its_blanks(text: bytes, told: int) -> None:
    assert sign_behind(text, 5) == told


@pytest.mark.parametrize("sign", [b"\\n", b"\x1b[31m"])
def test_the_view_is_made_where_an_escape_is_near_and_nowhere_else(sign: bytes) -> None:
    data = b"a" * 1000 + sign + b"b" * 3000 + sign + b"c"
    text = Text(data)
    assert text.around(2000, 2005) is data
    assert text.around(1500, 1505) is data
    assert text.around(3000, 3005) is data
    assert text.around(1300, 1305) is text.view
    assert Text(data).around(700, 705) is not data
    assert Text(data).around(3990, 4000) is not data
