"""`opensession`: finds the command, runs it, prints what went wrong.

Start-up is most of the time that a command takes, so a command's module is imported when the
command is used, and this module imports nothing that not every command needs.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from opensession.client import argv, table

if TYPE_CHECKING:
    from opensession.core.errors import OpenSessionError

INTERRUPTED = 130
CLOSED_PIPE = 141


def main() -> NoReturn:
    """The console script."""
    gc.disable()  # objects of a start live to the end: looking for garbage is a tenth of it
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = CLOSED_PIPE
    atexit._run_exitfuncs()
    os._exit(code)  # taking the interpreter down piece by piece is another tenth


def run(words: list[str]) -> int:
    """Run one command line and give the exit code. Errors are printed, never raised."""
    from opensession.client import output
    from opensession.core.errors import OpenSessionError, Refused

    output.prepare_streams()
    no_color, words = argv.take_flag(words, "--no-color")
    if no_color:
        os.environ["NO_COLOR"] = "1"
    as_json = argv.wants_json(words)
    try:
        return _dispatch(words)
    except OpenSessionError as error:
        return output.report(error, as_json=as_json)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough. What is left in the buffer must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except PermissionError as error:
        refused = Refused(f"no permission: {error.filename}", "ls -ld that path")
        return output.report(refused, as_json=as_json)
    except Exception as error:
        return output.report(_unforeseen(error), as_json=as_json)


def _dispatch(words: list[str]) -> int:
    from opensession.core.errors import UsageError

    if words in (["--version"], ["-V"]):
        from opensession.core import __version__

        print(f"opensession {__version__}")  # noqa: T201
        return 0
    if words in (["-h"], ["--help"], ["help"]):
        from opensession.client import helptext

        return helptext.print_root()
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    found = table.resolve(words if words else [""])
    if found is None:
        from opensession.client import helptext

        return helptext.print_group_or_fail(words)
    name, arguments = found
    if name == "log":
        from opensession.core.rpc.sessions import SessionRow

        arguments = argv.settle_json_fields(arguments, SessionRow.__struct_fields__)
    if name == "config":
        arguments = argv.settle_optional(arguments, "--api-key", "?")
    from opensession.client.building import build

    command = build(name)
    try:
        result = command.main(
            arguments, prog_name=f"opensession {name}".strip(), standalone_mode=False
        )
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):
            raise error.__context__ from None  # the option parser makes a plain failure of it
        raise
    except Exception as error:
        # The exceptions of the option parser are not public, what they have is.
        if not hasattr(error, "format_message"):
            raise
        said = " ".join(error.format_message().split()).rstrip(".")
        usage = f"opensession {name}".strip() + " --help"
        raise UsageError(said[:1].lower() + said[1:], usage) from None
    return result if isinstance(result, int) else 0


def _unforeseen(error: Exception) -> OpenSessionError:
    """A fault of ours: the traceback goes to the log, a person gets one line."""
    import traceback

    from opensession.core.errors import OpenSessionError
    from opensession.core.paths import find_paths, make_private

    if os.environ.get("OPENSESSION_DEBUG"):
        traceback.print_exception(error)
    frames = traceback.format_tb(error.__traceback__)
    path = find_paths(os.environ).client_log_file
    try:
        make_private(path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "a", encoding="utf-8") as file:
            # Only the kind of error: its words may hold text of a session.
            file.write(f"{type(error).__name__} in pid {os.getpid()}\n{''.join(frames)}\n")
    except (OSError, OpenSessionError):
        return OpenSessionError(f"internal error ({type(error).__name__})")
    return OpenSessionError(f"internal error ({type(error).__name__})", f"tail -n 30 {path}")
