"""Scans as text: what a column says, and lines that a screen holds."""

from __future__ import annotations

from opensession.client.output import Screen
from opensession.client.render.privacy import scan_lines
from opensession.core.rpc.privacy import ScanFile, ScanKind, ScanReport, ScanSession

SCREEN = Screen(width=100)


def _report(kinds: dict[str, int], replaced: int) -> ScanReport:
    session = ScanSession(id="one", tool="codex", kinds=kinds, replaced=replaced, left=0)
    rows = [
        ScanKind(kind=name, set="keys", mode="redact", likely=count, values=1, replaced=replaced)
        for name, count in kinds.items()
    ]
    file = ScanFile(
        path="/f", tool="codex", bytes=1, read_from="file", kinds=kinds, beyond={},
        sessions=[session], problem="",
    )  # fmt: skip
    return ScanReport(sources=1, bytes=1, kinds=rows, files=[file], left_out=0)


def test_of_many_kinds_a_session_names_the_most_frequent() -> None:
    kinds = {f"kind-{number:02}": 30 - number for number in range(20)}

    last = list(scan_lines(_report(kinds, 1), SCREEN))[-1]

    assert last.startswith("  one  30 kind-00, 29 kind-01, ")
    assert "23 kind-07, and of 12 further kinds · 1 replaced" in last and "kind-08" not in last


def test_what_is_neither_replaced_nor_left_is_explained() -> None:
    assert not any("neither" in line for line in scan_lines(_report({"jwt": 2}, 2), SCREEN))
    assert any("neither" in line for line in scan_lines(_report({"jwt": 2}, 1), SCREEN))


def test_a_file_that_is_in_no_index_has_no_columns_of_it() -> None:
    said = "\n".join(scan_lines(_report({"jwt": 2}, 0), SCREEN, indexed=False))

    assert "possible" in said
    assert not any(word in said for word in ("replaced", "left", "index"))
