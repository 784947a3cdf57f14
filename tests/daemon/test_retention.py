"""How long agents keep their own sessions, as their settings say, and what they delete soon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opensession.daemon import retention
from opensession.daemon.retention import Kept, Retention
from opensession.parsers.agent import Root
from opensession.parsers.registry import agent

DAY = 86_400_000_000
NOW = 1_000 * DAY


def write(path: Path, settings: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(settings if isinstance(settings, str) else json.dumps(settings))
    return str(path)


def claude(tmp_path: Path, *projects: Path, managed: str = "") -> Retention:
    root = Root("claude-code", str(tmp_path / ".claude/projects"))
    return retention.of_root(
        agent("claude-code"), root, [str(each) for each in projects], managed=[managed]
    )


def gemini(tmp_path: Path) -> Retention:
    root = Root("gemini", str(tmp_path / ".gemini/tmp"))
    return retention.of_root(agent("gemini"), root, system=[])


def test_claude_code_keeps_thirty_days_unless_told_otherwise(tmp_path: Path) -> None:
    assert claude(tmp_path) == Retention(30, 30)
    own = write(tmp_path / ".claude/settings.json", {"cleanupPeriodDays": 365})
    assert claude(tmp_path) == Retention(365, 30, own)


@pytest.mark.parametrize("said", [0, -3, True, "7", None, "{", '["x"]'])
def test_what_means_nothing_is_as_if_not_said(tmp_path: Path, said: Any) -> None:
    broken = isinstance(said, str) and said[0] in "{["
    write(tmp_path / ".claude/settings.json", said if broken else {"cleanupPeriodDays": said})
    assert claude(tmp_path) == Retention(30, 30)


def test_the_shortest_of_the_projects_is_told_and_the_machine_decides(tmp_path: Path) -> None:
    write(tmp_path / ".claude/settings.json", {"cleanupPeriodDays": 60})
    one = tmp_path / "one"
    short = write(one / ".claude/settings.local.json", {"cleanupPeriodDays": 7})
    write(one / ".claude/settings.json", {"cleanupPeriodDays": 90})

    assert claude(tmp_path, one, tmp_path / "missing") == Retention(7, 30, short)

    managed = write(tmp_path / "managed-settings.json", {"cleanupPeriodDays": 20})
    assert claude(tmp_path, one, managed=managed) == Retention(20, 30, managed)


def test_gemini_says_a_period_or_that_it_keeps_all(tmp_path: Path) -> None:
    assert gemini(tmp_path) == Retention(30, 30, by_file=False)
    path = tmp_path / ".gemini/settings.json"
    own = write(path, '// mine\n{"general":{"sessionRetention":{"enabled":true,"maxAge":"2w"}}}')
    assert gemini(tmp_path) == Retention(14, 30, own, by_file=False)
    write(path, {"general": {"sessionRetention": {"enabled": False}}})
    assert gemini(tmp_path) == Retention(None, 30, own, by_file=False)
    write(path, {"general": {"sessionRetention": {"enabled": True, "maxAge": "soon"}}})
    assert gemini(tmp_path).days == 30


def test_a_settings_file_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").symlink_to("/dev/zero")
    assert claude(tmp_path) == Retention(30, 30)


def test_sessions_that_will_be_deleted_are_counted(tmp_path: Path) -> None:
    by_root = {"/r": Retention(30, 30)}
    sessions = [
        Kept("/r", NOW - 28 * DAY, NOW, archived=True),
        Kept("/r", NOW - 40 * DAY, NOW, archived=True),
        Kept("/r", NOW - 26 * DAY, NOW - 90 * DAY, archived=False),
        Kept("/elsewhere", NOW - 90 * DAY, NOW, archived=False),
    ]

    found = retention.forecast("claude-code", by_root, sessions, NOW)

    assert found is not None
    assert (found.sessions, found.archived) == (2, 2)
    assert retention.sentence(found) == (
        "claude-code will delete 2 sessions in the next 3 days; all are archived"
    )
    by_session = {"/r": Retention(30, 30, by_file=False)}
    other = retention.forecast("gemini", by_session, sessions, NOW)
    assert other is not None
    assert retention.sentence(other) == (
        "gemini will delete 1 session in the next 3 days; it is not archived"
    )
    assert retention.forecast("codex", {"/r": Retention(None, None)}, sessions, NOW) is None


def test_the_agents_shorter_time_is_ours_until_the_user_says_otherwise() -> None:
    """DECISIONS §4."""
    shorter, longer = Retention(7, 30, "settings.json"), Retention(365, 30, "settings.json")

    assert retention.keep_days(shorter, 0.0, chosen=False) == 7
    assert retention.keep_days(shorter, 0.0, chosen=True) == 0
    assert retention.keep_days(longer, 0.0, chosen=False) == 0
    assert retention.keep_days(Retention(30, 30), 0.0, chosen=False) == 0
