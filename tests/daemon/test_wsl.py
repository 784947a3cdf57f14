from __future__ import annotations

from pathlib import Path
from typing import cast

from opensession.daemon import wsl
from opensession.parsers.agent import Agent, Environment, Root
from opensession.parsers.places import config_home
from opensession.parsers.registry import AGENTS, agent


def test_windows_homes_are_looked_in_from_wsl(tmp_path: Path) -> None:
    """DECISIONS §1: Windows homes are read from WSL as extra roots."""
    for name in ("Jane", "Public", "John"):
        (tmp_path / name).mkdir()
    (tmp_path / "Jane" / ".codex" / "sessions").mkdir(parents=True)
    (tmp_path / "Public" / ".codex" / "sessions").mkdir(parents=True)
    found = wsl.roots(agent("codex"), tmp_path, inside=True)
    assert str(tmp_path / "Jane" / ".codex" / "sessions") in [root.path for root in found]
    assert all(root.path.startswith(str(tmp_path / "Jane")) for root in found)


def test_elsewhere_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "Jane" / ".codex" / "sessions").mkdir(parents=True)
    assert wsl.roots(agent("codex"), tmp_path, inside=False) == []
    assert all(wsl.roots(each, tmp_path / "missing", inside=True) == [] for each in AGENTS)


def test_programs_of_windows_keep_theirs_in_appdata(tmp_path: Path) -> None:
    """The editors' folders of a Windows home are not those of a Linux one."""
    seen: list[Environment] = []

    class Editor:
        def roots(self, env: Environment) -> list[Root]:
            seen.append(env)
            return [Root("editor", f"{config_home(env)}/Code/User")]

    folder = tmp_path / "Jane" / "AppData" / "Roaming" / "Code" / "User"
    folder.mkdir(parents=True)

    found = wsl.roots(cast(Agent, Editor()), tmp_path, inside=True)

    assert [root.path for root in found] == [str(folder)]
    assert [(env.platform, env.variables) for env in seen] == [("win32", {})]
