"""`opensession privacy`: what is private in sessions, where and why, and what would leave."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from opensession.client import asking, output, transcripts
from opensession.client.connection import Daemon
from opensession.client.options import All, AsJson, NoStart, Ref
from opensession.client.start import reach
from opensession.core.errors import UsageError
from opensession.core.rpc.envelope import REQUEST_LIMIT
from opensession.core.rpc.index import JobResult
from opensession.core.rpc.privacy import (
    ExplainParams,
    ExplainResult,
    PreviewParams,
    PreviewResult,
    PrivacyTestParams,
    PrivacyTestResult,
    ScanParams,
    ScanReport,
)


def scan(
    target: Annotated[
        str,
        typer.Argument(
            metavar="[REF|PATH]",
            help="A session (HEAD unless given), or any file.",
            show_default=False,
        ),
    ] = "",
    all_: Annotated[bool, typer.Option("--all", "-a", help="Every file that was read.")] = False,
    agent: Annotated[
        str, typer.Option("--agent", metavar="NAME", help="Of a PATH: which agent wrote it.")
    ] = "auto",
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """What is private in native files and in the index, by kind, file, session and confidence. No
    value is ever printed.

    opensession privacy scan               # the newest session here
    opensession privacy scan 7f3a9c1e --json
    opensession privacy scan notes.txt     # a file, by a process with limits
    opensession privacy scan --all         # everything; Ctrl-C ends it
    """
    if all_ and target:
        raise UsageError("--all looks at everything: give it no REF", "opensession privacy scan -a")
    file = Path(target).expanduser()
    is_file = bool(target) and not all_ and file.is_file()
    if is_file:
        report = _scan_file(file, agent)
    else:
        params = ScanParams(ref=target or "HEAD", scope=str(Path.cwd()), everything=all_)
        with reach(no_start=no_start) as daemon:
            report = _scan_with(daemon, params)
    if json:
        output.emit_json(report)
        return
    from opensession.client.render import privacy as render

    output.emit(render.scan_lines(report, output.screen_of(sys.stdout), indexed=not is_file))


def _scan_file(file: Path, agent: str) -> ScanReport:
    from opensession.client.commands.parse import run_program

    with tempfile.TemporaryFile() as held:
        run_program(["scan", "--agent", agent, "--", str(file.absolute())], held)
        held.seek(0)
        return msgspec.json.decode(held.read(), type=ScanReport)


def _scan_with(daemon: Daemon, params: ScanParams) -> ScanReport:
    from opensession.client import progress

    job = daemon.call("privacy.scan", params, JobResult)
    last = progress.wait_for(daemon, job.job, what="the scan")
    return msgspec.convert(last.result, ScanReport)


def explain(
    ref: Ref = "HEAD", all_: All = False, json: AsJson = False, no_start: NoStart = False
) -> None:
    """Where something of a session was replaced, and why: the place, the kind, how sure it is and
    the rule's reason. The native bytes are looked through again; no value is printed.

    opensession privacy explain HEAD
    opensession privacy explain 7f3a9c1e#14    # one event
    """
    params = ExplainParams(ref=ref, scope=str(Path.cwd()), all=all_)
    with reach(no_start=no_start) as daemon:
        found = daemon.call("privacy.explain", params, ExplainResult)
    if json:
        output.emit_json(found)
        return
    from opensession.client.render import privacy as render

    output.emit(render.explain_lines(found, output.screen_of(sys.stdout)))


def test(json: AsJson = False) -> None:
    """A text as it would be stored. Reads it from stdin, stores nothing, needs no daemon.

    opensession privacy test < notes.txt
    echo 'API_TOKEN=...' | opensession privacy test --json
    """
    if sys.stdin.isatty():
        output.note("reading from the terminal until Ctrl-D")
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    params = PrivacyTestParams(text=text)
    if len(text.encode()) * 2 > REQUEST_LIMIT:
        found = asking.ask_program("privacy.test", params, PrivacyTestResult)
    else:
        found = asking.ask("privacy.test", params, PrivacyTestResult)
    if json:
        output.emit_json(found)
        return
    sys.stdout.write(found.text)
    if sys.stdout.isatty():
        from opensession.client.render import privacy as render

        sys.stdout.flush()
        for line in render.test_lines(found):
            output.note(line)


def preview(
    ref: Ref = "HEAD",
    diff: Annotated[
        bool, typer.Option("--diff", help="Only what differs from what was sent last.")
    ] = False,
    all_: All = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """The exact lines that publishing a session would send: stripped, without tags, as they came.

    opensession privacy preview HEAD
    opensession privacy preview HEAD --diff
    """
    with reach(no_start=no_start) as daemon:
        session = transcripts.detail(daemon, ref, all_=all_).session
        pages = _pages(daemon, PreviewParams(ref=ref, scope=str(Path.cwd()), all=all_))
        first = next(pages)
        lines = size = new = 0
        for page in _with(first, pages):
            lines += len(page.lines)
            new += len(page.new)
            size += sum(len(bytes(line)) + 1 for line in page.lines)
            shown = [page.lines[place] for place in page.new] if diff else page.lines
            if not json and not (diff and first.sent_at is None):
                output.emit(bytes(line).decode() for line in shown)
    if json:
        facts = {
            "sent_at": first.sent_at,
            "lines": lines,
            "bytes": size,
            "new_lines": new,
            "blocked": session.blocked,
        }
        output.emit_json(facts)
        return
    from opensession.client.render.numbers import count
    from opensession.client.render.numbers import size as written
    from opensession.client.render.words import line

    if first.sent_at is None:
        said = f"never sent: all {count(lines, 'line')} ({written(size)}) would be new"
    else:
        said = f"sent last at {first.sent_at}: {count(new, 'line')} of {lines} would be new"
    if diff and first.sent_at is None:
        output.emit([said])
    else:
        output.note(said)
    if session.blocked:
        output.note(f"it does not leave this machine: {line(session.blocked)}")
        output.note(f"next: opensession privacy allow {session.short}")


def _pages(daemon: Daemon, params: PreviewParams) -> Iterator[PreviewResult]:
    while True:
        page = daemon.call("privacy.preview", params, PreviewResult)
        yield page
        if not page.next:
            return
        params = msgspec.structs.replace(params, cursor=page.next)


def _with(first: PreviewResult, rest: Iterator[PreviewResult]) -> Iterator[PreviewResult]:
    yield first
    yield from rest
