"""What agents call sessions in a file beside them, as that is now.

Such a name is no event and changes nothing of a session's bytes, so it is neither archived nor
indexed: it is looked up when a session is shown, stripped as a title is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from opensession.core.privacy import Stripper, beginning
from opensession.daemon.store.sessions_write import TITLE_CHARS
from opensession.parsers.agent import Agent, SourceGone, SourceRefused
from opensession.parsers.stamps import Stamp, stamp_of

log = logging.getLogger(__name__)

_CUT = 16 * TITLE_CHARS
"""What of a name is looked at."""


class _Read(NamedTuple):
    stamp: Stamp
    stripper: Stripper
    names: Mapping[str, str]


class NativeNames:
    """May be asked from any thread. A file is read when its stamp differs from the last one."""

    def __init__(self, agents: Sequence[Agent]) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._read: dict[str, _Read] = {}
        self._reading = threading.Lock()

    def of(self, stripper: Stripper, agent: str, root: str) -> Mapping[str, str]:
        """The names of the sessions below a root, by id; none where there is no such file."""
        known = self._agents.get(agent)
        if known is None or known.foreign or not (path := known.names_file(root)):
            return {}
        with self._reading:
            stamp = stamp_of((path,))
            if stamp is None:
                return {}
            before = self._read.get(path)
            if before is None or (before.stamp, before.stripper) != (stamp, stripper):
                before = _Read(stamp, stripper, _names(known, path, stripper))
                self._read[path] = before
            return before.names


def _names(agent: Agent, path: str, stripper: Stripper) -> dict[str, str]:
    try:
        found = agent.names_in(path)
    except (SourceGone, SourceRefused, OSError) as error:
        log.warning("names of %s are not read: %s", agent.name, type(error).__name__)
        return {}
    return {native_id: _title(name, stripper) for native_id, name in found.items()}


def _title(name: str, stripper: Stripper) -> str:
    line = " ".join(name[:_CUT].encode(errors="replace").decode().replace("\0", " ").split())
    return beginning(stripper.strip_text(line)[0], TITLE_CHARS)
