"""`opensession coverage`: what is wrong first, and nothing of it as a command to the terminal."""

from __future__ import annotations

from typing import Any

from opensession.client.output import Screen
from opensession.client.render.coverage import coverage_lines
from opensession.core.rpc.coverage import (
    AgentCoverage,
    CoverageResult,
    RootCoverage,
    SourceCoverage,
    Unrecognised,
)
from opensession.core.rpc.daemon import AgentStatus, Check
from tests.client.program import Cli

NOW = 1_795_000_000_000_000
EVIL = "\x1b]0;gotcha\x07\x1b[2J\u202eabc\u200b\x9b31m\r\nnext"


def text(found: CoverageResult, *, everything: bool = False, color: bool = False) -> str:
    screen = Screen(width=80, color=color)
    return "\n".join(coverage_lines(found, screen, NOW, "/home/a", everything=everything))


def codex(**values: Any) -> AgentCoverage:
    status = AgentStatus(
        sources=3, sessions=2, events=19, bytes=6627, watching="events", pending_sources=1,
        newest_change="2026-11-18T11:06:28.000Z", newest_indexed="2026-11-18T11:05:40.000Z",
    )  # fmt: skip
    usual: dict[str, Any] = {
        "name": "codex", "label": "Codex", "enabled": True, "status": status,
        "read_bytes": 6616, "auxiliary": 1, "gone": 4,
        "skipped": {"malformed": 1}, "unknown": {"event_msg/foo": 2, "zzz": 1},
        "refused": {"a symbolic link": 1}, "failed": {"TypeError": 2},
        "roots": [
            RootCoverage(path="/home/a/.codex/sessions", exists=True, watching="events", sources=3),
            RootCoverage(path="/home/a/.codex/archived_sessions", exists=False, watching="events",
                         sources=0),
        ],
        "checks": [
            Check(name="agent.codex.lag", state="red", hint="opensession index --wait",
                  message="codex: changed 300 s ago and not searchable"),
        ],
        "sources": [
            SourceCoverage(path="/home/a/.codex/sessions/link", state="refused",
                           reason="a symbolic link", bytes=11),
            SourceCoverage(path="/home/a/.codex/sessions/one", state="ok", bytes=105, sessions=1,
                           events=2, skipped={"malformed": 1}, unknown={"zzz": 1}, pending=True),
        ],
        "total": 7,
    }  # fmt: skip
    return AgentCoverage(**{**usual, **values})


def quiet(name: str, **values: Any) -> AgentCoverage:
    return AgentCoverage(
        name=name, label=name, enabled=True, status=AgentStatus(**values),
        checks=[Check(name=f"agent.{name}.lag", state="ok", message=f"{name}: nothing on disk")],
    )  # fmt: skip


GOLDEN = """\
codex
  ✗ changed 300 s ago and not searchable
    next: opensession index --wait
  found     3 files, 6.6 kB · 4 gone since, kept as read
  indexed   2 sessions and 1 of subagents · 19 events · 6.6 kB read · 1 file waiting
  newest    changed 12 s ago · indexed 1 min ago
  skipped   1 line malformed
  unknown   2 records of type event_msg/foo · 1 record of type zzz
  refused   1 file: a symbolic link
  failed    2 files: TypeError
  folder    ~/.codex/sessions  events · 3 files
  ! ~/.codex/sessions/link
    refused: a symbolic link · 11 B
  · ~/.codex/sessions/one
    waiting · 105 B · 1 session · 2 events · skipped 1 line malformed · unknown 1 record of type zzz
  … and 5 others: --limit 7

claude-code
  found     1 file, 9 B
  indexed   1 session · no events · 0 B read

nothing found of: goose
! custom path /odd: there is no such folder
! the agent x is left out: its name is taken"""


def test_the_agent_that_is_behind_comes_first() -> None:
    found = CoverageResult(
        agents=[quiet("goose"), quiet("claude-code", sources=1, sessions=1, bytes=9), codex()],
        unrecognised=[Unrecognised("/odd", "there is no such folder")],
        problems=["the agent x is left out: its name is taken"],
    )

    assert text(found) == GOLDEN


def test_the_red_line_is_red_and_there_is_only_one() -> None:
    colored = text(CoverageResult(agents=[codex()]), color=True)

    assert colored.count("\x1b[31m") == 1


def test_everything_has_the_folders_that_are_not_there_and_quiet_agents() -> None:
    shown = text(CoverageResult(agents=[codex(), quiet("goose")]), everything=True)

    assert "~/.codex/archived_sessions  not there" in shown
    assert "goose\n  found     no files" in shown
    assert "nothing found of" not in shown


def test_many_kinds_are_told_together() -> None:
    unknown = {f"kind{number}": 20 - number for number in range(9)}
    shown = text(CoverageResult(agents=[codex(unknown=unknown)]))

    assert "15 records of type kind5 · 39 records of 3 other kinds" in shown


def test_nothing_of_a_source_reaches_the_terminal_as_a_command() -> None:
    source = SourceCoverage(path=EVIL, state="error", reason=EVIL, skipped={EVIL: 1},
                            unknown={EVIL: 2})  # fmt: skip
    root = RootCoverage(path=EVIL, exists=True, watching="events", sources=0, note=EVIL)
    check = Check(name="agent.codex.lag", state="red", message=EVIL, hint=EVIL)
    one = codex(sources=[source], roots=[root], checks=[check], failed={EVIL: 1})
    found = CoverageResult(
        agents=[one], unrecognised=[Unrecognised(EVIL, EVIL)], problems=[EVIL], ignored=[EVIL]
    )

    assert all(c in "\n" or c.isprintable() for c in text(found, everything=True))


def test_coverage_of_a_real_daemon(shared: Cli) -> None:
    found = shared.json("coverage", "--json")
    agents = {one["name"]: one for one in found["agents"]}

    assert agents["claude-code"]["status"]["sessions"] == 2
    assert agents["claude-code"]["read_bytes"] == agents["claude-code"]["status"]["bytes"]
    assert all(one["total"] == 0 for one in found["agents"])
    shown = shared.ok("coverage")
    assert "claude-code\n  found     2 files" in shown
    assert "nothing found of: " in shown
    one = shared.ok("coverage", "--agent", "codex", "--all")
    assert "claude-code" not in one
    assert "rollout-" in one
    assert "archived_sessions  not there" in one
    assert "nobody" in shared.fails(4, "coverage", "--agent", "nobody")[0]


def test_coverage_starts_no_daemon(cli: Cli) -> None:
    cli.fails(3, "coverage")
