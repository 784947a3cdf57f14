"""The part of a text that is looked at without its escapes reads as the whole of it does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opensession.core.privacy.text import Text
from opensession.core.privacy.view import unescaped

_PIECES = [
    b"key", b" ", b"\n", b'"', b"\\", b"\\\\", b'\\"', b"\\n", b"\\\\n", b"\\u0022", b"\\u001b[31m",
    b"\x1b[0m", b"\\e[1m", b"[", b"a" * 90, b"\\" * 70, b"x" * 700, b"y" * 3000,
]  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=60), st.data())
def test_what_is_near_reads_as_in_the_whole_view(pieces: list[bytes], given: st.DataObject) -> None:
    data = b"z" * 4000 + b"".join(pieces) + b"z" * 4000
    whole = unescaped(data)
    text = Text(data)
    for start in given.draw(st.lists(st.integers(0, len(data) - 1), max_size=12)):
        near = text.near(start, start + 1)
        low, high = max(0, start - 256), start + 1 + 1024
        assert len(near) == len(data)
        if near is data:  # no escape is near enough to matter
            assert text.around(start, start + 1) in (data, whole)
            continue
        assert near[low:high] == whole[low:high]


def test_a_text_full_of_escapes_is_looked_at_whole_after_a_few_parts() -> None:
    text = Text(b"\\n key " * 200_000)
    seen = {id(text.near(start, start + 3)) for start in range(0, 1_000_000, 5000)}
    assert text.near(700_000, 700_003) is text.view
    assert len(seen) < 40
