"""One pass over records of a session: its timeline, and what was told of which message.

Gemini CLI writes a message again whenever more is known of it, and lists the whole history anew
when a session is resumed or compressed. What was told is therefore remembered, by small numbers for
the messages and calls of late.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from opensession.parsers.gemini_parts import Tokens, attributes_of
from opensession.parsers.timeline import State, Timeline, dump

KNOWN_MESSAGES = 1024
KNOWN_CALLS = 512
RECENT_MESSAGES = 32
"""Messages that may still be written again with more in them: the latest ones."""

SPENT_MESSAGES = 128
"""Responses whose tokens are still counted after they are taken back."""


class Told(msgspec.Struct, array_like=True):
    """What was told of a message: of its text a number, of the rest how much."""

    words: int = 0
    thoughts: int = 0
    events: int = 0
    tokens: list[int] = []


class Spent(msgspec.Struct, array_like=True):
    """The tokens of a response, and the seq of the event they are told with."""

    seq: int
    model: str
    tokens: list[int]


class Memory(msgspec.Struct):
    """What is remembered of a session beside its timeline.

    `known` has for each message how many events were told before it; `forgot` says that there were
    more messages than it holds. `calls` has whether each call was answered.
    """

    hash: str = ""
    prompt: int = 0
    known: dict[int, int] = {}
    forgot: bool = False
    recent: dict[str, Told] = {}
    calls: dict[int, bool] = {}
    forgot_calls: bool = False
    spent: dict[str, Spent] = {}


def digest(value: str) -> int:
    """A number for an id or a text, to know it again."""
    made = hashlib.blake2b(value.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(made) >> 1


class Reading:
    """The timeline that records are told to, and the memory of what was told."""

    def __init__(self, agent: str, state: State) -> None:
        self.line = Timeline(agent, state)
        self.memory = msgspec.convert(state.own, Memory)

    @property
    def state(self) -> State:
        """What is known of the session."""
        return self.line.state

    def finish(self) -> bytes:
        """The state after the records, as bytes."""
        self.state.own = msgspec.to_builtins(self.memory)
        return dump(self.state)

    def knows(self, message_id: str) -> bool:
        """Reports whether a message was told before."""
        return bool(message_id) and digest(message_id) in self.memory.known

    def remember(self, message_id: str, before: int) -> None:
        """Remembers a message that was told after `before` events."""
        known = self.memory.known
        if not message_id or digest(message_id) in known:
            return
        known[digest(message_id)] = before
        if len(known) > KNOWN_MESSAGES:
            del known[next(iter(known))]
            self.memory.forgot = True

    def keep_told(self, message_id: str, told: Told) -> None:
        """Remembers what was told of a message that may be written again."""
        recent = self.memory.recent
        recent.pop(message_id, None)
        recent[message_id] = told
        if len(recent) > RECENT_MESSAGES:
            del recent[next(iter(recent))]

    def met_call(self, call_id: str, *, answered: bool) -> None:
        """Remembers a call, or that it was answered."""
        calls = self.memory.calls
        calls[digest(call_id)] = answered
        if len(calls) > KNOWN_CALLS:
            del calls[next(iter(calls))]
            self.memory.forgot_calls = True

    def spend(self, message_id: str, model: str, tokens: Tokens) -> None:
        """Counts the tokens of a response, with the latest event, which names one without an id."""
        message_id = message_id or f"~{self.state.count}"
        self.line.usage(
            message_id,
            model=model,
            input=tokens.input,
            output=tokens.output,
            cache_read=tokens.cached,
        )
        spent = self.memory.spent
        spent.pop(message_id, None)
        spent[message_id] = Spent(self.state.count, model, list(tokens))
        if len(spent) > SPENT_MESSAGES:
            del spent[next(iter(spent))]

    def rewind(self, target: str) -> None:
        """Takes back a message and all after it, as the person did in the agent.

        What was spent on them stays counted, with events that only tell this. A message that is not
        remembered takes nothing back.
        """
        memory, line = self.memory, self.line
        before = memory.known.get(digest(target))
        attributes: dict[str, Any] = {"rewind.to": target[:256]}
        if before is None:
            line.emit("Custom", None, data={"kind": "rewind"}, attributes=attributes)
            return
        attributes["rewind.events"] = self.state.count - before
        line.rewind(before)
        known = list(memory.known)
        memory.known = {key: memory.known[key] for key in known[: known.index(digest(target))]}
        memory.recent = {key: told for key, told in memory.recent.items() if self.knows(key)}
        if memory.prompt > before:
            memory.prompt = 0
            self.state.first_prompt = ""
        line.emit("Custom", None, data={"kind": "rewind"}, attributes=attributes)
        for message_id, spent in list(memory.spent.items()):
            if spent.seq > before:
                tokens = Tokens(*spent.tokens)
                own = attributes_of(message_id, spent.model, tokens)
                line.emit("Custom", None, data={"kind": "token_count"}, attributes=own)
                self.spend(message_id, spent.model, tokens)
