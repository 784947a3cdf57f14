"""What the hooks of agents drop into the state folder's `hints/`, and the daemon reads and removes.

A hint is an empty file; its name is all of it: `<happened>.<agent>.<session id>`, where `turn`
says that the agent wrote something and `end` that the session ended. The id is the agent's own;
it is left out (with its dot) where the hook was not told. A hook that fires again before the file
is taken writes the same name, so what piles up without a daemon is bounded by the sessions.
Nothing of a session's text is in it.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Happened = Literal["turn", "end"]

_NAME = re.compile(r"(turn|end)\.([a-z0-9-]{1,40})(?:\.([A-Za-z0-9][A-Za-z0-9._-]{0,127}))?\Z")


class Hint(NamedTuple):
    """What a hook said. `session_id` is empty where it was not told."""

    happened: Happened
    agent: str
    session_id: str


def read_hint(name: str) -> Hint | None:
    """The hint that a file's name is; None for a file that is none of ours."""
    found = _NAME.match(name)
    if found is None:
        return None
    happened: Happened = "end" if found[1] == "end" else "turn"
    return Hint(happened, found[2], found[3] or "")
