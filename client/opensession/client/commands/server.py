"""`opensession server run`: the hub's program, from here."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from opensession.core.errors import Refused


def run() -> None:
    """Be a hub, in the foreground, until Ctrl-C. `opensession-server` is the same.

    opensession server run
    OPENSESSION_DATA_DIR=/srv/opensession PORT=8080 opensession server run
    """
    beside = Path(sys.executable).with_name("opensession-server")
    program = str(beside) if beside.exists() else shutil.which("opensession-server")
    if program is None:
        raise Refused("the program opensession-server is not installed", "pip install opensession")
    sys.stdout.flush()
    os.execv(program, [program, "run"])  # noqa: S606 - no shell is wanted
