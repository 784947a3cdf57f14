"""`opensession-daemon`: runs the daemon, or one method or one file without one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from opensession.core import __version__
from opensession.core.errors import OpenSessionError

NAME = "opensession-daemon"


def main(arguments: Sequence[str] | None = None) -> int:
    """The program: an exit code of DECISIONS §7; errors are one line and a `next:` line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "run")
    options = _parser().parse_args(words)
    try:
        if options.command == "call":
            from opensession.daemon import call

            return call.run(dict(os.environ), options.method, options.params)
        if options.command == "parse":
            from opensession.daemon import parsing

            return parsing.run(
                os.environ, options.file, options.agent, options.session, preview=options.preview
            )
        if options.command == "gather":
            from opensession.daemon.publish import gathering

            return gathering.run(os.environ)
        if options.command == "scan":
            from opensession.daemon import scanning

            if options.request:
                return scanning.run_request(os.environ)
            return scanning.run_file(os.environ, options.file, options.agent)
        if options.command == "restore":
            from opensession.daemon import restore

            return restore.print_run(os.environ, options.file, merge=options.merge)
        from opensession.daemon import app

        return app.run(
            os.environ,
            foreground=options.foreground,
            history=not options.no_history,
            exit_idle=options.exit_idle,
        )
    except OpenSessionError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"{NAME}: {line}\n")
        if error.hint:
            sys.stderr.write(f"next: {error.hint}\n")
        return error.exit_code
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"{NAME}: {error.strerror or type(error).__name__}{where}\n")
        sys.stderr.write("next: look after that place, then: opensession daemon start\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=NAME, description="Keeps, cleans and indexes the sessions of your coding agents."
    )
    parser.add_argument("--version", action="version", version=f"{NAME} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="be the daemon (the default)")
    run.add_argument("--foreground", action="store_true", help="log to stderr as well")
    run.add_argument(
        "--no-history", action="store_true", help="read nothing until a client asks for it"
    )
    run.add_argument(
        "--exit-idle", type=_seconds, metavar="SECONDS", help="end so long after the last client"
    )
    call = commands.add_parser("call", help="run one method without a daemon, print its result")
    call.add_argument("method", help="such as config.get")
    call.add_argument("params", nargs="?", default="{}", help="a JSON object; - reads stdin")
    parse = commands.add_parser("parse", help="print a session file of any agent as HAIL")
    parse.add_argument("file", help="a session file; - reads stdin")
    parse.add_argument("--agent", default="auto", help="which agent wrote it")
    parse.add_argument("--session", default="", help="which session, if the file has several")
    parse.add_argument("--preview", action="store_true", help="print what is in it, as JSON")
    scan = commands.add_parser("scan", help="say what is private in a file, as JSON")
    scan.add_argument("file", nargs="?", default="", help="a session file, or any text")
    scan.add_argument("--agent", default="auto", help="which agent wrote it")
    scan.add_argument("--request", action="store_true", help=argparse.SUPPRESS)
    commands.add_parser("gather")  # for the daemon itself: see publish/gathering.py
    restore = commands.add_parser("restore", help="take in a backup, with no daemon running")
    restore.add_argument("file", help="what `opensession backup` wrote")
    restore.add_argument("--merge", action="store_true", help="beside what is kept here already")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 86_400:
        raise ValueError
    return value


if __name__ == "__main__":
    sys.exit(main())
