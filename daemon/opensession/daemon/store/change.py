"""What a commit changed in one session, as the bus passes it on."""

from __future__ import annotations

import msgspec


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Events `first_seq`..`last_seq` of a session are new; both 0 where only other things changed.

    `rewound` says that events from `first_seq` on were there before and were replaced or are gone
    (then `last_seq` may be less than `first_seq`); `new` that the session was not there before.
    `session` is its row. A session that is gone has `gone`.
    """

    session: int
    native_id: str
    agent: str
    short: str
    title: str
    first_seq: int
    last_seq: int
    rewound: bool = False
    new: bool = False
    gone: bool = False
