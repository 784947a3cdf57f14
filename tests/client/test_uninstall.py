"""What `service install` does outside our folders, and that it is undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.client.services import systemd
from tests.client.program import Cli

SYSTEMCTL = """#!/bin/sh
# The user's service manager, as far as it matters here: it starts what the unit says.
echo "systemctl $*" >> "$MANAGER_LOG"
unit="$HOME/.config/systemd/user/opensession.service"
command=$(sed -n 's/^ExecStart=//p' "$unit" 2>/dev/null)
case "$*" in
  "--user show-environment") exit ${MANAGER_SILENT:-0} ;;
  "--user enable --now opensession.service"|"--user start opensession.service")
    setsid $command > /dev/null 2>&1 < /dev/null & ;;
esac
exit 0
"""

LOGINCTL = """#!/bin/sh
echo "loginctl $*" >> "$MANAGER_LOG"
"""


@pytest.fixture
def managed(cli: Cli, tmp_path: Path) -> Cli:
    """A home whose machine has a service manager that answers."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("systemctl", SYSTEMCTL), ("loginctl", LOGINCTL)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    cli.environ["PATH"] = f"{programs}:{cli.environ['PATH']}"
    cli.environ["MANAGER_LOG"] = str(tmp_path / "manager.log")
    return cli


def unit_of(cli: Cli) -> Path:
    return cli.stage.home / ".config/systemd/user/opensession.service"


def asked(cli: Cli) -> str:
    path = Path(cli.environ["MANAGER_LOG"])
    return path.read_text() if path.exists() else ""


def changes(cli: Cli) -> list[str]:
    return [change["kind"] for change in cli.json("rpc", "changes.list")["changes"]]


def test_install_hands_the_daemon_to_the_manager(managed: Cli) -> None:
    done = managed.run("daemon", "service", "install", "--no-linger")

    assert done.returncode == 0, done.stderr
    assert "systemctl --user enable --now opensession.service" in asked(managed)
    assert unit_of(managed).read_text() == managed.ok("daemon", "service", "print")
    assert managed.json("daemon", "status", "--json")["running"] is True
    assert changes(managed) == ["systemd-unit"]


def test_a_command_starts_the_daemon_through_the_manager(managed: Cli) -> None:
    """DECISIONS §6: where a service is installed it is started through systemd or launchd."""
    managed.run("daemon", "service", "install", "--no-linger")
    managed.stop()

    assert managed.run("log", "--json").returncode == 0
    assert "systemctl --user start opensession.service" in asked(managed)


def test_uninstall_leaves_nothing_of_the_service(managed: Cli) -> None:
    managed.run("daemon", "service", "install", "--no-linger")
    done = managed.run("daemon", "service", "uninstall")

    assert "removed" in done.stderr
    assert not unit_of(managed).exists()
    assert "systemctl --user disable --now opensession.service" in asked(managed)
    assert changes(managed) == []
    assert "no service of ours" in managed.run("daemon", "service", "uninstall").stderr


def test_lingering_is_offered_and_turned_off_again(managed: Cli) -> None:
    """users.md D27: the service ends at logout unless the user lingers; we undo what we did."""
    if systemd.lingers():
        pytest.skip("this user lingers already")
    said = managed.run("daemon", "service", "install").stderr
    assert "it ends when you log out" in said
    assert "loginctl" not in asked(managed)

    managed.run("daemon", "service", "install", "--linger")
    assert f"loginctl enable-linger {systemd.user_name()}" in asked(managed)
    assert "linger" in changes(managed)
    managed.run("daemon", "service", "uninstall")
    assert f"loginctl disable-linger {systemd.user_name()}" in asked(managed)


def test_a_unit_that_is_not_ours_is_left_alone(managed: Cli) -> None:
    unit = unit_of(managed)
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/usr/bin/true\n")

    assert "is not ours" in managed.fails(5, "daemon", "service", "install")[0]
    assert unit.read_text() == "[Service]\nExecStart=/usr/bin/true\n"
    assert "enable" not in asked(managed)


def test_a_unit_that_was_changed_since_is_left(managed: Cli) -> None:
    managed.run("daemon", "service", "install", "--no-linger")
    with unit_of(managed).open("a") as file:
        file.write("# mine\n")
    done = managed.run("daemon", "service", "uninstall")

    assert "changed by somebody else" in done.stderr
    assert unit_of(managed).exists()


def test_a_machine_without_a_user_manager_is_told_what_to_do(managed: Cli) -> None:
    said = managed.fails(1, "daemon", "service", "install", MANAGER_SILENT="1")

    assert "user manager does not answer" in said[0]
    assert said[1].startswith("next: opensession daemon start")
    assert not unit_of(managed).exists()


def test_uninstall_removes_our_folders_and_what_is_outside(managed: Cli) -> None:
    """DECISIONS §6: `uninstall` undoes all changes outside our folders."""
    managed.stage.set_up()
    before = sorted(p for p in managed.stage.home.rglob("*") if p.is_file())
    managed.run("daemon", "service", "install", "--no-linger")
    managed.run("index", "--wait")
    refused = managed.run("uninstall")
    assert refused.returncode == 5
    assert "archive" in refused.stderr
    assert managed.paths.data_dir.exists()

    done = managed.run("uninstall", "--yes")

    assert done.returncode == 0, done.stderr
    assert sorted(p for p in managed.stage.home.rglob("*") if p.is_file()) == before
    for folder in (managed.paths.config_dir, managed.paths.data_dir, managed.paths.state_dir):
        assert not folder.exists()


def test_uninstall_can_keep_the_data(managed: Cli) -> None:
    managed.run("daemon", "start")
    done = managed.run("uninstall", "--keep-data", "--yes")

    assert done.returncode == 0, done.stderr
    assert managed.paths.user_db.exists()
    assert not managed.paths.state_dir.exists()
