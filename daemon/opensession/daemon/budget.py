"""What the daemon and its workers cost the machine, and when the backlog has to slow down.

Workers run at low priority, so a busy processor needs no rule: the kernel gives them what is left.
Memory and a battery it does not protect.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import msgspec
import psutil

MEMORY_CAP = 280 << 20
"""Bytes of the daemon with its workers above which no further work is begun."""

MEMORY_LOW = 230 << 20
"""Bytes below which a backlog that was held back goes on."""

PRESSURE_LIMIT = 20.0
"""Percent of the last ten seconds in which something waited for memory."""

_AVERAGE = re.compile(r"^some avg10=([0-9.]+)", re.MULTILINE)


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes and CPU seconds; `pss_bytes` (with children) is None where the platform has none.

    `cpu_seconds` includes children that have ended.
    """

    rss_bytes: int
    pss_bytes: int | None
    cpu_seconds: float
    children: int

    @property
    def memory(self) -> int:
        """The best figure there is for the whole."""
        return self.rss_bytes if self.pss_bytes is None else self.pss_bytes


class Strain(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks against more work now: memory in bytes, pressure in percent."""

    memory: int
    memory_pressure: float = 0.0
    on_battery: bool = False


def cost() -> Cost:
    """What this process and its children use now."""
    own = psutil.Process()
    children = own.children(recursive=True)
    with own.oneshot():
        times = own.cpu_times()
        rss = own.memory_info().rss
    pss = _pss(own.pid)
    for child in children:
        more = _pss(child.pid)
        pss = None if pss is None or more is None else pss + more
    return Cost(
        rss_bytes=rss,
        pss_bytes=pss,
        cpu_seconds=times.user + times.system + times.children_user + times.children_system,
        children=len(children),
    )


def strain() -> Strain:
    """How hard the machine has it now."""
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return Strain(
        memory=cost().memory,
        memory_pressure=pressure(Path("/proc/pressure/memory")),
        on_battery=battery is not None and battery.power_plugged is False,
    )


def pressure(path: Path) -> float:
    """The share of the last ten seconds in which some task waited, in percent; 0 if unknown."""
    try:
        match = _AVERAGE.search(path.read_text(encoding="ascii"))
    except OSError:
        return 0.0
    return float(match[1]) if match else 0.0


def workers_allowed(most: int, now: int, found: Strain) -> int:
    """How many workers may run, of at most `most`, while `now` are allowed: all of them, one on
    a battery or when memory is short, none above our own cap until we are well below it.
    """
    if found.memory > MEMORY_CAP or (now == 0 and found.memory > MEMORY_LOW):
        return 0
    if found.on_battery or found.memory_pressure > PRESSURE_LIMIT:
        return min(1, most)
    return most


def _pss(pid: int) -> int | None:
    """Proportional memory of a process, 0 if it ended just now; None where there is no figure."""
    if sys.platform != "linux":
        return None
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:  # noqa: PTH123
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) << 10
    except (FileNotFoundError, ProcessLookupError):
        return 0 if not os.path.exists(f"/proc/{pid}") else None  # noqa: PTH110
    except OSError:
        return None
    return 0
