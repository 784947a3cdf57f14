"""Money in integer micro-dollars, and how it is shown."""

from __future__ import annotations

from decimal import Decimal

MICRO = 1_000_000


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
