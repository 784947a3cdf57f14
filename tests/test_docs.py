"""Pages that are written from the code say what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_pages_about_the_socket_are_up_to_date() -> None:
    """DESIGN §3: `docs/rpc.md` and the OpenRPC file are generated; this fails when they drift."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/gen_docs.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
