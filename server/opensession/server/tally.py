"""What adds up over the events of a session, so that an append never reads the earlier ones.

A `Fact` is all that counts of one event. A `Tally` is the sum of facts in the order of their seq:
`added(tally, facts)` of a session's parts gives the same as of the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from opensession.core.hail import Event
from opensession.core.stats import CALLS, TOKENS, is_error, is_message, response_id

_RESPONSES = 64
"""How many of the last responses may still be told other tokens."""

_LANES = 256
_TOKENS = frozenset(TOKENS)
_TASKS = 4096


class Fact(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One event. `tokens` are input and output; `totals` those that an agent kept itself."""

    time_us: int
    message: bool = False
    user: bool = False
    call: bool = False
    error: bool = False
    failed_shell: bool = False
    succeeded: bool = False
    task: str = ""
    response: str = ""
    tokens: tuple[int, int] | None = None
    totals: tuple[int, int] | None = None


class Tally(msgspec.Struct, array_like=True):
    """Sums. `open` are responses that may still grow, `failing` lanes whose last result failed,
    `tasks` hashes of task ids.
    """

    events: int = 0
    messages: int = 0
    user_messages: int = 0
    calls: int = 0
    errors: int = 0
    failed_shells: int = 0
    recoveries: int = 0
    first_us: int | None = None
    last_us: int | None = None
    input: int = 0
    output: int = 0
    kept_input: int | None = None
    kept_output: int | None = None
    open: dict[str, tuple[int, int]] = {}
    failing: list[str] = []
    tasks: list[bytes] = []

    @property
    def input_tokens(self) -> int:
        """Uncached input of all responses."""
        if self.kept_input is not None:
            return self.kept_input
        return self.input + sum(tokens[0] for tokens in self.open.values())

    @property
    def output_tokens(self) -> int:
        """Output of all responses."""
        if self.kept_output is not None:
            return self.kept_output
        return self.output + sum(tokens[1] for tokens in self.open.values())


def fact(event: Event) -> Fact:
    """What counts of an event."""
    attributes = event.attributes
    tokens = totals = None
    if not _TOKENS.isdisjoint(attributes):
        tokens = _count(attributes.get("input_tokens")), _count(attributes.get("output_tokens"))
    if "input_tokens_total" in attributes or "output_tokens_total" in attributes:
        totals = (
            _count(attributes.get("input_tokens_total")),
            _count(attributes.get("output_tokens_total")),
        )
    code = attributes.get("result.exit_code")
    if code is None and event.type == "ShellCommand" and event.data is not None:
        code = event.data.get("exit_code")
    failed_shell = type(code) is int and code != 0
    error = is_error(event) or failed_shell
    marked = event.type == "ToolResult" and (event.data or {}).get("is_error") is True
    return Fact(
        time_us=event.time_us,
        message=is_message(event),
        user=event.type == "UserMessage",
        call=event.type in CALLS,
        error=marked,
        failed_shell=failed_shell,
        succeeded=(event.type == "ToolResult" or code == 0) and not error,
        task=event.task_id or "",
        response=response_id(event) if tokens else "",
        tokens=tokens,
        totals=totals,
    )


def added(tally: Tally, facts: Iterable[Fact]) -> Tally:
    """The tally after further events; the one given stays as it is."""
    new = msgspec.structs.replace(tally)
    new.open, new.failing, new.tasks = dict(tally.open), list(tally.failing), list(tally.tasks)
    for one in facts:
        _add(new, one)
    return new


def _add(tally: Tally, one: Fact) -> None:
    tally.events += 1
    tally.messages += one.message
    tally.user_messages += one.user
    tally.calls += one.call
    tally.errors += one.error
    tally.failed_shells += one.failed_shell
    first, last = tally.first_us, tally.last_us
    tally.first_us = one.time_us if first is None else min(first, one.time_us)
    tally.last_us = one.time_us if last is None else max(last, one.time_us)
    if one.error or one.failed_shell:
        if one.task not in tally.failing and len(tally.failing) < _LANES:
            tally.failing.append(one.task)
    elif one.succeeded and one.task in tally.failing:
        tally.failing.remove(one.task)
        tally.recoveries += 1
    if one.task:
        name = hashlib.sha256(one.task.encode(errors="replace")).digest()[:8]
        if name not in tally.tasks and len(tally.tasks) < _TASKS:
            tally.tasks.append(name)
    if one.totals is not None:
        tally.kept_input = max(tally.kept_input or 0, one.totals[0])
        tally.kept_output = max(tally.kept_output or 0, one.totals[1])
    if one.tokens is None:
        return
    if not one.response:
        tally.input += one.tokens[0]
        tally.output += one.tokens[1]
        return
    tally.open.pop(one.response, None)
    tally.open[one.response] = one.tokens
    if len(tally.open) > _RESPONSES:
        oldest = next(iter(tally.open))
        taken, given = tally.open.pop(oldest)
        tally.input += taken
        tally.output += given


def _count(value: object) -> int:
    """A token count; anything but a whole number that fits is none."""
    return value if type(value) is int and 0 < value < 1 << 53 else 0
