# noqa: INP001 - a program, not a package
"""Writes `docs/rpc.md` and `docs/openrpc.json` from the messages in `core.rpc`,
`docs/daemon.example.toml` from the table of settings, `docs/agents.md` and the README's table from
the list of agents, and the tables of `docs/privacy.md` from the rules.

`--check` writes nothing and fails if a file differs from what would be written.
"""

from __future__ import annotations

import inspect
import json
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from privacy_page import privacy_page

from opensession.core import __version__, config, errors
from opensession.core.rpc.envelope import PROTOCOL, REQUEST_LIMIT, Method
from opensession.core.rpc.events import EventNotice
from opensession.core.rpc.index import Progress
from opensession.core.rpc.methods import METHODS
from opensession.parsers.agent import Agent, Environment
from opensession.parsers.registry import BUILT_IN

DOCS = Path(__file__).resolve().parent.parent / "docs"
README = DOCS.parent / "README.md"
PRIVACY = DOCS / "privacy.md"
TABLE = ("<!-- agents: written by scripts/gen_docs.py -->\n", "<!-- end of agents -->\n")

NOTIFICATIONS: dict[str, tuple[type[Any], str]] = {
    "events.event": (EventNotice, "What `events.subscribe` asked for, as it is committed."),
    "jobs.progress": (Progress, "How far a job is, at most ten times a second, and its end."),
}

STANDARD_ERRORS = {
    -32700: "The line is not JSON.",
    -32600: "The line is no request, a batch, or too large.",
    -32601: "No such method.",
    -32602: "The parameters do not fit the method; an unknown name is an error.",
    -32603: "An error nobody foresaw; the log has it.",
}

INTRODUCTION = f"""\
# The socket

Written by `scripts/gen_docs.py` from `core/opensession/core/rpc/`; do not edit.

JSON-RPC 2.0 over a Unix socket, one JSON object per line, protocol {PROTOCOL}. The socket's path
stands in `daemon.json` in the state folder (`opensession daemon status --json` shows it). Only your
own user may connect. Parameters are an object; batches are refused; a request has at most
{REQUEST_LIMIT >> 20} MiB. Requests of one connection run beside one another: match answers by `id`.
`daemon.hello` comes first from our own clients and may be skipped:

    printf '%s\\n' '{{"jsonrpc":"2.0","id":1,"method":"daemon.status"}}' | socat - UNIX:PATH
    opensession rpc search.query '{{"query":"rate limit"}}'

An effect is `read`, `change` (something of ours), `exit` (something leaves the machine) or
`destroy`.
"""


def markdown() -> str:
    """`docs/rpc.md`."""
    parts = [INTRODUCTION, _errors()]
    namespace = ""
    for method in METHODS:
        if method.name.split(".")[0] != namespace:
            namespace = method.name.split(".")[0]
            parts.append(f"## {namespace}\n")
        parts.append(_method(method))
    parts.append("## Notifications\n")
    for name, (kind, summary) in NOTIFICATIONS.items():
        parts.append(f"### {name}\n\n{summary}\n\n{_doc(kind)}{_fields(kind)}")
    parts.append("## Types\n")
    parts += [f"### {kind.__name__}\n\n{_doc(kind)}{_fields(kind)}" for kind in _nested()]
    return "\n".join(parts)


