"""Pages of sessions by the activity of their families, against sorting all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.daemon.store.scope import Condition
from opensession.daemon.store.session_pages import Place, Span, count, page
from tests.helpers.index import Index, agent, user

ROOTS = Condition("s.role = 'primary'")


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index.db")


times = st.integers(1, 12)
edges = st.none() | times


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    roots=st.lists(times, max_size=12),
    children=st.lists(st.tuples(st.integers(0, 15), times), max_size=8),
    since=edges,
    before=edges,
    limit=st.integers(1, 4),
)
def test_pages_are_the_sorted_list(
    index: Index,
    roots: list[int],
    children: list[tuple[int, int]],
    since: int | None,
    before: int | None,
    limit: int,
) -> None:
    """Complete, without repeats, by the latest activity of each family; counted the same."""
    index.db.execute(
        "DELETE FROM event; DELETE FROM search; DELETE FROM session; DELETE FROM source"
    )
    active: dict[int, int] = {}
    keys = []
    for number, at in enumerate(roots):
        key = index.session(f"r{number}", [user("x", at)])
        keys.append(key)
        active[key] = at
    for number, (parent, at) in enumerate(children):
        # Of a root, of another child, or of nobody.
        name = f"r{parent}" if parent < len(roots) else f"c{parent - len(roots)}"
        index.session(f"c{number}", [agent("y", at)], role="auxiliary", parent=name)
        up, seen = name, set()
        while up.startswith("c") and up not in seen and int(up[1:]) < len(children):
            seen.add(up)
            above = children[int(up[1:])][0]
            up = f"r{above}" if above < len(roots) else f"c{above - len(roots)}"
        if up.startswith("r"):
            key = keys[int(up[1:])]
            active[key] = max(active[key], at)

    span = Span(since, before)
    expected = sorted(
        (Place(at, key) for key, at in active.items() if span.holds(at)), reverse=True
    )
    seen_places: list[Place] = []
    after = None
    while True:
        found = page(index.db, ROOTS, span=span, after=after, limit=limit, roots=True)
        seen_places += found
        if len(found) < limit:
            break
        after = found[-1]

    assert seen_places == expected
    assert count(index.db, ROOTS, span, roots=True) == len(expected)
