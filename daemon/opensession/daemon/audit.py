"""The audit log: one line for everything that left or was destroyed, without any content.

`audit.log` in the state folder, JSON lines, 0600: when, which method, what it was done to (ids and
counts, never a word of a session).
"""

from __future__ import annotations

import os
import time
from typing import Literal

import msgspec

from opensession.core.paths import Paths, make_private
from opensession.core.timeparse import format_time

Fact = str | int | bool | list[str]


def record(
    paths: Paths, method: str, effect: Literal["change", "exit", "destroy"], **facts: Fact
) -> None:
    """Adds a line, which is on the disk when this returns. Raises OSError."""
    now = format_time(time.time_ns() // 1000)
    line = msgspec.json.encode({"time": now, "method": method, "effect": effect, **facts}) + b"\n"
    make_private(paths.state_dir)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(paths.state_dir / "audit.log", flags, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
