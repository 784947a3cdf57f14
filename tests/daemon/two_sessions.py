"""A session of Claude Code and one of Codex, as a daemon finds them."""

from __future__ import annotations

from tests.helpers.daemon import Daemon, Home
from tests.helpers.transcripts import claude, codex

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
TRANSCRIPT = f".claude/projects/-work-shop/{ONE}.jsonl"
ROLLOUT = f".codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-{TWO}.jsonl"


def write_sessions(home: Home) -> None:
    """One session of each agent."""
    home.write(TRANSCRIPT, claude(ONE, "please fix the limiter", "the limiter is fixed"))
    home.write(ROLLOUT, codex(TWO, "the auth middleware is reviewed"))


def ids(daemon: Daemon) -> set[str]:
    """The sessions that are listed."""
    return {row["id"] for row in daemon.call("sessions.list", all=True)["sessions"]}
