"""Prices: those of genai-prices, exact, for the day of the usage."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.daemon.store.price_sheets import sheet_of
from opensession.daemon.store.prices import (
    Model,
    Price,
    PriceBook,
    Rates,
    Sheet,
    Term,
    Tokens,
    cost,
    look_up,
    microdollars,
)

MODELS = [
    ("anthropic", "claude-opus-4-5-20251101"),  # a price for writes kept for an hour
    ("anthropic", "claude-sonnet-4-5-20250929"),  # dearer above 200,000 tokens
    ("openai", "gpt-5.1-codex"),  # no price for cache writes
    ("openai", "gpt-5.5"),
    ("google", "gemini-2.5-pro"),
    ("deepseek", "deepseek-chat"),  # by the hour of the day, and from a day on
    ("openai", "o3"),  # cheaper from a day on
]


def tokens(**given: int) -> Tokens:
    """Tokens of one response."""
    sums = {"responses": 1, "input": 0, "output": 0, "cache_read": 0, "cache_write": 0}
    sums |= {"cache_write_1h": 0, "time_us": 1_767_268_800_000_000} | given
    total = sums["input"] + sums["cache_read"] + sums["cache_write"]
    return Tokens(input_total=total, **sums)


@settings(deadline=None, max_examples=300)
@given(
    model=st.sampled_from(MODELS),
    plain=st.integers(0, 400_000),
    output=st.integers(0, 100_000),
    read=st.integers(0, 400_000),
    hour=st.integers(0, 50_000),
    minutes=st.integers(0, 50_000),
    when=st.datetimes(dt.datetime(2024, 6, 1), dt.datetime(2026, 11, 1), timezones=st.just(dt.UTC)),
)
def test_arithmetic_is_that_of_genai_prices(
    model: Model, plain: int, output: int, read: int, hour: int, minutes: int, when: dt.datetime
) -> None:
    """DECISIONS §3: the price of the day, exact."""
    sheet = sheet_of(*model)
    assert sheet is not None
    write = hour + minutes

    theirs = calc_price(
        Usage(
            input_tokens=plain + read + write,
            output_tokens=output,
            cache_read_tokens=read,
            cache_write_tokens=write,
            cache_write_1h_tokens=hour,
        ),
        model[1],
        provider_id=model[0],
        genai_request_timestamp=when,
    )
    ours = cost(
        sheet,
        tokens(
            input=plain,
            output=output,
            cache_read=read,
            cache_write=write,
            cache_write_1h=hour,
            time_us=int(when.timestamp() * 1_000_000),
        ),
    )

    assert microdollars(ours) == pytest.approx(theirs.total_price * 1_000_000, abs=1)


def test_claude_cache_writes_have_prices_of_their_own() -> None:
    """Five minutes cost 1.25 times the input's price, an hour twice, a read a tenth."""
    sheet = sheet_of("anthropic", "claude-opus-4-5")
    assert sheet is not None

    assert cost(sheet, tokens(input=1000)) == 5000
    assert cost(sheet, tokens(cache_write=1000)) == 6250
    assert cost(sheet, tokens(cache_write=1000, cache_write_1h=1000)) == 10_000
    assert cost(sheet, tokens(cache_read=1000)) == 500


def test_price_tier_is_that_of_the_whole_input() -> None:
    """A tier begins above its start, counted with the cached tokens."""
    sheet: Sheet = (
        Term(rates=Rates(input=Price(Decimal(1), ((100, Decimal(2)), (200, Decimal(3)))))),
    )

    assert cost(sheet, tokens(input=100)) == 100
    assert cost(sheet, tokens(input=101)) == 202
    assert cost(sheet, tokens(input=101, cache_read=100)) == 603


