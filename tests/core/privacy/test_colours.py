"""What terminals colour is found as if it had no colours, and the colours stay."""

from __future__ import annotations

import re

import pytest

from opensession.core.hail import Event, text
from opensession.core.privacy import Stripper

STRIPPER = Stripper("/home/annette", b"k" * 32)
VALUE = "Xkd83jslDKe93kdLsoe93kslA"
GITHUB = "ghp_Zx9Kq2Lm4Np7Rt5Vw8Yb3Dc6Fg1Hj0Ab2Cd4"
PLACEHOLDER = re.compile(r"\[redacted:[a-z-]+:[A-Z2-7]{8}\]")


@pytest.mark.parametrize("escape", ["\x1b", r"\u001b", r"\x1b", r"\033", r"\e", r"\\u001b"])
@pytest.mark.parametrize(
    "template",
    [
        "API_KEY=E[33m{}E[0m",
        "E[36mAPI_KEYE[0m=E[33m{}E[0m",
        "E[36mAPI_KEYE[39m={}",
        "E[36mAPI_KEYE[0mE[1m=E[0mE[38;5;81m{}E[0m",
        'E[34;1m"api_key"E[0mE[1;39m:E[0m E[0;32m"{}"E[0m,',
        "E[94mpasswordE[0m: E[38;2;10;20;30m{}E[0m",
        "DB_E[01;31mE[KPASSE[mE[KWORD={}",
        "E[1mcurlE[0m -u E[32mann:E[33m{}E[0m https://acme.dev",
        "E[36muserE[0m,E[36mpasswordE[0m\nE[33mbobE[0m,E[33m{}E[0m\n",
    ],
)
def test_a_value_between_colours_is_taken_out_and_they_stay(template: str, escape: str) -> None:
    coloured = template.replace("E[", f"{escape}[").format(VALUE)

    stripped, counts = STRIPPER.strip_text(coloured)

    assert PLACEHOLDER.sub(VALUE, stripped) == coloured
    assert sum(counts.values()) == 1
    assert STRIPPER.strip_text(stripped)[0] is stripped


def test_a_secret_that_is_coloured_in_part_is_taken_out_whole() -> None:
    stripped, counts = STRIPPER.strip_text(f"see \x1b[31mghp_\x1b[0m{GITHUB[4:]}, ok")

    assert PLACEHOLDER.sub("X", stripped) == "see \x1b[31mX, ok"
    assert counts == {"github-token": 1}


def test_the_tag_is_that_of_the_value_without_colours() -> None:
    bare, _ = STRIPPER.strip_text(f"API_KEY={VALUE}")
    coloured, _ = STRIPPER.strip_text(f"API_KEY=\x1b[33m{VALUE}\x1b[0m")

    assert PLACEHOLDER.findall(coloured) == PLACEHOLDER.findall(bare)


def test_it_is_found_in_events_and_told_where_it_stands() -> None:
    content = f"\x1b[36mAPI_KEY\x1b[0m=\x1b[33m{VALUE}\x1b[0m"
    event = Event(event_id="e", time_us=1, type="AgentMessage", blocks=[text(content)])

    ((place, one),) = STRIPPER.find_event(event)
    ((stripped, counts),) = STRIPPER.strip_events([event])

    assert (place, content[one.start : one.end]) == ("blocks[0].text", VALUE)
    assert counts == {"api-key": 1}
    assert VALUE not in str(stripped.blocks)


@pytest.mark.parametrize(
    "content",
    [
        "\x1b[32mPASS\x1b[0m tests/a_test1.py::x9\n\x1b[31mFAIL\x1b[0m",
        "\x1b[36mtoken\x1b[0m: \x1b[33mstring\x1b[0m;",
        "\x1b[1mpassword\x1b[0m \x1b[2m(required)\x1b[0m",
        "\x1b[31m" * 50 + "\x1b[",
        "\x1b[\x1b[33m31mkey",
    ],
)
def test_other_coloured_text_stays(content: str) -> None:
    assert STRIPPER.strip_text(content)[0] is content
