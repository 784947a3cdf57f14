"""Figures, and how they are printed."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One measured figure beside its budget (empty: none); `met` is None without one."""

    name: str
    value: str
    budget: str = ""
    met: bool | None = None
    note: str = ""


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of all lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def at_most(name: str, value: float, unit: str, limit: float, note: str = "") -> Figure:
    """A figure that has to stay at or under its budget."""
    return Figure(name, f"{value:.3g} {unit}", f"≤ {limit:g} {unit}", value <= limit, note)


def at_least(name: str, value: float, unit: str, limit: float, note: str = "") -> Figure:
    """A figure that has to reach its budget."""
    return Figure(name, f"{value:.3g} {unit}", f"≥ {limit:g} {unit}", value >= limit, note)


def machine() -> str:
    """The machine's shape and the date, in one line."""
    with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123
        memory = int(file.readline().split()[1]) // (1 << 20)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores {platform.machine()}, "
        f"{memory} GiB, Linux {platform.release()}, Python {platform.python_version()}"
    )


def markdown(figures: list[Figure]) -> str:
    """The table for docs/performance.md."""
    mark = {True: "yes", False: "no", None: ""}
    lines = ["| what | measured | budget | met | how |", "|---|---|---|---|---|"]
    lines += [f"| {f.name} | {f.value} | {f.budget} | {mark[f.met]} | {f.note} |" for f in figures]
    return "\n".join(lines)
