"""Nothing that was acknowledged is lost, nothing that was forgotten comes back, whatever happens.

`HYPOTHESIS_PROFILE=deep` drives more and longer; `KEEP_SEED` drives one seed alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.daemon import Home, temporary_home
from tests.keep.driver import Driver
from tests.keep.model import step

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
SEEDS = [int(os.environ["KEEP_SEED"])] if "KEEP_SEED" in os.environ else range(40 if DEEP else 1)
STEPS = 60 if DEEP else 9
DISK = "1300m"
"""Archiving pauses below 1 GiB of room: so large is a small disk."""


def drive(home: Home, seed: int, steps: int, *, small_disk: bool = False) -> None:
    """So many steps; what fails says what was done before."""
    driver = Driver(home, seed, small_disk=small_disk)
    try:
        for _ in range(steps):
            step(driver)
    except BaseException as error:
        error.add_note(f"seed {seed}: {', '.join(driver.trail)}")
        raise
    finally:
        driver.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_acknowledged_is_there_and_what_is_forgotten_is_not(seed: int) -> None:
    with temporary_home() as home:
        drive(home, seed, STEPS)


@pytest.mark.skipif(not DEEP, reason="it fills a disk of 1.3 GB in memory: the deep profile does")
@pytest.mark.parametrize("seed", range(100, 104))
def test_the_same_on_a_disk_that_fills_up(seed: int) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed")
    done = subprocess.run(
        [
            unshare,
            "--user",
            "--map-root-user",
            "--mount",
            sys.executable,
            "-m",
            __name__,
            str(seed),
        ],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if "mounted" not in done.stdout:
        pytest.skip("mount namespaces are not allowed here")
    assert done.returncode == 0, done.stderr


def on_a_small_disk(seed: int) -> None:
    """With our files on a disk of their own, in a mount namespace of its own."""
    with temporary_home() as home:
        own = home.path / "os"
        own.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(own)], check=True)
        print("mounted", flush=True)
        try:
            drive(home, seed, STEPS, small_disk=True)
        finally:
            subprocess.run(["umount", str(own)], check=False)


if __name__ == "__main__":
    on_a_small_disk(int(sys.argv[1]))
