"""What `stream`, `publish`, `upload` and `server` print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import cut, pad
from opensession.client.render.words import day_and_clock, line, tilde
from opensession.core.rpc.hub import HubStatus, HubUploadResult, UploadRow
from opensession.core.rpc.publish import (
    PendingResult,
    PendingRow,
    ReceiptRow,
    ReceiptsResult,
    StreamResult,
    StreamRow,
)

_WHEN = {
    "realtime": "while they run",
    "session_end": "when they ended",
    "manual": "only by `upload` and `publish approve`",
}
_TOLD = 8


def meant(agent: str, repo: str, mode: str, home: str) -> str:
    """`sessions of codex in ~/api, while they run`."""
    whose = f" of {line(agent)}" if agent else ""
    where = f" in {line(tilde(repo, home))}" if repo else ""
    return f"sessions{whose}{where}, {_WHEN.get(mode, mode)}"


def _of(row: StreamRow, home: str) -> str:
    return meant(row.agent, row.repo, row.mode, home)


def enabled_lines(done: StreamResult, screen: Screen, home: str) -> Iterator[str]:
    """What was turned on: whom it covers, whom not, and where to."""
    row = done.changed
    if row is None:
        yield from stream_lines(done, screen, home)
        return
    where = line(done.server) if done.server else screen.yellow("nowhere yet: no hub is set")
    yield f"published by themselves: {screen.bold(_of(row, home))}, to {where}"
    yield from _covers(row)


def planned_lines(plan: StreamResult, screen: Screen, home: str) -> Iterator[str]:
    """The same, before the question."""
    row = plan.changed
    if row is not None:
        yield f"will be published to {line(plan.server)}: {screen.bold(_of(row, home))}"
        yield from _covers(row)


def _covers(row: StreamRow) -> Iterator[str]:
    covered = numbers.count(row.covered, "session")
    yield f"  covered now: {covered}, and every one that is written to from now on, whole"
    if row.backlog:
        yield (
            f"  not covered: {numbers.count(row.backlog, 'older session')}, as long as nobody goes"
            f" on with them (send them with: opensession upload-all)"
        )


def stream_lines(found: StreamResult, screen: Screen, home: str) -> Iterator[str]:
    """All policies, and the hub."""
    server = line(found.server) if found.server else screen.dim("none: nothing is ever sent")
    yield f"hub: {server}"
    if not found.rows:
        yield "nothing is published by itself"
        return
    for row in found.rows:
        counts = f"{row.covered:,} covered, {row.backlog:,} older ones not"
        origin = f", {row.origin}" if row.origin == "config" else ""
        since = f"since {day_and_clock(row.since)}" if row.since else ""
        yield f"  {screen.bold(_of(row, home))}  {screen.dim(f'{since}{origin}  {counts}')}"


def pending_lines(found: PendingResult, screen: Screen) -> Iterator[str]:
    """One session a line: how much of it is sent, and why not all."""
    if not found.server:
        yield screen.dim("no hub is set: nothing is ever sent")
    if not found.sessions:
        yield "nothing waits"
        return
    for row in found.sessions:
        yield _pending(row, screen)
    if found.total > len(found.sessions):
        yield screen.dim(f"and {found.total - len(found.sessions):,} more: --limit {found.total}")
    if any(row.state == "ask" for row in found.sessions):
        yield "next: opensession publish approve REF (or deny)"
    if any(row.state == "differs" for row in found.sessions):
        yield "next: opensession publish refresh REF"


def _pending(row: PendingRow, screen: Screen) -> str:
    paint = {"refused": screen.red, "ask": screen.yellow, "differs": screen.yellow}
    state = paint.get(row.state, screen.dim)(pad(row.state, 8))
    again = f" (again {day_and_clock(row.retry_at)})" if row.retry_at else ""
    rest = f"{row.sent:>5} of {row.total:<5}  {line(row.tool)}  {line(row.title)}"
    why = f"  {line(row.reason)}{again}".rstrip()
    used = len(row.short) + 12
    return f"{row.short}  {state}  {cut(rest + why, screen.line_width - used)}"


def receipt_lines(found: ReceiptsResult, screen: Screen) -> Iterator[str]:
    """What was acknowledged, newest first, with what the hub found in it."""
    if not found.receipts:
        yield "nothing was published"
        return
    for row in found.receipts:
        yield from _receipt(row, screen)


def _receipt(row: ReceiptRow, screen: Screen) -> Iterator[str]:
    sent = f"{row.seq:,} events, {day_and_clock(row.last_sent_at)}"
    head = f"{screen.cyan(row.short)}  {line(row.tool)}  {sent}"
    if row.recalled_at:
        head += screen.dim(f"  recalled {day_and_clock(row.recalled_at)}")
    elif row.expires_at:
        head += screen.dim(f"  expires {day_and_clock(row.expires_at)}")
    used = len(row.short) + len(line(row.tool)) + len(sent) + 36  # with what stands behind
    yield f"{head}  {cut(line(row.title), max(screen.line_width - used, 20))}".rstrip()
    if row.url:
        yield f"    {line(row.url)}"
    for each in row.findings:
        yield screen.red(f"    the hub found a secret: {line(each.kind)} {each.count}×")


def plan_lines(plan: HubUploadResult, going: Sequence[UploadRow], screen: Screen) -> Iterator[str]:
    """What an upload would send, before it is confirmed."""
    for row in going[:_TOLD]:
        grown = "" if row.state == "new" else "  (the rest of it)"
        facts = f"  {row.short or '·'}  {line(row.tool)}  {row.events:,} events{grown}"
        yield cut(f"{facts}  {line(row.title)}", screen.line_width)
    if len(going) > _TOLD:
        yield f"  and {len(going) - _TOLD:,} more"
    children = f" and {numbers.count(plan.children, 'subagent')}" if plan.children else ""
    amount = f"{numbers.count(plan.events, 'event')}, {numbers.size(plan.bytes)} before compression"
    yield f"{numbers.count(len(going), 'session')}{children} to {line(plan.server)}: {amount}"
    there = sum(row.state == "there" for row in plan.sessions)
    kept = len(plan.sessions) - len(going) - there
    if there:
        yield f"  there already: {numbers.count(there, 'session')}"
    if kept:
        yield f"  stay here by a rule: {numbers.count(kept, 'session')}"


def uploaded_lines(rows: Sequence[UploadRow], screen: Screen) -> Iterator[str]:
    """Where each session is now, or why not."""
    for row in rows:
        name = row.short or line(row.id)
        if row.state == "failed":
            yield f"{name}  {screen.red('failed')}: {line(row.reason)}"
        elif row.state in ("sent", "there"):
            yield f"{name}  {line(row.url)}"
        else:
            yield f"{name}  {screen.dim(f'stays here: {line(row.reason or row.state)}')}"


def hub_lines(found: HubStatus, screen: Screen) -> Iterator[str]:
    """The hub, the key, and how much goes there."""
    if not found.server:
        yield "no hub is set: nothing is ever sent"
        yield "next: opensession account login --server https://hub.example"
        return
    state = screen.dim("not asked yet")
    if found.reachable is not None:
        state = screen.green("answers") if found.reachable else screen.red("no contact")
    version = f" ({line(found.version)})" if found.version else ""
    yield f"{screen.bold(line(found.server))}{version}  {state}"
    if found.error:
        yield f"  {screen.red(line(found.error))}"
        if found.hint:
            yield f"  next: {line(found.hint)}"
    whose = f" of {line(found.nickname)}" if found.nickname else ""
    may = f", may {' and '.join(line(each) for each in found.scopes)}" if found.scopes else ""
    key = screen.yellow("no key") if found.key == "none" else f"key{whose} in {found.key}{may}"
    yield f"  {key}"
    if found.last_ok_at:
        yield f"  last contact {day_and_clock(found.last_ok_at)}"
    refused = screen.red(f", {found.refused:,} refused") if found.refused else ""
    yield (
        f"  {numbers.count(found.sent_sessions, 'session')} sent,"
        f" {numbers.count(found.pending, 'session')} waiting{refused}"
    )
    if found.device:
        yield screen.dim(f"  this device is {line(found.device)} there")
