"""What publishing prints: the words people act on, and nothing that a terminal would."""

from __future__ import annotations

from opensession.client.output import Screen
from opensession.client.render import publish
from opensession.core.rpc.hub import HubStatus, HubUploadResult, UploadRow
from opensession.core.rpc.publish import (
    DoorKind,
    PendingResult,
    PendingRow,
    ReceiptRow,
    ReceiptsResult,
    StreamResult,
    StreamRow,
)

PLAIN = Screen(width=100, line_width=100)
HOSTILE = "a\x1b[2Jb\r\n\u202ec"


def stream(agent: str, repo: str, covered: int, backlog: int) -> StreamRow:
    return StreamRow(
        agent=agent, repo=repo, mode="realtime", since="2026-11-21T09:00:00.000Z",
        origin="stream", covered=covered, backlog=backlog,
    )  # fmt: skip


def upload(state: str, **more: str) -> UploadRow:
    return UploadRow(
        id="abc", short="0a1b2c3d", tool="codex", title=HOSTILE, state=state, events=5, bytes=900,
        **more,
    )  # fmt: skip


def test_enabling_says_whom_it_covers_and_whom_not() -> None:
    row = stream("codex", "/home/me/api", 1, 12)
    done = StreamResult(server="https://hub", rows=[row], changed=row)
    said = "\n".join(publish.enabled_lines(done, PLAIN, "/home/me"))

    assert "sessions of codex in ~/api, while they run, to https://hub" in said
    assert "covered now: 1 session," in said
    assert "not covered: 12 older sessions, as long as nobody goes on with them" in said


def test_a_plan_says_how_many_how_large_and_what_stays() -> None:
    rows = [upload("new"), upload("there"), upload("blocked", reason="a set is blocked")]
    plan = HubUploadResult(server="https://hub", sessions=rows, events=5, bytes=900, children=2)
    said = list(publish.plan_lines(plan, rows[:1], PLAIN))

    assert said[1] == "1 session and 2 subagents to https://hub: 5 events, 900 B before compression"
    assert said[2:] == ["  there already: 1 session", "  stay here by a rule: 1 session"]


def test_what_waits_says_what_to_do() -> None:
    row = PendingRow(
        id="abc", short="0a1b2c3d", tool="codex", title="Fix it", state="ask", reason="a rule asks",
        sent=0, total=7,
    )  # fmt: skip
    said = list(publish.pending_lines(PendingResult(sessions=[row], total=3, server="x"), PLAIN))

    assert said[0].startswith("0a1b2c3d  ask           0 of 7      codex  Fix it  a rule asks")
    assert said[1:] == ["and 2 more: --limit 3", "next: opensession publish approve REF (or deny)"]


def test_no_foreign_text_reaches_the_terminal_as_it_is() -> None:
    pending = PendingRow(
        id="abc", short="0a1b2c3d", tool=HOSTILE, title=HOSTILE, state="refused", reason=HOSTILE,
        sent=0, total=7,
    )  # fmt: skip
    receipt = ReceiptRow(
        id="abc", short="0a1b2c3d", tool=HOSTILE, title=HOSTILE, server=HOSTILE, url=HOSTILE,
        seq=3, generation=1, chain="", first_sent_at="", last_sent_at=HOSTILE,
        recalled_at=HOSTILE, expires_at="", findings=[DoorKind(kind=HOSTILE, count=2)],
    )  # fmt: skip
    status = HubStatus(
        server=HOSTILE, network="hub", key="config", reachable=False, error=HOSTILE, hint=HOSTILE,
        version=HOSTILE, nickname=HOSTILE, scopes=[HOSTILE], device=HOSTILE, last_ok_at=HOSTILE,
    )  # fmt: skip
    rows = [upload("failed", reason=HOSTILE), upload("sent", url=HOSTILE), upload(HOSTILE)]
    plan = HubUploadResult(server=HOSTILE, sessions=rows, events=5, bytes=900)
    row = stream(HOSTILE, HOSTILE, 0, 0)
    streams = StreamResult(server=HOSTILE, rows=[row], changed=row)
    said = [
        *publish.pending_lines(PendingResult(sessions=[pending], total=1, server=""), PLAIN),
        *publish.receipt_lines(ReceiptsResult(receipts=[receipt]), PLAIN),
        *publish.hub_lines(status, PLAIN),
        *publish.uploaded_lines(rows, PLAIN),
        *publish.plan_lines(plan, rows, PLAIN),
        *publish.stream_lines(streams, PLAIN, ""),
        *publish.enabled_lines(streams, PLAIN, ""),
    ]

    assert len(said) > 15
    assert [text for text in said if not text.isprintable()] == []
