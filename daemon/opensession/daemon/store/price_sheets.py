"""The child process of `prices`: models on stdin, their prices by `genai-prices` on stdout.

Only the data that came with the package is used; nothing is fetched.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

import msgspec
from genai_prices import data_snapshot, types

from opensession.daemon.store.prices import Model, Price, Rates, Sheet, Term

_FREE = {"ollama", "lmstudio", "llamacpp", "llama.cpp", "llamafile", "vllm", "mlx", "oss", "local"}
"""Providers that run on the user's own machine: the price that others take says nothing here."""

_KEYS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "request": "requests_kcount",
}
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def sheet_of(provider: str, model: str) -> Sheet | None:
    """The prices of a model, or None where there is none.

    The recorded provider is tried first, then whoever makes a model of that name: people reach the
    same models through gateways of any name.
    """
    if provider.lower() in _FREE:
        return None
    for candidate_provider, candidate_model in _candidates(provider, model):
        try:
            _, info = data_snapshot.get_snapshot().find_provider_model(
                candidate_model, None, candidate_provider, None
            )
        except LookupError:
            continue
        sheet = _sheet(info)
        if sheet is not None:
            return sheet
    return None


def _candidates(provider: str, model: str) -> list[tuple[str | None, str]]:
    name = model.strip().removesuffix("[1m]")
    candidates: list[tuple[str | None, str]] = []
    if provider:
        candidates.append((provider, name))
    candidates.append((None, name))
    if "/" in name:
        maker, _, rest = name.partition("/")
        candidates += [(maker, rest), (None, rest)]
    return candidates


def _sheet(info: types.ModelInfo) -> Sheet | None:
    if isinstance(info.prices, list):
        terms = tuple(_term(price.constraint, price.prices) for price in info.prices)
    else:
        terms = (_term(None, info.prices),)
    if not terms or all(t.rates.input is None and t.rates.output is None for t in terms):
        return None
    return terms


def _term(
    constraint: types.StartDateConstraint | types.TimeOfDateConstraint | None,
    prices: types.ModelPrice,
) -> Term:
    rates = Rates(**{name: _price(getattr(prices, key)) for name, key in _KEYS.items()})
    if isinstance(constraint, types.StartDateConstraint):
        return Term(rates=rates, from_day=constraint.start_date.toordinal() - _EPOCH_DAY)
    if isinstance(constraint, types.TimeOfDateConstraint):
        return Term(
            rates=rates,
            from_second=_utc_second(constraint.start_time),
            to_second=_utc_second(constraint.end_time),
        )
    return Term(rates=rates)


def _price(value: Decimal | types.TieredPrices | None) -> Price | None:
    if value is None:
        return None
    if isinstance(value, types.TieredPrices):
        return Price(value.base, tuple((tier.start, tier.price) for tier in value.tiers))
    return Price(value)


def _utc_second(value: time) -> int:
    if value.tzinfo is not None:
        value = datetime.combine(date(1970, 1, 1), value).astimezone(UTC).time()
    return value.hour * 3600 + value.minute * 60 + value.second


def main() -> None:
    models: Sequence[Model] = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Model])
    sheets = [sheet_of(provider, model) for provider, model in models]
    sys.stdout.buffer.write(msgspec.json.encode(sheets))


if __name__ == "__main__":
    main()
