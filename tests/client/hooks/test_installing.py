"""`stream … --hook` on real settings files: recorded, backed up, undone."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.client.hooks import installing
from opensession.client.hooks.agents import HOOKED, Hooked
from opensession.core.errors import Refused, UsageError
from tests.client.program import Cli

SETTINGS = b'{\n  // mine\n  "model": "opus",\n  "env": {"A": "1"},\n}\n'
CLAUDE = installing.hooked("claude_code")


@pytest.fixture
def home(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """A home where all agents were used; this process asks its daemon."""
    for name in (*os.environ,):
        if name.startswith(("OPENSESSION_", "CLAUDE_", "CODEX_", "COPILOT_", "XDG_")):
            monkeypatch.delenv(name)
    for name, value in cli.environ.items():
        monkeypatch.setenv(name, value)
    for agent in HOOKED:
        (cli.stage.home / agent.folder).mkdir()
    cli.ok("daemon", "start")
    yield cli


def settings(cli: Cli, agent: Hooked = CLAUDE) -> Path:
    return agent.path({}, cli.stage.home)


def install(cli: Cli, agent: Hooked = CLAUDE) -> Path | None:
    return installing.install(agent, cli.paths, cli.environ)


def recorded(cli: Cli) -> list[str]:
    return [change["kind"] for change in cli.json("rpc", "changes.list")["changes"]]


def test_every_agent_is_hooked_and_unhooked_exactly(home: Cli) -> None:
    settings(home).write_bytes(SETTINGS)
    settings(home).chmod(0o640)
    codex = installing.hooked("codex")
    settings(home, codex).write_text('model = "gpt-5.5"\n[tui]\n')
    before = {p: p.read_bytes() for p in home.stage.home.rglob("*") if p.is_file()}

    for agent in HOOKED:
        assert install(home, agent) == settings(home, agent)
        assert installing.is_installed(agent, home.paths, home.environ)
        assert install(home, agent) is None
    assert recorded(home) == [f"hook-{agent.name}" for agent in HOOKED]
    assert stat.S_IMODE(settings(home).stat().st_mode) == 0o640
    assert home.paths.hints_dir.is_dir()
    backups = sorted((home.paths.data_dir / "backups").iterdir())
    assert sorted(path.read_bytes() for path in backups) == sorted(before.values())
    assert {stat.S_IMODE(path.stat().st_mode) for path in backups} == {0o600}

    done, problems = installing.remove_all(home.paths)
    assert (len(done), problems) == (len(HOOKED), [])
    after = {p: p.read_bytes() for p in home.stage.home.rglob("*") if p.is_file()}
    assert after == before
    assert not (home.stage.home / ".copilot/hooks").exists()
    assert recorded(home) == []


def test_what_changed_since_stays_and_ours_goes(home: Cli) -> None:
    settings(home).write_bytes(SETTINGS)
    install(home)
    edited = settings(home).read_text().replace('"opus"', '"sonnet"')
    settings(home).write_text(edited)

    assert installing.remove(CLAUDE, home.paths) == [settings(home)]
    assert settings(home).read_bytes() == SETTINGS.replace(b"opus", b"sonnet")


@pytest.mark.parametrize(
    "data", [b'{"model": ', b"\xff{}", b'{"hooks": []}', b"model: opus\n"], ids=str
)
def test_settings_that_cannot_be_read_are_not_touched(home: Cli, data: bytes) -> None:
    settings(home).write_bytes(data)
    with pytest.raises(Refused, match="touched"):
        install(home)
    assert settings(home).read_bytes() == data
    assert recorded(home) == []


def test_a_link_is_followed_to_the_file_behind_it(home: Cli) -> None:
    """Dotfiles lie elsewhere, and the link stays one."""
    behind = home.stage.home / "dotfiles.json"
    behind.write_bytes(SETTINGS)
    settings(home).symlink_to(behind)

    assert install(home) == behind
    assert settings(home).is_symlink()
    assert b"opensession-hook" in behind.read_bytes()
    installing.remove(CLAUDE, home.paths)
    assert behind.read_bytes() == SETTINGS


def test_a_file_that_is_shared_is_not_touched(home: Cli) -> None:
    other = home.stage.home / "other.json"
    other.write_bytes(SETTINGS)
    settings(home).hardlink_to(other)
    with pytest.raises(Refused, match="yours alone"):
        install(home)


def test_an_agent_that_was_never_used_gets_no_settings(home: Cli) -> None:
    (home.stage.home / ".claude").rmdir()
    with pytest.raises(Refused, match="never used here"):
        install(home)
    assert not (home.stage.home / ".claude").exists()
    with pytest.raises(UsageError, match="has no hooks"):
        installing.hooked("aider")


def test_settings_that_became_unreadable_are_told_and_left(home: Cli) -> None:
    install(home)
    settings(home).write_text("{")

    done, problems = installing.remove_all(home.paths)
    assert (done, len(problems)) == ([], 1)
    assert settings(home).read_text() == "{"
    assert recorded(home) == ["hook-claude-code"]


def test_a_file_of_ours_that_got_more_is_not_deleted(home: Cli) -> None:
    install(home)
    value = json.loads(settings(home).read_text())
    settings(home).write_text(json.dumps({**value, "model": "opus"}))
    installing.remove(CLAUDE, home.paths)

    assert json.loads(settings(home).read_text()) == {"model": "opus"}


def test_uninstall_undoes_hooks(home: Cli) -> None:
    """DECISIONS §6: `uninstall` undoes all changes outside our folders."""
    settings(home).write_bytes(SETTINGS)
    install(home)
    asked = home.run("uninstall")
    assert asked.returncode == 5
    assert f"will be undone: hook-claude-code {settings(home)}" in asked.stderr
    assert settings(home).read_bytes() != SETTINGS
    done = home.run("uninstall", "--yes")

    assert done.returncode == 0, done.stderr
    assert f"took our hooks out of {settings(home)}" in done.stderr
    assert settings(home).read_bytes() == SETTINGS
