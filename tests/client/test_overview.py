"""`status` as text."""

from __future__ import annotations

from opensession.client.output import Screen
from opensession.client.render.overview import status_lines
from opensession.core.rpc.daemon import AgentStatus, Indexing, Paths, Status


def status(**agents: AgentStatus) -> Status:
    places = {name: f"/home/a/{name}" for name in Paths.__struct_fields__}
    return Status(
        running=True, pid=1, version="0", protocol=1, uptime_seconds=1, socket="", queue_depth=0,
        rss_bytes=1, cpu_seconds=0, index_bytes=3_300_000, archive_bytes=1_400_000, children=0,
        pss_bytes=None, paths=Paths(**places), agents=agents,
        indexing=Indexing(active=False, fraction=1.0, files_left=0, bytes_left=0),
    )  # fmt: skip


def test_an_agent_whose_files_are_all_gone_still_has_its_sessions() -> None:
    gone = AgentStatus(sources=0, sessions=3, bytes=0, watching="events")

    said = "\n".join(status_lines(status(gemini=gone, amp=AgentStatus()), Screen(width=80), 0, "/"))

    assert "gemini 3 sessions · 1 other without sessions" in said
    assert "archive 1.4 MB · index 3.3 MB · the agents' own files 0 B" in said
