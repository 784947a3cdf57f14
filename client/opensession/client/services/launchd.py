"""The launchd agent of macOS."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from opensession.client.services import ManagerSilent
from opensession.client.services.units import environment, program, template
from opensession.core.errors import OpenSessionError
from opensession.core.paths import Paths, home_dir

LABEL = "dev.opensession.daemon"
SECONDS = 60.0


class Launchd:
    """`dev.opensession.daemon` of the user's own domain."""

    kind = "launchd-agent"
    manager = "launchd"

    def __init__(self, paths: Paths, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._environ = environ

    @property
    def unit_path(self) -> Path:
        return home_dir(self._environ) / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    def text(self) -> str:
        words = "\n".join(f"    <string>{escape(word)}</string>" for word in program())
        pairs = "".join(
            f"    <key>{escape(name)}</key>\n    <string>{escape(value)}</string>\n"
            for name, value in environment(self._environ).items()
        )
        variables = ""
        if pairs:
            variables = f"  <key>EnvironmentVariables</key>\n  <dict>\n{pairs}  </dict>\n"
        text = template("launchd", f"{LABEL}.plist").replace("@COMMAND@", words)
        text = text.replace("@ENVIRONMENT@\n", variables)
        return text.replace("@LOG@", escape(str(self._paths.state_dir / "launchd.log")))

    def check(self) -> None:
        if self._run("print", _domain()).returncode != 0:
            raise ManagerSilent(
                "launchd has no domain for this login",
                "opensession daemon start        # runs until it is stopped, without a service",
            )

    def enable(self) -> None:
        self._run("bootout", f"{_domain()}/{LABEL}")
        self._must("bootstrap", _domain(), str(self.unit_path))

    def disable(self) -> None:
        self._run("bootout", f"{_domain()}/{LABEL}")

    def start(self) -> None:
        self.check()
        if self._run("print", f"{_domain()}/{LABEL}").returncode != 0:
            self._must("bootstrap", _domain(), str(self.unit_path))
        self._must("kickstart", f"{_domain()}/{LABEL}")

    def forget(self) -> None:
        """launchd forgets a service with `bootout`."""

    def _must(self, *words: str) -> None:
        done = self._run(*words)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
            raise OpenSessionError(
                f"launchctl {words[0]} failed: {reason}", f"launchctl print {_domain()}/{LABEL}"
            )

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                ["launchctl", *words],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=SECONDS,
                env=dict(self._environ),
            )
        except (FileNotFoundError, subprocess.TimeoutExpired):
            raise ManagerSilent(
                f"launchctl {words[0]} does not work here",
                "opensession daemon start        # runs until it is stopped, without a service",
            ) from None


def _domain() -> str:
    return f"gui/{os.getuid()}"
