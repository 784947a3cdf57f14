"""What a batch does to what the hub has of a session: the rules of `core.hub`, as one function.

Nothing is read here but the chain at some seq, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from opensession.core.hub import Have
from opensession.server.storage.interface import Refusal

Kind = Literal["nothing", "append", "create", "replace", "rewind"]


class State(NamedTuple):
    """What is there: `seq` events, with `chain` after the last. `gone`: only a tombstone is."""

    generation: int
    rewind: int
    seq: int
    chain: bytes
    gone: bool = False


class Sent(NamedTuple):
    """What a batch says of itself; `hashes` are the chain after each of its events, `start` the
    chain that a session of its key and generation begins with.
    """

    generation: int
    rewind: int
    first: int
    chain: bytes
    hashes: Sequence[bytes]
    start: bytes

    @property
    def last(self) -> int:
        """The seq of its last event; the one before `first` where it has none."""
        return self.first - 1 + len(self.hashes)


class Decision(NamedTuple):
    """`keep` events of what is there stay; of the batch's the first `skip` are there already."""

    kind: Kind
    keep: int
    skip: int


def have_of(state: State | None) -> Have:
    """What is there, as it is told to those whose batch is refused."""
    if state is None:
        return Have()
    if state.gone:
        return Have(generation=state.generation, rewind=state.rewind, gone=True)
    return Have(
        generation=state.generation,
        rewind=state.rewind,
        seq=state.seq,
        chain=state.chain.hex(),
    )


def decide(state: State | None, sent: Sent, chain_at: Callable[[int], bytes]) -> Decision:
    """What is to be done. `chain_at` gives the chain at a seq from 1 to `state.seq`.

    Raises Refusal where the batch does not follow.
    """
    if state is None:
        _begins(state, sent)
        return Decision("create", 0, 0)
    if state.gone:
        if sent.generation <= state.generation:
            raise Refusal(have_of(state), "the session was taken back")
        _begins(state, sent)
        return Decision("create", 0, 0)
    mine, theirs = (state.generation, state.rewind), (sent.generation, sent.rewind)
    if theirs < mine:
        raise Refusal(have_of(state), "it was overtaken by a newer version")
    if sent.generation > state.generation:
        _begins(state, sent)
        return Decision("replace", 0, 0)
    if sent.first > state.seq + 1:
        raise Refusal(have_of(state), "events are missing before it")
    if sent.chain != _chain(state, sent.start, sent.first - 1, chain_at):
        raise Refusal(have_of(state), "what comes before it is not the same here")
    if sent.rewind > state.rewind:
        return Decision("rewind", sent.first - 1, 0)
    known = min(state.seq, sent.last) - (sent.first - 1)
    if known > 0:
        there = _chain(state, sent.start, sent.first - 1 + known, chain_at)
        if sent.hashes[known - 1] != there:
            raise Refusal(have_of(state), "events that are here already are not the same")
    if sent.last <= state.seq:
        return Decision("nothing", state.seq, len(sent.hashes))
    return Decision("append", state.seq, max(known, 0))


def _begins(state: State | None, sent: Sent) -> None:
    if sent.first != 1:
        raise Refusal(have_of(state), "it does not begin with the first event")
    if sent.chain != sent.start:
        raise Refusal(have_of(state), "its chain does not begin as that of this session does")


def _chain(state: State, start: bytes, seq: int, chain_at: Callable[[int], bytes]) -> bytes:
    if seq == 0:
        return start
    return state.chain if seq == state.seq else chain_at(seq)
