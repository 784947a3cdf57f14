"""How the hub is run elsewhere: the unit, the image, the script."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from opensession.server.config import FALLBACKS, VARIABLES

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "systemd" / "opensession-server.service"


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    """With a program that exists everywhere in place of ours."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text("utf-8"), flags=re.M)
    (tmp_path / UNIT.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / UNIT.name],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_has_all_that_the_package_is_built_from() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    wanted = {*built["dev-mode-dirs"], *built["targets"]["wheel"]["force-include"]}
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    allowed = (ROOT / ".dockerignore").read_text("utf-8").split()

    assert wanted <= set(re.findall(r"^COPY (\S+) \S+$", dockerfile, flags=re.M))
    assert {f"!{name}" for name in wanted} <= set(allowed)


@pytest.mark.parametrize(
    "name", ["Dockerfile", "compose.yaml", "systemd/opensession-server.service"]
)
def test_only_settings_that_exist_are_set(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")

    assert set(re.findall(r"OPENSESSION_[A-Z_]+", text)) <= set(VARIABLES.values())


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/hub.md").read_text("utf-8")
    table = {
        name
        for row in re.findall(r"^\| (`.*?) \|", text, flags=re.M)
        for name in re.findall(r"`(\w+)`", row)
    }

    assert table == {*VARIABLES.values(), *FALLBACKS.values()}


def test_scripts_hub_runs_the_hub(tmp_path: Path) -> None:
    """In a copy of the place with an environment that is there already."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/hub", tmp_path / "scripts/hub")
    setup = tmp_path / "scripts/setup"
    setup.write_text("#!/bin/sh\n")
    setup.chmod(0o755)
    program = tmp_path / ".venv/bin/opensession-server"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m opensession.server "$@"\n')
    program.chmod(0o755)
    process = subprocess.Popen(
        [tmp_path / "scripts/hub"],
        env={"PATH": os.environ["PATH"], "PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        said = [process.stdout.readline() for _ in range(3)]
    process.terminate()
    process.wait()

    assert said[0].startswith("opensession-server: http://127.0.0.1:")
    assert "code" in said[2]
    assert (tmp_path / ".hub/hub.db").exists()
