"""Units: what they hold, what systemd says of them, and whose they are."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from opensession.client import services
from opensession.client.services.launchd import Launchd
from opensession.client.services.systemd import Systemd
from opensession.core.paths import find_paths


def environ(tmp_path: Path, **values: str) -> dict[str, str]:
    return {"HOME": str(tmp_path), "PATH": os.environ["PATH"], **values}


def unit(tmp_path: Path, **values: str) -> str:
    given = environ(tmp_path, **values)
    return Systemd(find_paths(given), given).text()


def test_the_unit_is_hardened_without_mount_namespaces(tmp_path: Path) -> None:
    """DECISIONS §6: Type=notify, the list of protections, and no mount namespaces."""
    lines = unit(tmp_path).splitlines()

    for wanted in (
        "Type=notify", "Restart=on-failure", "NoNewPrivileges=yes", "LockPersonality=yes",
        "RestrictRealtime=yes", "SystemCallArchitectures=native", "IOSchedulingClass=idle",
    ):  # fmt: skip
        assert wanted in lines
    names = {line.partition("=")[0] for line in lines}
    assert {"Nice", "MemoryHigh", "TasksMax"} <= names
    assert not [name for name in names if name.startswith(("Protect", "Private", "ReadOnly"))]


def test_the_unit_runs_the_resolved_program(tmp_path: Path) -> None:
    """DECISIONS §6: ExecStart is the resolved script."""
    line = next(line for line in unit(tmp_path).splitlines() if line.startswith("ExecStart="))
    program = line.removeprefix("ExecStart=").split()[0]

    assert Path(program).is_absolute()
    assert os.access(program, os.X_OK)


def test_the_service_is_told_where_agents_live(tmp_path: Path) -> None:
    """DECISIONS §6: the service's environment lacks the shell's variables."""
    text = unit(tmp_path, CODEX_HOME='/data/my "codex" 100%', SECRET_TOKEN="x")

    assert 'Environment="CODEX_HOME=/data/my \\"codex\\" 100%%"' in text
    assert "SECRET_TOKEN" not in text
    assert "@" not in text


@pytest.mark.parametrize("codex", ["", "/data/my codex%"])
def test_systemd_accepts_the_unit(tmp_path: Path, codex: str) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not on this machine")
    path = tmp_path / "opensession.service"
    path.write_text(unit(tmp_path, CODEX_HOME=codex))

    done = subprocess.run(
        [program, "--user", "verify", path],
        env=environ(tmp_path, XDG_RUNTIME_DIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_launchd_agent_does_not_come_back_after_a_clean_exit(tmp_path: Path) -> None:
    """users.md D28: KeepAlive is {SuccessfulExit: false} only, with a throttle."""
    given = environ(tmp_path, CODEX_HOME="/data/<codex> & more")
    plist = plistlib.loads(Launchd(find_paths(given), given).text().encode())

    assert plist["KeepAlive"] == {"SuccessfulExit": False}
    assert 30 <= plist["ThrottleInterval"] <= 60
    assert plist["ProcessType"] == "Background"
    assert plist["EnvironmentVariables"] == {"CODEX_HOME": "/data/<codex> & more"}
    assert Path(plist["ProgramArguments"][0]).is_absolute()


def test_a_service_of_another_home_is_not_ours(tmp_path: Path) -> None:
    """A daemon below OPENSESSION_HOME is not started through the service of the usual home."""
    given = environ(tmp_path)
    moved = environ(tmp_path, OPENSESSION_HOME=str(tmp_path / "os"))
    service = services.here(find_paths(given), given)
    service.unit_path.parent.mkdir(parents=True)

    assert services.installed(find_paths(given), given) is None
    service.unit_path.write_text(service.text())
    assert services.installed(find_paths(given), given) is not None
    assert services.installed(find_paths(moved), moved) is None

    other = services.here(find_paths(moved), moved)
    other.unit_path.write_text(other.text())
    assert services.installed(find_paths(moved), moved) is not None
    assert services.installed(find_paths(given), given) is None
