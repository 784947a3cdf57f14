"""Many texts that are looked at together hold what each of them holds alone."""

from __future__ import annotations

import re
from random import Random

import pytest

from opensession.core.hail import Event, json_block, text
from opensession.core.privacy import Rules, Stripper
from opensession.core.privacy.engine import Engine
from opensession.core.privacy.gather import located, texts_of
from opensession.core.privacy.kinds import KINDS
from opensession.core.privacy.kinds.form import Kind
from opensession.core.privacy.names import GUARD, KEYWORDS, secret_name
from opensession.core.privacy.vendors import kind_detector

KEY = b"k" * 32
ALL = Rules(modes=dict.fromkeys(("mail", "phone", "iban", "health"), "redact"))


def _event(number: int, *texts: str) -> Event:
    blocks = [text(each) for each in texts]
    return Event(event_id=f"e{number}", time_us=1, type="SystemMessage", blocks=blocks)


def test_secrets_of_every_kind_are_found_among_other_texts() -> None:
    random = Random(7)
    stripper = Stripper("/home/annette", KEY)
    for kind in KINDS:
        secret = kind.template.replace("{}", kind.sample(random))
        alone, counts = stripper.strip_text(secret)
        done, found = stripper.strip_event(_event(1, "é before", secret, "after"))
        assert done.blocks == [text("é before"), text(alone), text("after")], kind.name
        assert found == counts, kind.name


@pytest.mark.parametrize(
    "private",
    [
        "/home/annette/notes",
        "4539 1488 0343 6467",
        "write to annette@kiwi-orchard.de",
        "call +49 30 90182735",
        "DE89370400440532013000",
        "DB_PASSWORD=hunter2-Tiger!",
        "acme_live_k8Qz3vR7pL2mX9wT4bN6cY1d",
    ],
)
def test_what_has_no_keyword_is_found_among_other_texts(private: str) -> None:
    stripper = Stripper("/home/annette", KEY, ALL)
    alone, counts = stripper.strip_text(private)
    assert counts
    done, found = stripper.strip_event(_event(1, "before", private, "after", private))
    assert [block["text"] for block in done.blocks] == ["before", alone, "after", alone]
    assert found == {kind: 2 * count for kind, count in counts.items()}


def test_what_goes_over_the_end_of_a_text_is_no_keyword() -> None:
    engine = Engine("/home/annette", "", KEY, Rules())
    assert engine.located([b"AKIA", b"Z7Q3MWPK5TR2LXCV", b"4539 1488", b"0343 6467"]) == {}


def test_texts_are_looked_at_in_parts_of_bounded_size() -> None:
    sizes: list[int] = []

    def look(data: bytes) -> list[tuple[int, int, int]]:
        sizes.append(len(data))
        return [(0, match.start(), match.end()) for match in re.finditer(b"key", data)]

    texts = [f"{number} {'é' * 100}".encode() for number in range(5000)]
    texts[4000] += b" key"
    assert located(texts, look) == {4000: [(0, 206, 209)]}
    assert max(sizes) < 1 << 20


def test_equal_texts_count_in_each_event() -> None:
    stripper = Stripper("/home/annette", KEY)
    events = [_event(number, "ls /home/annette", "ls /home/annette") for number in range(3)]
    assert [counts for _, counts in stripper.strip_events(events)] == [{"home": 2}] * 3


def test_names_are_told_apart_in_objects_of_equal_names() -> None:
    event = Event(
        event_id="e1",
        time_us=1,
        type="Custom",
        blocks=[
            json_block([{"name": "API_TOKEN", "value": "tr0ub4dor"}, {"name": "n", "value": "v"}])
        ],
    )
    assert texts_of(event)[1]
    done, counts = Stripper("/home/annette", KEY).strip_event(event)
    first, second = done.blocks[0]["data"]
    assert first["value"].startswith("[redacted:token:") and second["value"] == "v"
    assert counts == {"token": 1}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_guard_looks_beyond_its_match_for_letters_and_signs_alone(kind: Kind) -> None:
    """So that a line break and another text are to it what the end of the text is."""
    guard = kind_detector(kind).guard
    if guard is None:
        return
    source = guard.pattern
    bare = re.sub(rb"\[(?:\\.|[^\]])*\]", b"[]", source)
    assert not re.search(rb"\\[AZbB]|(?<!\\)\$|\(\?>|[}*+?]\+", bare)
    for refused in re.findall(rb"\(\?<?!(\[[^\]]*\]|.)", source):
        assert refused.startswith(b"["), refused
        assert not re.search(rb"\[\^|\\[snrSWD]", refused), refused


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_the_guard_of_names_lets_all_through_that_tell_of_a_secret(keyword: bytes) -> None:
    random = Random(3)
    ends = ("", "s", "ord", "d", "_1", "Name", "NAME", "_access_key", "x", "izer", "OLD", "_path")
    for _ in range(200):
        name = random.choice(("db_", "DB", "my-", "")) + keyword.decode() + random.choice(ends)
        if secret_name(name) is not None and not name.endswith("_path"):
            assert any(
                GUARD.match(name.encode(), match.end())
                for word in KEYWORDS
                for match in re.finditer(re.escape(word), name.encode())
            ), name