def openrpc() -> str:
    """`docs/openrpc.json`: the same as an OpenRPC 1.3 document."""
    kinds = [kind for method in METHODS for kind in (method.params, method.result)]
    kinds += [kind for kind, _ in NOTIFICATIONS.values()]
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    by_kind = dict(zip(kinds, schemas, strict=True))
    document = {
        "openrpc": "1.3.2",
        "info": {
            "title": "OpenSession daemon",
            "version": __version__,
            "description": f"JSON-RPC 2.0 over a Unix socket, a line each; protocol {PROTOCOL}.",
        },
        "methods": [
            {
                "name": method.name,
                "summary": method.summary,
                "paramStructure": "by-name",
                "params": _parameters(method, components),
                "result": {"name": "result", "schema": by_kind[method.result]},
                "x-effect": method.effect,
            }
            for method in METHODS
        ],
        "x-notifications": [
            {"name": name, "summary": summary, "params": by_kind[kind]}
            for name, (kind, summary) in NOTIFICATIONS.items()
        ],
        "components": {
            "schemas": components,
            "errors": {
                str(code): {"code": code, "message": message}
                for code, message in [*STANDARD_ERRORS.items(), *_own_errors()]
            },
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _parameters(
    method: Method[Any, Any], components: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    schema = components[method.params.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "required": name in required, "schema": found}
        for name, found in schema.get("properties", {}).items()
    ]


def _errors() -> str:
    rows = [f"| {code} | | {said} |" for code, said in STANDARD_ERRORS.items()]
    for code, said in _own_errors():
        rows.append(f"| {code} | {errors.BY_CODE[code].exit_code} | {said} |")
    table = "\n".join(["| code | exit code | |", "|---|---|---|", *rows])
    return (
        f"## Errors\n\n{table}\n\n`data.hint` names the next command, `data.candidates` what an"
        " ambiguous reference may mean.\n"
    )


def _own_errors() -> Iterator[tuple[int, str]]:
    for code, kind in sorted(errors.BY_CODE.items(), reverse=True):
        said = inspect.cleandoc(kind.__doc__ or "").splitlines()[0]
        yield code, "Anything else; the message says it." if code == -32000 else said


def _method(method: Method[Any, Any]) -> str:
    parts = [f"### {method.name}\n\n{method.summary} Effect: {method.effect}.\n"]
    if msgspec.structs.fields(method.params):
        said = f"Parameters. {_doc(method.params)}".rstrip()
        parts.append(f"{said}\n\n{_fields(method.params)}")
    else:
        parts.append("No parameters.\n")
    parts.append(f"Result: {_link(method.result)}.\n")
    return "\n".join(parts)


def _doc(kind: type[Any]) -> str:
    own = kind.__dict__.get("__doc__")
    return inspect.cleandoc(own) + "\n\n" if own else ""


def _fields(kind: type[Any]) -> str:
    rows = ["| name | type | default |", "|---|---|---|"]
    for field in msgspec.structs.fields(kind):
        default = "" if field.required else f"`{_default(field)}`"
        rows.append(f"| `{field.encode_name}` | {_type(field.type)} | {default} |")
    return "\n".join(rows) + "\n"


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    return msgspec.json.encode(value).decode()


def _type(kind: Any) -> str:
    """A type in the words of JSON."""
    plain = {
        str: "string", int: "integer", float: "number", bool: "boolean", Any: "any",
        type(None): "null", msgspec.Raw: "object",
    }  # fmt: skip
    if kind in plain:
        return plain[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(argument) for argument in arguments)
    if origin is typing.Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in arguments)
    if origin in (list, tuple):
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"object of {_type(arguments[1])}"
    return _link(kind)


def _link(kind: type[Any]) -> str:
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def _nested() -> list[type[Any]]:
    """Every struct that a result, or a notification or another of them holds, by name."""
    found: dict[str, type[Any]] = {}
    waiting: list[Any] = [method.result for method in METHODS]
    for kind, _ in NOTIFICATIONS.values():
        waiting += [field.type for field in msgspec.structs.fields(kind)]
    for method in METHODS:
        waiting += [field.type for field in msgspec.structs.fields(method.params)]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if found.setdefault(kind.__name__, kind) is not kind:
                raise ValueError(f"two types are named {kind.__name__}")
            fields = msgspec.structs.fields(kind)
            waiting += [f.type for f in fields if f.type not in found.values()]
        else:
            waiting += typing.get_args(kind)
    return [found[name] for name in sorted(found)]


HOMES = {"Linux": ("linux", "/home/you"), "macOS": ("darwin", "/Users/you")}
AGENTS_INTRODUCTION = """\
# The agents

Written by `scripts/gen_docs.py` from `parsers/opensession/parsers/registry.py`; do not edit.

All are watched unless `[watchers]` turns one off: `opensession watcher disable codex`. Folders that
do not exist cost nothing. Under WSL the same folders of Windows homes are read as well, polled.
Other places (a devcontainer's volume, a server's home, a second disk) go into `custom_paths`;
which agent wrote there is found by content. `opensession coverage` tells what was found where, and
what of it could not be read.

An agent that is not here: a distribution with an entry point of group `opensession.agents`
([example-agent](example-agent/README.md)), or a command that prints HAIL:

    [[watchers.commands]]
    name = "acme"
    files = "~/.acme/sessions/*.json"
    command = ["acme-to-hail"]
"""


def folders(agent: Agent, platform: str, home: str) -> list[str]:
    """The folders of an agent, a person's home as `~`."""
    found = agent.roots(Environment(home=home, variables={}, platform=platform))
    return [root.path.replace(home, "~", 1) for root in found]


def agents_table() -> str:
    """The README's table: a line an agent."""
    lines = ["| agent | name | sessions are in |", "|---|---|---|"]
    for agent in BUILT_IN:
        found = folders(agent, *HOMES["Linux"])
        shown = ", ".join(f"`{path}`" for path in found[:2])
        more = f" and {len(found) - 2} more" if len(found) > 2 else ""
        lines.append(
            f"| {agent.label} | `{agent.name}` | {shown or 'folders that you name'}{more} |"
        )
    return "\n".join(lines) + "\n"


def agents_page() -> str:
    """`docs/agents.md`."""
    return AGENTS_INTRODUCTION + "".join(_agent_section(agent) for agent in BUILT_IN)


def _agent_section(agent: Agent) -> str:
    lines = [f"\n## {agent.label} (`{agent.name}`)\n"]
    if agent.variables:
        lines.append(f"Moved by {', '.join(f'`{name}`' for name in agent.variables)}.")
    lines.append(f"A session's id is {agent.ids}.")
    if agent.retention_days:
        lines.append(f"The agent deletes its files after {agent.retention_days} days.")
    if agent.resume:
        lines.append(f"`{' '.join(agent.resume)}` resumes one.")
    for name, place in HOMES.items():
        if found := folders(agent, *place):
            lines += ["", f"{name}:", ""]
            lines += [f"- `{path}`" for path in found]
    return "\n".join(lines) + "\n"


def readme() -> str:
    """The README with its table of agents as it is now."""
    begin, end = TABLE
    before, _, rest = README.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{agents_table()}\n{end}{after}"


def main(arguments: list[str]) -> int:
    """Write the files, or compare them."""
    stale = []
    pages = {
        DOCS / "rpc.md": markdown(),
        DOCS / "openrpc.json": openrpc(),
        DOCS / "daemon.example.toml": config.example_text(),
        DOCS / "agents.md": agents_page(),
        PRIVACY: privacy_page(PRIVACY.read_text(encoding="utf-8")),
        README: readme(),
    }
    for path, text in pages.items():
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(DOCS.parent)))
    if stale:
        sys.stderr.write(
            f"{', '.join(stale)} differ from the code\nnext: python scripts/gen_docs.py\n"
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
