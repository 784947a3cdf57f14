"""privacy.*: what is found in sessions, where and why, and what would leave."""

from __future__ import annotations

import asyncio
import bisect
import functools
import time
from typing import Any

import msgspec

from opensession.core.errors import NotFound
from opensession.core.privacy import Finding
from opensession.core.rpc.index import JobResult, Progress
from opensession.core.rpc.privacy import (
    ExplainParams,
    ExplainResult,
    PreviewParams,
    PreviewResult,
    PrivacyTestParams,
    PrivacyTestResult,
    ScanParams,
    TextFinding,
)
from opensession.daemon import jobs, scan_process
from opensession.daemon.client import Client
from opensession.daemon.explaining import why
from opensession.daemon.jobs import Report
from opensession.daemon.native import Native
from opensession.daemon.publish import previewing
from opensession.daemon.scanning import Answer, Explained, Request, stripper_of
from opensession.daemon.state import App, Handler
from opensession.daemon.store import natives
from opensession.daemon.store.natives import Chosen

MOST_FINDINGS = 10_000


async def scan(app: App, params: ScanParams, client: Client) -> JobResult:
    """Look through a session, or everything, as a job; a person's file is no matter of the daemon.

    Raises NotFound.
    """
    if params.everything:
        found = await app.library.query(natives.all_natives, app.paths.archive_dir)
    else:
        found = [_native(await _chosen(app, params.ref, params.scope, everything=params.all))]
    return JobResult(jobs.start(client, functools.partial(_scan, app, found)))


async def _scan(app: App, found: list[Native], report: Report) -> dict[str, Any]:
    total = sum(native.size for native in found)
    began = time.monotonic()

    def told(answer: Answer) -> None:
        pace = answer.done / max(time.monotonic() - began, 0.001)
        left = (total - answer.done) / pace if pace else None
        report(
            Progress(
                job="",
                done=answer.done,
                total=total,
                detail=answer.detail,
                per_second=pace,
                seconds_left=left,
            )
        )

    answer = await scan_process.ask(app.environ, Request("scan", found), told)
    report(Progress(job="", done=total, total=total))
    return msgspec.json.decode(answer, type=dict[str, Any])


async def test(app: App, params: PrivacyTestParams, client: Client) -> PrivacyTestResult:
    """A text as it would be stored, with the tags of this machine's key if it has one."""
    stripper = await asyncio.to_thread(stripper_of, app.paths, app.environ)
    text = params.text
    starts = [0, *(place + 1 for place, sign in enumerate(text) if sign == "\n")]
    findings = [_in_text(one, starts) for one in stripper.find_text(text)]
    return PrivacyTestResult(stripper.strip_text(text)[0], findings)


def _in_text(one: Finding, starts: list[int]) -> TextFinding:
    line = bisect.bisect_right(starts, one.start)
    return TextFinding(
        line=line,
        column=one.start - starts[line - 1] + 1,
        set=one.set,
        kind=one.kind,
        confidence=one.confidence,
        mode=one.mode,
        why=why(one),
    )


async def explain(app: App, params: ExplainParams, client: Client) -> ExplainResult:
    """Look through a session's native bytes again. Raises NotFound, also where they are gone."""
    chosen = await _chosen(app, params.ref, params.scope, everything=params.all)
    native = _native(chosen)
    request = Request(
        "explain",
        [native],
        session=chosen.native_id,
        seq=chosen.seq or 0,
        limit=max(0, min(params.limit, MOST_FINDINGS)),
    )
    answer = await scan_process.ask(app.environ, request)
    found = msgspec.json.decode(answer, type=Explained)
    return ExplainResult(
        id=chosen.native_id,
        short=chosen.short,
        tool=chosen.agent,
        read_from="archive" if native.archive_file else "file",
        findings=found.findings,
        total=found.total,
    )


async def preview(app: App, params: PreviewParams, client: Client) -> PreviewResult:
    """A page of what would be sent, and when it was sent last."""
    return await previewing.preview(app.library, app.publisher, params)


async def _chosen(app: App, ref: str, scope: str, *, everything: bool) -> Chosen:
    archive = app.paths.archive_dir
    ctx = app.library.context()
    return await app.library.query(natives.of_ref, ref or "HEAD", scope, everything, archive, ctx)


def _native(chosen: Chosen) -> Native:
    if chosen.native is None:
        raise NotFound(
            f"the bytes of {chosen.short} are neither on disk nor archived any more",
            f"opensession show {chosen.short}",
        )
    return chosen.native


HANDLERS: dict[str, Handler] = {
    "privacy.scan": scan,
    "privacy.test": test,
    "privacy.explain": explain,
    "privacy.preview": preview,
}
