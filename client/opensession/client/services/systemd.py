"""The systemd user service."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping
from pathlib import Path

from opensession.client.services import ManagerSilent
from opensession.client.services.units import environment, program, template
from opensession.core.errors import OpenSessionError
from opensession.core.paths import Paths, home_dir

UNIT = "opensession.service"
LINGER_DIR = Path("/var/lib/systemd/linger")
SECONDS = 150.0


class Systemd:
    """`opensession.service` of the user's own manager."""

    kind = "systemd-unit"
    manager = "systemd"

    def __init__(self, paths: Paths, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._environ = environ

    @property
    def unit_path(self) -> Path:
        config = Path(self._environ.get("XDG_CONFIG_HOME", ""))
        base = config if config.is_absolute() else home_dir(self._environ) / ".config"
        return base / "systemd" / "user" / UNIT

    def text(self) -> str:
        lines = [
            f"Environment={_quoted(f'{name}={value}')}"
            for name, value in environment(self._environ).items()
        ]
        command = " ".join(_quoted(word.replace("$", "$$")) for word in program())
        text = template("systemd", UNIT).replace("@COMMAND@", command)
        return text.replace("@ENVIRONMENT@\n", "".join(f"{line}\n" for line in lines))

    def check(self) -> None:
        done = self._run("show-environment")
        if done.returncode != 0:
            raise ManagerSilent(
                f"systemd's user manager does not answer ({_first(done.stderr)})",
                "opensession daemon start        # runs until it is stopped, without a service",
            )

    def enable(self) -> None:
        self._must("daemon-reload")
        self._must("enable", "--now", UNIT)

    def disable(self) -> None:
        self._run("disable", "--now", UNIT)

    def start(self) -> None:
        self.check()
        # A unit that gave up too often waits; a person who starts it means now.
        self._run("reset-failed", UNIT)
        self._must("start", UNIT)

    def forget(self) -> None:
        self._run("daemon-reload")

    def _must(self, *words: str) -> None:
        done = self._run(*words)
        if done.returncode != 0:
            raise OpenSessionError(
                f"systemctl --user {' '.join(words)} failed: {_first(done.stderr)}",
                f"journalctl --user -u {UNIT} -n 20",
            )

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                ["systemctl", "--user", *words],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=SECONDS,
                env=dict(self._environ),
            )
        except FileNotFoundError:
            raise ManagerSilent(
                "systemd is not on this machine",
                "opensession daemon start        # runs until it is stopped, without a service",
            ) from None
        except subprocess.TimeoutExpired:
            raise ManagerSilent(
                f"systemctl --user {words[0]} does not come back", "systemctl --user status"
            ) from None


def lingers(user: str = "") -> bool:
    """Reports whether the user's services go on without a login."""
    return (LINGER_DIR / (user or user_name())).exists()


def set_linger(on: bool) -> None:
    """Have the user's services go on without a login, or not. Raises OpenSessionError."""
    word = "enable-linger" if on else "disable-linger"
    try:
        done = subprocess.run(
            ["loginctl", word, user_name()],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=SECONDS,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise OpenSessionError(f"loginctl {word} is not possible here") from error
    if done.returncode != 0:
        raise OpenSessionError(
            f"loginctl {word} failed: {_first(done.stderr)}", f"sudo loginctl {word} {user_name()}"
        )


def user_name() -> str:
    """The name of the user who runs this."""
    return pwd.getpwuid(os.getuid()).pw_name


def _first(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[0]


def _quoted(word: str) -> str:
    """A word as a unit file has it: % is the units' own, quotes and backslashes are escaped."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if escaped != word or not word.isascii() or " " in word else word
