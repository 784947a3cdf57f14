"""Why a session is or is not on its way to the hub: one judgement, for sending and `pending`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from opensession.core.config.settings import PublishRule
from opensession.core.rpc.publish import State
from opensession.daemon.publish import gate, policy
from opensession.daemon.publish.policy import Stream
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.session import Family
from opensession.daemon.repository_rules import RepositoryRules

TAKEN_BACK = "it was taken back"


class Circumstances(msgspec.Struct, frozen=True):
    """What the judgement depends on beside the session. `keeps(family)` is why privacy keeps it
    here, `over(family)` 0 once it ended, else when to look again (microseconds, wall clock);
    `stripping` tells the rules of now from others.
    """

    now_us: int
    streams: Sequence[Stream]
    rules: Sequence[PublishRule]
    own_rules: Callable[[str], RepositoryRules]
    keeps: Callable[[Family], str]
    over: Callable[[Family], int]
    paused_until_us: int = 0
    stripping: str = ""


class Standing(msgspec.Struct, frozen=True):
    """`state` is empty for what is no matter of publishing, or done. `due`: it may be sent now;
    `at_us` is when it is to be looked at again, 0 for not before it changes.
    """

    state: State | None
    reason: str = ""
    due: bool = False
    at_us: int = 0


def judge(found: Family, made: Publication | None, here: Circumstances) -> Standing:
    """How a session stands. That it is `due` only says that it may go: whether there is anything
    to send is seen when it is read.
    """
    session = found.session
    asked = made is not None and made.asked
    covered = policy.covers(policy.row_for(here.streams, found.root), session, found.root)
    if not (asked or covered or _waits(made)):
        return Standing(None)
    kept = kept_here(found, made, here)
    if kept is not None and not (kept.state == "ask" and asked):
        return kept
    if made is not None and made.refused:
        return Standing("refused", made.refused)
    if made is not None and made.differs:
        # It may be compared again, where the rules or the session changed once more.
        return Standing("differs", _differing(made), due=_moved(found, made, here))
    if here.paused_until_us > here.now_us:
        return Standing("waiting", "capture is paused", at_us=here.paused_until_us)
    if made is not None and made.next_try_us > here.now_us:
        return Standing("waiting", "the hub asked for a later try", at_us=made.next_try_us)
    if not asked and covered:
        at_us = _end(found, here)
        if at_us:
            return Standing("waiting", "it has not ended yet", at_us=at_us)
    done = made is not None and not _moved(found, made, here) and made.seq >= session.event_count
    return Standing(None if done else "due", "", due=True)


def kept_here(found: Family, made: Publication | None, here: Circumstances) -> Standing | None:
    """What a rule or a person says against sending; None if nothing does."""
    why = here.keeps(found)
    if why:
        return Standing("blocked", why)
    folder = found.root.cwd or found.root.git_root
    action, said = gate.action(here.rules, here.own_rules(folder), found.root)
    if action == gate.NEVER:
        return Standing("never", said)
    if made is not None and made.denied_us:
        return Standing("denied", "it was denied")
    if made is not None and (made.recall_us or made.recalled_us):
        return Standing("denied", TAKEN_BACK)
    if action == gate.ASK and not (made is not None and made.approved_us):
        return Standing("ask", said)
    return None


def _end(found: Family, here: Circumstances) -> int:
    """When to look again whether a session that waits for its end has ended; 0 if it may go."""
    row = policy.row_for(here.streams, found.root)
    return here.over(found) if row is not None and row.mode == "session_end" else 0


def _waits(made: Publication | None) -> bool:
    """Whether there is something to be said of a session that no policy covers (any more)."""
    return made is not None and bool(made.refused or made.differs) and not made.recalled_us


def _moved(found: Family, made: Publication, here: Circumstances) -> bool:
    """Whether more than appends happened to a session since it was compared with what was sent."""
    session = found.session
    return bool(made.attempted) and (
        made.settled_us != session.settled_us
        or made.parser_version != session.parser_version
        or made.rules != rules_of(here.stripping, session.rules)
    )


def rules_of(now: str, stored: str) -> str:
    """By which rules lines are made: those of now, over what was stored by others, maybe older."""
    return f"{now}.{stored}"


def _differing(made: Publication) -> str:
    if made.differs_secret:
        return "newer rules take a secret out of what was sent"
    return "newer rules or a newer parser make other bytes of what was sent"
