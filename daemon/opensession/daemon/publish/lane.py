"""The steps of one session's lane, without doing them: from what is known and what the hub
answered to what is known next.

Within one (generation, rewind) nothing that may have reached the hub is ever sent as other bytes.
So a request that was cut, repeated or overtaken changes nothing that another one does not.
"""

from __future__ import annotations

import msgspec

from opensession.core.hub import Have, Receipt
from opensession.daemon.publish import records
from opensession.daemon.publish.records import Publication

GONE = "it was taken back on the hub, or expired there"


class Differs(msgspec.Struct, frozen=True):
    """How the lines of now compare with those that were sent: `first` is the seq of the first that
    differs or is not there any more, 0 if none. `secret`: one that differs has a placeholder.
    """

    first: int = 0
    secret: bool = False


def compared(
    made: Publication, found: Differs, *, settled_us: int, parser_version: int, rules: str
) -> tuple[Publication, bool]:
    """The publication after all lines that were attempted were compared with those of now; and
    whether it may go on. It may not where newer rules or a newer parser made the difference.
    """
    other = (made.parser_version, made.rules) != (parser_version, rules)
    state = msgspec.structs.replace(
        made, settled_us=settled_us, parser_version=parser_version, rules=rules
    )
    if not found.first:
        return msgspec.structs.replace(state, differs=0, differs_secret=0), True
    if other and made.attempted:
        differing = msgspec.structs.replace(
            made, differs=found.first, differs_secret=int(found.secret or made.differs_secret)
        )
        return differing, False
    return rewound(state, found.first), True


def rewound(made: Publication, first: int) -> Publication:
    """Lines from `first` on are others now: the next rewind, or generation where none stays.

    The chain of what stays has to be known anew: `chain` is empty then.
    """
    clean = msgspec.structs.replace(made, differs=0, differs_secret=0)
    if first <= 1 or not made.seq:
        return anew(clean) if made.seq else _rewind(clean, 0)
    return _rewind(clean, min(first - 1, made.seq))


def anew(made: Publication, generation: int = 0) -> Publication:
    """Everything is sent again, as the next generation (or a higher one)."""
    return msgspec.structs.replace(
        made,
        generation=max(made.generation + 1, generation),
        rewind=0,
        seq=0,
        chain=b"",
        attempted=0,
        header=b"",
        differs=0,
        differs_secret=0,
    )


def accepted(
    made: Publication, last: int, chain: bytes, header: bytes, receipt: Receipt
) -> Publication | None:
    """The publication after a receipt for lines up to `last`; None if it does not tell of these."""
    if (receipt.generation, receipt.rewind) != (made.generation, made.rewind):
        return None
    if receipt.seq < last or (receipt.seq == last and receipt.chain != chain.hex()):
        return None
    now = records.now_us()
    return msgspec.structs.replace(
        made,
        seq=last,
        chain=chain,
        header=header,
        refused="",
        failures=0,
        next_try_us=0,
        url=receipt.url or made.url,
        first_sent_us=made.first_sent_us or now,
        last_sent_us=now,
        findings=records.with_findings(made.findings, receipt.findings),
    )


def conflicted(made: Publication, have: Have, same: bool) -> Publication:
    """The publication after the hub said what it has instead. `same`: the lines of now up to
    `have.seq` have the chain that the hub tells, in the hub's generation.
    """
    if have.gone:
        return gone(made, have)
    ours = (made.generation, made.rewind)
    theirs = (have.generation, have.rewind)
    if not have.generation:
        return _back(made, 0)  # the hub lost it, or never had it
    if theirs < ours:
        there = same and have.generation == made.generation and have.seq < made.seq
        return _back(made, have.seq if there else 0)
    if theirs == ours:
        if same:
            return _back(made, min(have.seq, made.seq)) if have.seq < made.seq else _at(made, have)
        return _rewind(made, made.seq if have.seq > made.seq else 0)
    newer = msgspec.structs.replace(made, generation=have.generation, rewind=have.rewind)
    return _at(newer, have) if same else _rewind(newer, 0)


def gone(made: Publication, have: Have | None) -> Publication:
    """The hub has only a tombstone: nothing goes there until a person says so."""
    generation = max(made.generation, have.generation if have is not None else 0)
    return msgspec.structs.replace(made, generation=generation, gone=1, refused=GONE)


def _rewind(made: Publication, keep: int) -> Publication:
    return msgspec.structs.replace(
        made, rewind=made.rewind + 1, seq=keep, chain=b"", attempted=keep, header=b""
    )


def _back(made: Publication, seq: int) -> Publication:
    """The same, sent again from after `seq`: what was attempted stays so."""
    return msgspec.structs.replace(made, seq=seq, chain=b"", header=b"")


def _at(made: Publication, have: Have) -> Publication:
    """The hub has the lines of now up to `have.seq`."""
    return msgspec.structs.replace(
        made,
        seq=have.seq,
        chain=bytes.fromhex(have.chain),
        attempted=max(have.seq, made.attempted),
        header=b"",
    )
