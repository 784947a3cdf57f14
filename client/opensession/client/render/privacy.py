"""`privacy scan`, `privacy explain` and `privacy test` as text; never a value."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import cut_left, pad, pad_left, width
from opensession.client.render.words import line
from opensession.core.rpc.privacy import (
    ExplainResult,
    PrivacyTestResult,
    ScanFile,
    ScanKind,
    ScanReport,
)

_FILES = 20
_SESSIONS = 5
_KINDS = 8
_HEAD = ("kind", "in files", "values", "certain", "likely", "possible", "replaced", "left")


def scan_lines(report: ScanReport, screen: Screen, *, indexed: bool = True) -> Iterator[str]:
    """Kinds as a table, then the files. Without `indexed` the index was not looked at."""
    read = numbers.count(report.sources, "file")
    yield screen.bold(f"{read}, {numbers.size(report.bytes)}")
    if not report.kinds and not report.files:
        yield "  nothing private was found"
        return
    if report.kinds:
        yield ""
        yield from _table(report.kinds, screen, indexed=indexed)
    files = [file for file in report.files if file.kinds or file.beyond or file.problem]
    for file in files[:_FILES]:
        yield ""
        yield from _file(file, screen, indexed=indexed)
    more = len(files) - _FILES + report.left_out
    if more > 0:
        yield ""
        yield screen.dim(f"{numbers.count(more, 'further file')}: --json lists them")


def _table(kinds: list[ScanKind], screen: Screen, *, indexed: bool) -> Iterator[str]:
    shown = len(_HEAD) if indexed else len(_HEAD) - 2
    rows = [row[:shown] for row in (_HEAD, *(_cells(kind) for kind in kinds))]
    columns = [max(width(row[place]) for row in rows) for place in range(shown)]
    for number, row in enumerate(rows):
        cells = [pad(row[0], columns[0])]
        cells += [pad_left(cell, columns[place]) for place, cell in enumerate(row[1:], start=1)]
        text = "  " + "  ".join(cells)
        if number == 0:
            yield screen.dim(text)
        else:
            yield screen.red(text) if kinds[number - 1].left else text
    if indexed and any(_found(kind) > kind.replaced + kind.left for kind in kinds):
        yield screen.dim("  neither replaced nor left: outside of events, or a path, stripped when")
        yield screen.dim("  it leaves, or in files whose content is excluded")


def _found(kind: ScanKind) -> int:
    return kind.certain + kind.likely + kind.possible


def _cells(kind: ScanKind) -> tuple[str, ...]:
    counts = (
        _found(kind),
        kind.values,
        kind.certain,
        kind.likely,
        kind.possible,
        kind.replaced,
        kind.left,
    )
    name = line(kind.kind) + (f" ({kind.mode})" if kind.mode in ("warn", "block") else "")
    return (name, *(numbers.grouped(count) if count else "-" for count in counts))


def _file(file: ScanFile, screen: Screen, *, indexed: bool) -> Iterator[str]:
    where = " (from the archive)" if file.read_from == "archive" else ""
    yield f"{screen.cyan(cut_left(line(file.path), screen.line_width - width(where)))}{where}"
    if file.problem:
        yield screen.yellow(f"  could not be read: {line(file.problem)}")
    if file.kinds and len(file.sessions) != 1:
        yield f"  {_kinds(file.kinds)}"
    for session in file.sessions[:_SESSIONS]:
        facts = [_kinds(session.kinds) or "nothing in its file"]
        if indexed:
            facts.append(f"{numbers.grouped(session.replaced)} replaced in the index")
        if session.left:
            facts.append(screen.red(f"{numbers.grouped(session.left)} left in the index"))
        yield f"  {line(session.id)}  {' · '.join(facts)}"
    if len(file.sessions) > _SESSIONS:
        yield screen.dim(f"  {numbers.count(len(file.sessions) - _SESSIONS, 'further session')}")
    if file.beyond:
        what = "outside of its events: " if file.tool else ""
        yield f"  {what}{_kinds(file.beyond)}"


def _kinds(kinds: dict[str, int]) -> str:
    most = sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))
    named = [f"{numbers.grouped(count)} {line(kind)}" for kind, count in most[:_KINDS]]
    if len(most) > _KINDS:
        named.append(f"and of {numbers.count(len(most) - _KINDS, 'further kind')}")
    return ", ".join(named)


def explain_lines(found: ExplainResult, screen: Screen) -> Iterator[str]:
    """A line a finding, its reason below."""
    read = "the archive" if found.read_from == "archive" else "its file"
    total = numbers.count(found.total, "finding")
    yield screen.bold(f"{found.short}  {total} in {read}")
    for one in found.findings:
        tag = f" {one.tag}" if one.tag else ""
        mode = f" ({one.mode})" if one.mode != "redact" else ""
        yield f"#{one.seq}  {line(one.type)} {screen.dim(line(one.place))}"
        yield f"    {screen.cyan(line(one.kind) + tag)}{mode}  {one.confidence}: {line(one.why)}"
    more = found.total - len(found.findings)
    if more > 0:
        yield screen.dim(f"{numbers.count(more, 'further finding')}: ask for one event, REF#N")


def test_lines(found: PrivacyTestResult) -> Iterator[str]:
    """What was found in a text that a person typed."""
    for one in found.findings:
        yield f"{one.line}:{one.column}  {one.kind} ({one.confidence}, {one.mode}): {one.why}"
