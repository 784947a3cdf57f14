"""Sums of tokens and cost: grouped by SQLite, equal to adding up one response after the other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.core.hail import Usage
from opensession.daemon.store.prices import (
    Price,
    PriceBook,
    Rates,
    Sheet,
    Term,
    Tokens,
    cost,
    microdollars,
)
from opensession.daemon.store.spending import spent_by_family
from tests.helpers.index import DAY, NOON, Index, usage

TIERED: Sheet = (
    Term(
        rates=Rates(
            input=Price(Decimal("1.1"), ((100, Decimal("2.3")), (1000, Decimal(7)))),
            output=Price(Decimal("10.7")),
            cache_read=Price(Decimal("0.13"), ((100, Decimal("0.19")),)),
            cache_write=Price(Decimal("3.01")),
            cache_write_1h=Price(Decimal("4.7")),
        )
    ),
    Term(rates=Rates(input=Price(Decimal(3)), output=Price(Decimal(1))), from_day=20_460),
    Term(rates=Rates(input=Price(Decimal("0.5"))), from_second=3600, to_second=40_000),
)
FLAT: Sheet = (Term(rates=Rates(input=Price(Decimal(2)), output=Price(Decimal(5)))),)
SHEETS = {"tiered": TIERED, "flat": FLAT}


@pytest.fixture
def book() -> PriceBook:
    return PriceBook(lambda models: [SHEETS.get(name) for _, name in models])


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index.db")


usages = st.builds(
    Usage,
    message_id=st.uuids().map(str),
    seq=st.just(1),
    time_us=st.integers(20_455 * DAY, 20_465 * DAY),
    provider=st.just("p"),
    model=st.sampled_from(["tiered", "flat", "unknown", "<synthetic>"]),
    input=st.integers(0, 2000),
    output=st.integers(0, 2000),
    cache_read=st.integers(0, 2000),
    cache_write=st.integers(50, 2000),
    cache_write_1h=st.integers(0, 50),
    cost_microdollars=st.none() | st.integers(0, 10),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(used=st.lists(usages, max_size=30, unique_by=lambda each: each.message_id))
def test_sums_are_those_of_single_responses(
    index: Index, book: PriceBook, used: list[Usage]
) -> None:
    """However prices depend on day, hour and size; what an agent recorded wins over it."""
    index.db.execute("DELETE FROM usage; DELETE FROM session; DELETE FROM source")
    key = index.session("s", used=used)

    amount = Decimal(0)
    unpriced = set()
    for each in used:
        if each.model == "<synthetic>":
            continue
        sheet = SHEETS.get(each.model)
        total = each.input + each.cache_read + each.cache_write
        if each.cost_microdollars is not None:
            amount += each.cost_microdollars
        elif sheet is None:
            unpriced.add(each.model)
        else:
            amount += cost(
                sheet,
                Tokens(
                    responses=1,
                    input=each.input,
                    output=each.output,
                    cache_read=each.cache_read,
                    cache_write=each.cache_write,
                    cache_write_1h=each.cache_write_1h,
                    input_total=total,
                    time_us=each.time_us,
                ),
            )
    spent = spent_by_family(index.db, book, {key: [key]})[key]

    real = [each for each in used if each.model != "<synthetic>"]
    assert spent.output == sum(each.output for each in real)
    assert spent.responses == len(real)
    assert (spent.microdollars or 0) == microdollars(amount)
    assert spent.unpriced == tuple(sorted(unpriced))


def test_nothing_priced_is_not_free(index: Index, book: PriceBook) -> None:
    """An unknown price is unpriced, never 0."""
    key = index.session("a", used=[usage("m", model="unknown", output=7)])

    spent = spent_by_family(index.db, book, {key: [key]})[key]

    assert spent.microdollars is None
    assert spent.unpriced == ("unknown",)
    assert spent.output == 7


def test_model_without_name_and_price_is_called_unknown(index: Index, book: PriceBook) -> None:
    """And one that used no tokens is not worth a word."""
    key = index.session("a", used=[usage("m", model="", output=7), usage("n", model="x")])

    assert spent_by_family(index.db, book, {key: [key]})[key].unpriced == ("unknown",)


def test_message_in_several_members_of_a_family_counts_once(index: Index, book: PriceBook) -> None:
    """DECISIONS §2: children's tokens are added once; the fullest record of a message counts."""
    parent = index.session("p", used=[usage("m1", output=5), usage("m2", output=9)])
    child = index.session("c", used=[usage("m2", output=4), usage("m3", output=1)])
    other = index.session("o", used=[usage("m2", output=9)])

    spent = spent_by_family(index.db, book, {parent: [parent, child], other: [other]})

    assert spent[parent].output == 5 + 9 + 1
    assert spent[other].output == 9


def test_recorded_cost_wins(index: Index, book: PriceBook) -> None:
    """DECISIONS §3."""
    used = [
        usage("m1", model="flat", output=100, cost_microdollars=3),
        usage("m2", model="flat", output=100),
        usage("m3", model="unknown", output=100, cost_microdollars=0),
    ]
    key = index.session("a", used=used)

    spent = spent_by_family(index.db, book, {key: [key]})[key]

    assert spent.microdollars == 3 + 500
    assert spent.unpriced == ()


def test_models_are_looked_up_when_they_turn_up(index: Index) -> None:
    """And tiers that become known by it count from the first answer on."""
    asked: list[list[tuple[str, str]]] = []

    def lookup(models: object) -> list[Sheet | None]:
        asked.append(list(models))  # type: ignore[call-overload]
        return [SHEETS.get(name) for _, name in asked[-1]]

    used = [
        usage("m1", NOON, provider="p", model="tiered", input=50),
        usage("m2", NOON, provider="p", model="tiered", input=500),
    ]
    key = index.session("a", used=used)
    book = PriceBook(lookup)
    # On this day and hour each costs 0.5 a token, without tiers: use a day before.
    index.db.execute("UPDATE usage SET time_us = ?", (20_455 * DAY,))

    spent = spent_by_family(index.db, book, {key: [key]})[key]

    assert asked == [[("p", "tiered")]]
    assert spent.microdollars == 55 + 1150