def test_price_of_the_day() -> None:
    """The last price that holds counts; before all of them, the first."""
    sheet: Sheet = (
        Term(rates=Rates(output=Price(Decimal(9)))),
        Term(rates=Rates(output=Price(Decimal(4))), from_day=20_000),
        Term(rates=Rates(output=Price(Decimal(3))), from_day=20_001),
    )
    day = 86_400_000_000

    assert cost(sheet, tokens(output=1, time_us=20_000 * day - 1)) == 9
    assert cost(sheet, tokens(output=1, time_us=20_000 * day)) == 4
    assert cost(sheet, tokens(output=1, time_us=30_000 * day)) == 3


def test_price_of_the_hour_across_midnight() -> None:
    """An interval may end on the next day."""
    term = Term(rates=Rates(), from_second=22 * 3600, to_second=2 * 3600)

    assert [term.holds(hour * 3600 * 1_000_000) for hour in (21, 22, 1, 2)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_amounts_are_exact_until_the_one_rounding() -> None:
    """DECISIONS §3: rounded once, halves to even."""
    third = (Term(rates=Rates(input=Price(Decimal("0.123456789012345678")))),)

    assert cost(third, tokens(input=3)) == Decimal("0.370370367037037034")
    assert [microdollars(Decimal(x)) for x in ("0.5", "1.5", "2.4999999")] == [0, 2, 2]


@pytest.mark.parametrize(
    ("provider", "model", "priced"),
    [
        ("", "gpt-5.5", True),
        ("my-gateway", "gpt-5.5", True),
        ("anthropic", "claude-sonnet-4-5-20250929[1m]", True),
        ("openrouter", "anthropic/claude-sonnet-4.5", True),
        ("ollama", "gpt-oss:20b", False),
        ("anthropic", "<synthetic>", False),
        ("anthropic", "sonnet", False),
        ("", "", False),
        ("openai", "a-model-of-tomorrow", False),
    ],
)
def test_models_that_have_a_price(provider: str, model: str, priced: bool) -> None:
    """A model without a price has none, never 0; who runs it himself pays nobody."""
    assert (sheet_of(provider, model) is not None) == priced


def test_prices_come_from_a_process_of_their_own() -> None:
    """The daemon never holds the 30 MB of the price list; what comes through the pipe is equal."""
    code = (
        "import sys; from opensession.daemon.store.prices import PriceBook;"
        "book = PriceBook(); book.load([('anthropic', 'claude-opus-4-5')]);"
        "assert book.sheet(('anthropic', 'claude-opus-4-5'));"
        "sys.exit('genai_prices' in sys.modules or 'pydantic' in sys.modules)"
    )
    models = [*MODELS, ("", "nothing")]

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert look_up(models) == [sheet_of(*model) for model in models]


class Lookup:
    """Answers lookups and remembers them; `broken` ones fail."""

    def __init__(self) -> None:
        self.asked: list[list[Model]] = []
        self.broken = False

    def __call__(self, models: Sequence[Model]) -> list[Sheet | None]:
        self.asked.append(list(models))
        if self.broken:
            raise subprocess.TimeoutExpired("price_sheets", 1)
        return [(Term(rates=Rates()),) if name == "known" else None for _, name in models]


def test_book_asks_once_for_each_model() -> None:
    """Also for those without a price."""
    lookup = Lookup()
    book = PriceBook(lookup)

    assert book.load([("a", "known"), ("a", "other")])
    assert not book.load([("a", "other"), ("a", "known")])
    assert book.load([("a", "known"), ("b", "more")])

    assert lookup.asked == [[("a", "known"), ("a", "other")], [("b", "more")]]
    assert book.sheet(("a", "known")) is not None
    assert book.sheet(("a", "other")) is None


def test_failed_lookup_is_not_kept_and_not_repeated_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No call may wait half a minute each time because a process cannot be started."""
    lookup = Lookup()
    lookup.broken = True
    book = PriceBook(lookup)

    assert not book.load([("a", "known")])
    assert not book.load([("a", "known")])

    assert len(lookup.asked) == 1
    assert "looking up prices failed" in caplog.text
