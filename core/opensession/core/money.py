"""Money in integer micro-dollars: exact sums, one rounding, and how it is shown."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

MICRO = 1_000_000


def micro_dollars(dollars: Decimal) -> int:
    """Dollars as whole micro-dollars, half to even."""
    return int((dollars * MICRO).to_integral_value(ROUND_HALF_EVEN))


def format_dollars(micros: int | None) -> str:
    """As people read it: `$0.84`, `$1,204.10`, below a cent `$0.0042`; `unpriced` for None."""
    if micros is None:
        return "unpriced"
    sign = "-" if micros < 0 else ""
    amount = Decimal(abs(micros)) / MICRO
    if 0 < amount < Decimal("0.01"):
        shown = amount.quantize(Decimal("0.0001"))
        return f"{sign}${shown}" if shown else f"{sign}<$0.0001"
    return f"{sign}${amount.quantize(Decimal('0.01')):,}"
