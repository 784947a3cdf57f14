"""Sources below none of today's roots: an agent that was turned off or told to write elsewhere, a
custom folder that was taken out, a backup of another home. No reconcile comes by them, so each is
looked at by itself now and then.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from opensession.daemon import mounts
from opensession.daemon.dispatch import Dispatch
from opensession.daemon.store.sources import AWAY
from opensession.parsers.agent import Root


def look(dispatch: Dispatch, roots: Collection[Root], now: float) -> None:
    """Marks those that are not there any more as away, and has those read that are again. What
    waits to be read is left out, and what lies on a network, which may hold everybody up.
    """
    rooted = {(root.agent, root.path) for root in roots}
    on_network = cache(lambda folder: mounts.mount_at(folder).network)
    lost = []
    for entry in dispatch.book.entries():
        if (entry.source.agent, entry.source.root) in rooted or entry.fresh:
            continue
        waits = entry.id in dispatch.from_archive or dispatch.schedule.is_pending(entry.id)
        if waits or on_network(entry.source.root):
            continue
        stamp = entry.look()
        if stamp is None and entry.state in ("ok", "error"):
            lost.append(entry)
        elif stamp is not None and entry.state == "gone":
            dispatch.demand(entry, stamp, now)
    dispatch.mark_gone(lost, AWAY)
