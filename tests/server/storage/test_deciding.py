"""The rules of what follows what, and that no mixture of requests makes a mixture of sessions."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hub import Have, chain_of, chain_start
from opensession.server.storage.deciding import Sent, State, decide, have_of
from opensession.server.storage.interface import Refusal

KEY = "owner/device/agent/id"


class Content(NamedTuple):
    """A session as a list of lines, which is what the rules are about."""

    generation: int
    rewind: int
    lines: tuple[bytes, ...]
    gone: bool = False

    def chain(self, seq: int) -> bytes:
        return chain_of(chain_start(KEY, self.generation), self.lines[:seq])

    @property
    def state(self) -> State:
        end = self.chain(len(self.lines))
        return State(self.generation, self.rewind, len(self.lines), end, self.gone)


class Request(NamedTuple):
    """Some lines of a content, from a seq on."""

    of: Content
    first: int
    last: int

    @property
    def lines(self) -> tuple[bytes, ...]:
        return self.of.lines[self.first - 1 : self.last]

    @property
    def sent(self) -> Sent:
        hashes = [self.of.chain(seq) for seq in range(self.first, self.last + 1)]
        before = self.of.chain(self.first - 1)
        start = self.of.chain(0)
        return Sent(self.of.generation, self.of.rewind, self.first, before, hashes, start)


def applied(there: Content | None, request: Request) -> Content:
    """What is there after a request; raises Refusal."""
    decision = decide(
        there.state if there else None,
        request.sent,
        lambda seq: there.chain(seq) if there else b"",
    )
    if decision.kind == "nothing":
        assert there is not None
        return there
    kept = there.lines[: decision.keep] if there else ()
    return Content(request.of.generation, request.of.rewind, kept + request.lines[decision.skip :])


A = Content(1, 0, (b"1", b"2", b"3", b"4"))
REWOUND = Content(1, 1, (b"1", b"2", b"x", b"y", b"z"))
REPLACED = Content(2, 0, (b"p", b"q"))


@pytest.mark.parametrize(
    ("there", "request_", "lines"),
    [
        (None, Request(A, 1, 2), A.lines[:2]),
        (A._replace(lines=A.lines[:2]), Request(A, 3, 4), A.lines),
        (A._replace(lines=A.lines[:2]), Request(A, 2, 4), A.lines),
        (A, Request(A, 1, 2), A.lines),
        (A, Request(A, 5, 4), A.lines),
        (A, Request(REWOUND, 3, 3), REWOUND.lines[:3]),
        (A, Request(REWOUND, 2, 5), REWOUND.lines),
        (A, Request(REWOUND, 3, 2), A.lines[:2]),
        (REWOUND, Request(REWOUND, 3, 3), REWOUND.lines),
        (REWOUND, Request(REPLACED, 1, 1), REPLACED.lines[:1]),
        (A._replace(lines=(), gone=True), Request(REPLACED, 1, 2), REPLACED.lines),
    ],
)
def test_what_follows_is_taken(
    there: Content | None, request_: Request, lines: tuple[bytes, ...]
) -> None:
    assert applied(there, request_).lines == lines


@pytest.mark.parametrize(
    ("there", "request_"),
    [
        (None, Request(A, 2, 3)),
        (A._replace(lines=A.lines[:1]), Request(A, 3, 4)),
        (A, Request(A._replace(lines=(b"1", b"other", b"3")), 3, 3)),
        (A, Request(A._replace(lines=(b"1", b"2", b"other")), 3, 3)),
        (A, Request(A._replace(lines=(b"1", b"2", b"other", b"4", b"5")), 3, 5)),
        (REWOUND, Request(A, 1, 4)),
        (A, Request(REWOUND, 4, 5)),
        (A._replace(lines=()), Request(REWOUND, 3, 5)),
        (A, Request(REPLACED, 2, 2)),
        (REPLACED, Request(REWOUND, 1, 5)),
    ],
)
def test_what_does_not_follow_is_refused_with_what_is_there(
    there: Content | None, request_: Request
) -> None:
    with pytest.raises(Refusal) as refused:
        applied(there, request_)

    assert refused.value.have == have_of(there.state if there else None)
    assert not refused.value.have.gone


@pytest.mark.parametrize("content", [A, REWOUND, A._replace(lines=(b"other",))])
def test_what_was_taken_back_comes_again_only_in_a_higher_generation(content: Content) -> None:
    there = Content(1, 1, (), gone=True)

    with pytest.raises(Refusal) as refused:
        applied(there, Request(content, 1, len(content.lines)))

    assert refused.value.have == Have(generation=1, rewind=1, gone=True)


@st.composite
def histories(draw: st.DrawFn) -> list[Content]:
    """A session as it is at its sender over time: it grows, is rewound, is replaced."""
    now = Content(1, 0, ())
    found = []
    number = 0
    for step in draw(st.lists(st.sampled_from(["grow", "rewind", "replace"]), max_size=6)):
        lines = now.lines
        if step == "rewind" and lines:
            lines = lines[: draw(st.integers(0, len(lines) - 1))]
            now = Content(now.generation, now.rewind + 1, lines)
        elif step == "replace":
            now = Content(now.generation + 1, 0, ())
            lines = ()
        fresh = tuple(b"%d" % (number := number + 1) for _ in range(draw(st.integers(1, 4))))
        now = now._replace(lines=lines + fresh)
        found.append(now)
    return found


@given(st.data(), histories())
def test_any_order_of_any_parts_ends_in_a_state_that_was_sent(
    data: st.DataObject, contents: list[Content]
) -> None:
    there: Content | None = None
    if not contents:
        return
    for _ in range(data.draw(st.integers(0, 25))):
        of = data.draw(st.sampled_from(contents))
        first = data.draw(st.integers(1, len(of.lines)))
        last = data.draw(st.integers(first - 1, len(of.lines)))
        before = there
        try:
            there = applied(there, Request(of, first, last))
        except Refusal:
            assert there is before
        if there is not None:
            assert before is None or before.state[:2] <= there.state[:2]
            assert any(
                content.state[:2] == there.state[:2]
                and content.lines[: len(there.lines)] == there.lines
                for content in contents
            ), "a mixture"


@given(st.data(), histories())
def test_a_sender_that_goes_on_from_what_it_is_told_always_gets_through(
    data: st.DataObject, contents: list[Content]
) -> None:
    there: Content | None = None
    for of in contents:
        size = data.draw(st.integers(1, 3))
        first = data.draw(st.integers(1, len(of.lines)))
        while there is None or there.state[:4] != of.state[:4]:
            try:
                there = applied(there, Request(of, first, min(first + size - 1, len(of.lines))))
                first = min(first + size, len(of.lines) + 1)
            except Refusal as refused:
                have = refused.have
                known = bytes.fromhex(have.chain)
                same = have.seq <= len(of.lines) and of.chain(have.seq) == known
                first = have.seq + 1 if same else max(1, min(first, have.seq + 1) - 1)
                if have.generation != of.generation:
                    first = 1
