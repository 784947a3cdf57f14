"""The command that an agent runs: a line of POSIX sh that drops one hint and never gets in the way.

What takes time (reading what the agent says on stdin) happens behind: the agent gets its exit code
0 after two system calls, and its whole stdin is taken, so it never writes into a closed pipe. The
session's id is all that is read; a hint's name is all that is written.
"""

from __future__ import annotations

import shlex

from opensession.core.hints import Happened

MARK = ": opensession-hook;"
"""What our commands begin with, and what they are found by."""

_LOOKED_AT = 4096
"""Bytes of the agent's JSON in which its session's id stands."""

_ID = r"\([A-Za-z0-9][A-Za-z0-9._-]*\)"


def on_stdin(happened: Happened, agent: str, hints_dir: str, key: str) -> str:
    """A command that finds the session's id under `key` of the JSON on its stdin."""
    # The descriptor is kept under another number: a shell gives what runs behind no stdin.
    work = f"i=$(head -c {_LOOKED_AT} <&3 | {_find(key)}); cat <&3; {_drop(happened, agent)}"
    return f"{_guard(hints_dir)} exec 3<&0; ({work}) >/dev/null 2>&1 & exit 0"


def on_argument(happened: Happened, agent: str, hints_dir: str, key: str) -> str:
    """As `on_stdin`, for an agent that gives its JSON as the last argument."""
    work = f'i=$(printf %s "$1" | head -c {_LOOKED_AT} | {_find(key)}); {_drop(happened, agent)}'
    return f"{_guard(hints_dir)} ({work}) </dev/null >/dev/null 2>&1 & exit 0"


def is_ours(command: object, hints_dir: str) -> bool:
    """Reports whether a command of an agent's settings is one of ours, for this very home."""
    return isinstance(command, str) and command.startswith(_guard(hints_dir))


def _guard(hints_dir: str) -> str:
    return f'{MARK} d={shlex.quote(hints_dir)}; [ -d "$d" ] || exit 0;'


def _find(key: str) -> str:
    """The first value of a key, by splitting at what stands before keys: text of a session is
    inside JSON strings, where its quotes are escaped.
    """
    wanted = rf'^ *"{key}" *: *"'
    return f"tr ',{{' '\\n\\n' | sed -n '/{wanted}/{{s/{wanted}{_ID}\".*/\\1/p;q;}}'"


def _drop(happened: Happened, agent: str) -> str:
    return f'umask 077; : >"$d/{happened}.{agent}${{i:+.$i}}"'
