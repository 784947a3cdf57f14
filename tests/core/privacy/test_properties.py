"""What holds for any text and any event, whatever is in it."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opensession.core.hail import Event, json_block, text
from opensession.core.privacy import Rules, Stripper
from opensession.core.privacy.kinds import KINDS

EVERYTHING = Rules(
    modes={"mail": "redact", "phone": "redact", "iban": "redact", "health": "redact"}
)
STRIPPER = Stripper("/home/annette", b"k" * 32, EVERYTHING, host="pluto-laptop")

FRAGMENTS = [
    "/home/", "annette", "bobby", "C:\\Users\\", "-home-", "TOKEN", "password", "apiKey",
    "api_key", "Authorization", "Cookie: ", "Set-Cookie: a=", "=", ": ", "://", "@", "x:",
    "user:", "host/", "\"", "'", "\\\"", "`", "\\n", "Bearer ", "Basic ", "dTpw", "$X", "${X}",
    "[redacted:", "]", "(", ")", ",", ";", "&", "[redacted:token:ABCDEFGH]", "token:",
    "abc123XYZ789", "Zx9Kq2Lm4Np7Rt5Vw8Yb3Dc6", "-----BEGIN RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----", "ü", "👍", "export ", "--token ", "-p ", "-u ", "curl ",
    "mysql -u root -p", "sshpass -p ", "ENV ", "is ", "machine ", "login ", "Server=x;",
    "Password=", "?key=", "4539148803436467", "4539 1488 0343 6467", "+49 ", "170 1234567",
    "DE89370400440532013000", "patient id ", "a.person@acme.io", "\\u0022", "\\u003d", "{", "}",
    "[", "12→", "+", "- ", "sk-", "ghp_", "eyJ", "AKIAIOSFODNN7ABCDEFG", ":AA", "7Q~",
    ".atlasv1.", "MNEMONIC=", "client-key-data: ", "getenv(\"", "<token>", "</", "name: ",
    "value: ",
]  # fmt: skip
OTHERS = ["\n", "\r\n", "\t", " ", '"""', "\ud800", "\x1b[31m", "\x1b[0m", "x" * 70,
          "MIIEpAIBAAKCAQEA" + "b7Yz" * 12]  # fmt: skip
fragments = st.sampled_from([*FRAGMENTS, *OTHERS])
texts = st.lists(fragments | st.text(max_size=6), max_size=16).map("".join)


@given(texts)
def test_stripping_twice_is_stripping_once(content: str) -> None:
    once, counts = STRIPPER.strip_text(content)
    assert STRIPPER.strip_text(once) == (once, {})
    assert (once == content) == (not counts)


@given(texts)
def test_lines_are_never_lost(content: str) -> None:
    assert STRIPPER.strip_text(content)[0].count("\n") == content.count("\n")


@given(
    st.dictionaries(
        texts, texts | st.integers() | st.none() | st.just(4539148803436467), max_size=4
    )
)
@example(
    {"": 4539148803436467, f"MIIEpAIBAAKCAQEA{'b7Yz' * 14}-----END RSA PRIVATE KEY-----": None}
)
def test_json_stays_json(value: dict[str, object]) -> None:
    for content in (json.dumps(value), json.dumps(value, indent=1), json.dumps(json.dumps(value))):
        json.loads(STRIPPER.strip_text(content)[0])


@given(texts)
def test_findings_are_in_order_apart_and_inside(content: str) -> None:
    done = 0
    for one in STRIPPER.find_text(content):
        assert done <= one.start < one.end <= len(content)
        done = one.end


@given(texts)
def test_a_text_without_a_finding_is_the_same_object(content: str) -> None:
    if not STRIPPER.find_text(content):
        assert STRIPPER.strip_text(content)[0] is content


values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["token", "path", "a", "value", "name", "key"]), inner)
    ),
    max_leaves=8,
)


@given(st.lists(st.tuples(texts, values), max_size=4))
def test_events_are_stripped_once_and_for_all(parts: list[tuple[str, Any]]) -> None:
    events = [
        Event(
            event_id=f"e{number}",
            time_us=0,
            type="AgentMessage",
            blocks=[text(content), json_block(value)],
            attributes={"message_id": "m1", "note": content},
        )
        for number, (content, value) in enumerate(parts)
    ]
    once = [event for event, _ in STRIPPER.strip_events(events)]
    assert len(once) == len(events)
    for event in once:
        again, counts = STRIPPER.strip_event(event)
        assert counts == {}
        assert again is event
        msgspec.json.encode(STRIPPER.strip_outgoing(event).data)


AROUND = ["{}", "see {} ok", "\n{}\n", "x = '{}'", "+{}", "-{}", "{}, and", "`{}`", '"{}"', "<{}>",
          "({})", "\x1b[32m{}\x1b[0m", "    12→{}\n", "a\n{}", "// {}", "| {} |", "ünï {} 👍",
          "{};", "[{}]"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_a_planted_value_never_survives(kind: Any) -> None:
    """Every kind, in surroundings, on four levels of JSON."""
    chance = random.Random(kind.name)
    for form in AROUND:
        value = kind.sample(chance)
        content = "first\n" + form.replace("{}", kind.template.replace("{}", value)) + "\nlast"
        for _ in range(4):
            stripped, counts = STRIPPER.strip_text(content)
            assert value not in stripped
            assert counts
            content, value = json.dumps(content), json.dumps(value)[1:-1]
