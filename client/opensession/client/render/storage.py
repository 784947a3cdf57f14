"""`storage` and `storage prune` as text."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import packed, pad, width
from opensession.client.render.words import line
from opensession.core.rpc.storage import AgentStorage, PruneResult, StorageResult

_KEPT = {
    "living": "whose file the agent still has, or that is away with its whole folder",
    "named": "that you named, tagged or starred",
    "shared": "that share a file with newer ones",
}


def storage_lines(found: StorageResult, screen: Screen) -> Iterator[str]:
    """One block an agent, then what it is in all, then what a person should know."""
    if not found.agents:
        yield "nothing is kept yet: opensession discover"
    names = max((width(line(row.tool)) for row in found.agents), default=0)
    for row in found.agents:
        begin = f"{screen.bold(pad(line(row.tool), names))}  "
        for facts in (_sizes(row, found.grown_days), _safety(row)):
            for part in packed(facts, screen.line_width - names - 2):
                yield begin + part
                begin = " " * (names + 2)
    if found.agents:
        yield ""
    total = [
        f"archive {numbers.size(found.archive_bytes)}",
        f"index {numbers.size(found.index_bytes)}",
        f"names and settings {numbers.size(found.user_bytes)}",
        f"logs and other {numbers.size(found.other_bytes)}",
        f"{numbers.size(found.free_bytes)} free",
    ]
    yield from packed(total, screen.line_width)
    if not found.archiving:
        yield screen.yellow("nothing new is archived: opensession config set archive.raw true")
    if found.max_size and found.archive_bytes > found.max_size:
        over = numbers.size(found.max_size)
        yield screen.yellow(f"the archive is larger than archive.max_size ({over})")
    if found.past_keep:
        said = numbers.count(found.past_keep, "session")
        yield f"{said} older than kept: opensession storage prune"
    for notice in found.notices:
        yield line(notice)


def prune_lines(plan: PruneResult, screen: Screen) -> Iterator[str]:
    """What would go, and what is as old and stays."""
    if not any(row.sessions or row.kept for row in plan.agents):
        yield "nothing is older than it is to be kept"
        return
    for row in plan.agents:
        said = f"not active for {_days(row.keep_days)}"
        if row.sessions:
            sessions = numbers.count(row.sessions, "session")
            dates = f"{(row.oldest or '')[:10]} to {(row.newest or '')[:10]}"
            size = numbers.size(row.archive_bytes)
            yield f"{screen.bold(line(row.tool))}: {sessions} would go, {said}: {dates}, {size}"
        else:
            yield f"{screen.bold(line(row.tool))}: nothing would go, {said}"
        for reason, count in row.kept.items():
            yield screen.dim(f"  kept: {numbers.count(count, 'session')} {_KEPT[reason]}")


def _sizes(row: AgentStorage, days: int) -> list[str]:
    packed_to = row.archive_bytes / row.archived_bytes if row.archived_bytes else 0.0
    facts = [
        f"own files {numbers.size(row.own_bytes)} in {numbers.grouped(row.own_files)}",
        f"archive {numbers.size(row.archive_bytes)}"
        + (f" ({numbers.percent(packed_to)} of what it holds)" if packed_to else ""),
    ]
    if row.index_bytes is not None:
        facts.append(f"index {numbers.size(row.index_bytes)}")
    if row.duplicate_files:
        size = numbers.size(row.duplicate_bytes)
        facts.append(f"{numbers.count(row.duplicate_files, 'duplicate file')} {size}")
    if row.grown_bytes:
        facts.append(f"+{numbers.size(row.grown_bytes)} in {days} days")
    return facts


def _safety(row: AgentStorage) -> list[str]:
    sessions = numbers.count(row.sessions, "session")
    if row.safe_sessions == row.sessions:
        facts = [f"{sessions}, safely archived"]
    else:
        facts = [f"{sessions}, {numbers.grouped(row.safe_sessions)} safely archived"]
    if row.only_here:
        facts.append(f"{numbers.grouped(row.only_here)} only here")
    if row.keep_days:
        facts.append(f"kept for {_days(row.keep_days)}")
    return facts


def _days(days: float) -> str:
    if days < 2 and days != int(days):
        hours = round(days * 24, 1)
        return "1 hour" if hours == 1 else f"{hours:g} hours"
    return "1 day" if days == 1 else f"{round(days, 1):g} days"
