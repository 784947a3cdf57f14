"""A disk that is really full, in a mount namespace of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, subprocess, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from opensession.core.errors import OpenSessionError
from opensession.daemon import coordinator
from tests.daemon.rig import PATIENCE, Rig
rig = Rig(Path({path!r}))
small = rig.path / "small"
small.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(small)], check=True)
print("mounted", flush=True)
rig.place = type(rig.place)(small / "index.db", small / "archive", small / "scratch")
coordinator.FULL_SECONDS = 0.05
for number in range(6):
    rig.write(f"s{{number}}", 200, pad=str(number) * 2000)
with rig.ingest(start=False) as made:
    ballast = small / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, bytes(4096))
    except OSError:
        os.close(descriptor)
    made.start()
    try:
        rig.run(made)
    except OpenSessionError as error:
        print(error, rig.events(), made.notices(), flush=True)
    ballast.unlink()
    rig.until_events(**{{f"s{{number}}": 200 for number in range(6)}})
    rig.run(made)
    print(sorted(set(rig.states().values())), made.notices(), flush=True)
"""


def test_a_full_disk_stops_reading_until_there_is_room(tmp_path: Path) -> None:
    """DECISIONS §4: with a full disk reads stop, cursors stay, and all resumes by itself."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed")
    program = PROGRAM.format(root=str(Path(__file__).resolve().parents[2]), path=str(tmp_path))
    done = subprocess.run(
        [unshare, "--user", "--map-root-user", "--mount", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    if "mounted" not in done.stdout:
        pytest.skip("mount namespaces are not allowed here")
    full = "the disk is full: nothing is read until there is room"
    nearly = "the disk is nearly full: archiving pauses until there is room"
    assert done.stdout.splitlines() == [
        "mounted",
        f"{full} {{}} ['{full}']",
        f"['ok'] ['{nearly}']",
    ], done.stderr
