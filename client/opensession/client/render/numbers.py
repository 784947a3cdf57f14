"""Numbers and times for people: short, relative, exact only where it matters."""

from __future__ import annotations

_UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))
_BYTES = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))
_AGES = (
    (365 * 86400, "y"),
    (30 * 86400, "mo"),
    (7 * 86400, "w"),
    (86400, "d"),
    (3600, "h"),
    (60, "min"),
)


def short(number: int) -> str:
    """A count: `812`, `59.8k`, `1.2M`."""
    for size, unit in _UNITS:
        if number >= size:
            return _three(number / size) + unit
    return str(number)


def grouped(number: int) -> str:
    """A count with its thousands apart: `1,204`."""
    return f"{number:,}"


def size(number: int) -> str:
    """A size: `412 MB`, `2.9 GB`."""
    for unit_size, unit in _BYTES:
        if number >= unit_size:
            return f"{_three(number / unit_size)} {unit}"
    return f"{number} B"


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}".removesuffix(".0")


def percent(part: float) -> str:
    """A share of 0 to 1: `62 %`; below one per cent with the digits that say something."""
    value = part * 100
    if 0 < value < 1:
        return f"{value:.2g} %"
    if 99 < value < 100:
        return "99 %"  # not done is never shown as done
    return f"{value:.0f} %"


def span(seconds: float) -> str:
    """A length of time: `0.4 s`, `12 s`, `26 min`, `3 h 5 min`, `3 d 2 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86400:
        hours, minutes = divmod(whole // 60, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(whole // 3600, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def ago(then_us: int | None, now_us: int) -> str:
    """How long ago: `12 s ago`, `3 w ago`, `in 2 h`. Some agents write no times (0)."""
    if then_us is None:
        return "unknown"
    if then_us <= 0:
        return "no time known"
    seconds = (now_us - then_us) // 1_000_000
    if -2 <= seconds < 2:
        return "now"
    text = _age(abs(seconds))
    return f"{text} ago" if seconds > 0 else f"in {text}"


def _age(seconds: int) -> str:
    for unit_seconds, unit in _AGES:
        if seconds >= unit_seconds:
            return f"{seconds // unit_seconds} {unit}"
    return f"{seconds} s"


def count(number: int, one: str, many: str = "") -> str:
    """`1 error`, `3 errors`, `no errors`, `1,204 errors`."""
    if number == 0:
        return f"no {many or one + 's'}"
    return f"{number:,} {one if number == 1 else many or one + 's'}"
