"""`opensession-server`: runs the hub."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from opensession.core import __version__
from opensession.core.errors import OpenSessionError

NAME = "opensession-server"


def main(arguments: Sequence[str] | None = None) -> int:
    """The program: an exit code of DECISIONS §7; errors are one line and a `next:` line."""
    parser = argparse.ArgumentParser(
        prog=NAME, description="The hub that sessions of coding agents are published to."
    )
    parser.add_argument("--version", action="version", version=f"{NAME} {__version__}")
    parser.add_argument("command", nargs="?", choices=["run"], default="run", help="be the hub")
    parser.parse_args(arguments)
    try:
        from opensession.server import app

        return app.run(os.environ)
    except OpenSessionError as error:
        sys.stderr.write(f"{NAME}: {error}\n")
        if error.hint:
            sys.stderr.write(f"next: {error.hint}\n")
        return error.exit_code
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"{NAME}: {error.strerror or type(error).__name__}{where}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
