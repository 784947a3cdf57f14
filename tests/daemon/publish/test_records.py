"""What is remembered of lines that were sent, so that a rewind knows where it begins."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.core.hub import chain_of
from opensession.daemon.publish import records
from opensession.daemon.publish.lines import line_hash
from opensession.daemon.publish.records import BLOCK, Hub
from opensession.daemon.store.connect import open_user

START = b"\0" * 32


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    db = open_user(tmp_path_factory.mktemp("user") / "user.db")
    yield db
    db.close()


steps = st.lists(
    st.tuples(st.sampled_from(["send", "lost", "rewind"]), st.integers(1, 3 * BLOCK)),
    min_size=1,
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=steps)
def test_hashes_and_chains_are_those_of_the_lines_that_may_have_arrived(
    user: apsw.Connection, history: list[tuple[str, int]]
) -> None:
    user.execute("DELETE FROM sent_block; DELETE FROM publication")
    made = records.obtain(user, Hub("https://hub.example", "account"), "codex", "one")
    lines: list[bytes] = []
    for turn, (step, count) in enumerate(history):
        if step == "rewind":
            keep = min(count, made.seq)
            records.cut(user, made.id, keep)
            lines = lines[:keep]
            made = msgspec.structs.replace(made, seq=keep, attempted=keep)
            continue
        more = lines[made.seq : made.seq + count]
        more += [b"%d.%d" % (turn, number) for number in range(count - len(more))]
        lines[made.seq : made.seq + count] = more
        made = records.attempt(
            user,
            msgspec.structs.replace(made),
            chain_of(START, lines[: made.seq]),
            more,
        )
        if step == "send":
            made = msgspec.structs.replace(made, seq=made.seq + count)
    assert records.hashes(user, made.id, 1, made.attempted or 1) == {
        seq: line_hash(line) for seq, line in enumerate(lines[: made.attempted], 1)
    }
    for seq in range(1, made.attempted + 1):
        near = records.chain_before(user, made.id, seq)
        assert near is not None
        first, chain = near
        assert first <= seq < first + BLOCK
        assert chain == chain_of(START, lines[: first - 1])
