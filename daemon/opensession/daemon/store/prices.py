"""What tokens cost: the price of the day, exact, from the bundled data of `genai-prices`.

Importing that package costs a third of a second and 30 MB, which an idle daemon shall not keep. So
a child process (`price_sheets`) looks up the few models that are in use and prints their prices;
here they are kept for the life of the daemon, and the arithmetic is done. It is that of
`genai_prices.calc_price`, over sums in place of single responses, exact: nothing is rounded before
`microdollars`.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation
from typing import TypeAlias

import msgspec

_log = logging.getLogger(__name__)

_LOOKUP_SECONDS = 30.0
_RETRY_SECONDS = 300.0
DAY_US = 86_400_000_000

Model: TypeAlias = tuple[str, str]
"""Provider and model, as recorded."""


class Price(msgspec.Struct, frozen=True, array_like=True):
    """Dollars per million tokens, which is micro-dollars per token. Of `tiers` the last one counts
    whose start is below the response's input tokens, cache included; without one, `base`.
    """

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()


class Rates(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Prices by kind of token; None: that kind has no price of its own. `request` is in dollars
    per thousand responses.
    """

    input: Price | None = None
    output: Price | None = None
    cache_read: Price | None = None
    cache_write: Price | None = None
    cache_write_1h: Price | None = None
    request: Price | None = None


class Term(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Prices and when they hold: from a UTC day on (days since 1970), or between two times of the
    UTC day (seconds; the end may lie before the start). Without either they always hold.
    """

    rates: Rates
    from_day: int | None = None
    from_second: int | None = None
    to_second: int | None = None

    def holds(self, time_us: int) -> bool:
        """Reports whether these prices hold at a time."""
        if self.from_day is not None:
            return time_us // DAY_US >= self.from_day
        if self.from_second is None or self.to_second is None:
            return True
        second = time_us % DAY_US // 1_000_000
        if self.to_second < self.from_second:
            return second >= self.from_second or second < self.to_second
        return self.from_second <= second < self.to_second


Sheet: TypeAlias = tuple[Term, ...]
"""All prices of one model. The last term that holds counts, else the first."""

Lookup: TypeAlias = Callable[[Sequence[Model]], list[Sheet | None]]


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over responses that fall under the same prices. `input_total` is the input of one of
    them, cache included, and `time_us` its time.
    """

    responses: int
    input: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    input_total: int
    time_us: int


_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])


def cost(sheet: Sheet, tokens: Tokens) -> Decimal:
    """What the tokens cost, in micro-dollars, exact.

    A kind of token without a price of its own costs what the kind it is part of costs: writes for
    an hour as other writes, reads and writes as input.
    """
    rates = _rates_at(sheet, tokens.time_us)
    plain, read, write = tokens.input, tokens.cache_read, tokens.cache_write
    priced: list[tuple[Price | None, int]] = []
    if rates.cache_write_1h is not None:
        priced.append((rates.cache_write_1h, tokens.cache_write_1h))
        write -= tokens.cache_write_1h
    if rates.cache_write is None:
        plain += write
    if rates.cache_read is None:
        plain += read
    priced += (
        (rates.cache_write, write),
        (rates.cache_read, read),
        (rates.input, plain),
        (rates.output, tokens.output),
        (rates.request, tokens.responses * 1000),
    )
    amount = Decimal(0)
    for price, count in priced:
        if price is not None and count:
            amount = _EXACT.fma(_rate(price, tokens.input_total), Decimal(count), amount)
    return amount


def plus(one: Decimal, other: Decimal | int) -> Decimal:
    """The exact sum of two amounts."""
    return _EXACT.add(one, other)


def microdollars(amount: Decimal) -> int:
    """An exact amount as whole micro-dollars, half to even: the one rounding."""
    return int(amount.to_integral_value(ROUND_HALF_EVEN))


class PriceBook:
    """The prices of the models that were asked for so far; safe to use from several threads."""

    def __init__(self, lookup: Lookup | None = None) -> None:
        self._lookup = lookup or look_up
        self._sheets: dict[Model, Sheet | None] = {}
        self._retry_at = 0.0
        self._lock = threading.Lock()

    def sheet(self, model: Model) -> Sheet | None:
        """The prices of a model that was loaded, or None: it has no price."""
        return self._sheets.get(model)

    def load(self, models: Iterable[Model]) -> bool:
        """Looks up the models that are not known yet; True if any was new.

        A lookup that fails (no memory for a process, say) is logged, leaves them unpriced for now
        and is tried again after some minutes.
        """
        wanted = set(models)
        if wanted <= self._sheets.keys():
            return False
        with self._lock:
            missing = sorted(wanted - self._sheets.keys())
            if not missing:
                return True
            if time.monotonic() < self._retry_at:
                return False
            try:
                found = self._lookup(missing)
            except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
                self._retry_at = time.monotonic() + _RETRY_SECONDS
                _log.warning("looking up prices failed: %s", type(error).__name__)
                return False
            # Replaced, not changed: readers in other threads see the old or the new whole.
            self._sheets = self._sheets | dict(zip(missing, found, strict=True))
            return True

    def input_bands(self) -> list[int]:
        """Numbers of input tokens above which some price changes, ascending."""
        return sorted({start for price in self._prices() for start, _ in price.tiers})

    def clock_bands(self) -> list[int]:
        """Seconds of the UTC day at which some price changes, ascending."""
        edges = {
            edge
            for sheet in self._sheets.values()
            for term in sheet or ()
            for edge in (term.from_second, term.to_second)
        }
        return sorted(edge for edge in edges if edge is not None)

    def _prices(self) -> Iterable[Price]:
        for sheet in self._sheets.values():
            for term in sheet or ():
                for name in term.rates.__struct_fields__:
                    price = getattr(term.rates, name)
                    if price is not None:
                        yield price


def look_up(models: Sequence[Model]) -> list[Sheet | None]:
    """Asks a child process for the prices of models; it is gone when this returns."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "opensession.daemon.store.price_sheets"],
        input=msgspec.json.encode(models),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_LOOKUP_SECONDS,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=list[Sheet | None])


def _rates_at(sheet: Sheet, time_us: int) -> Rates:
    for term in reversed(sheet):
        if term.holds(time_us):
            return term.rates
    return sheet[0].rates


def _rate(price: Price, input_total: int) -> Decimal:
    value = price.base
    for start, tier in price.tiers:
        if input_total > start:
            value = tier
    return value
