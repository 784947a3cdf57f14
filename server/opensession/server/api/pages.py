"""The routes as text to read: `/llms.txt` and `/docs` from the same list."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import typing
from typing import Any, Literal

import msgspec

from opensession.server import access
from opensession.server.api.openapi import code_of, doc_of, document, statuses
from opensession.server.api.route import Route

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font:14px/1.4 ui-monospace,monospace;background:#8881;border-radius:4px}"
    "code{padding:.1em .3em}pre{padding:.8rem;overflow:auto}pre code{background:none;padding:0}"
    "h2{margin-top:2.5rem}h3{margin-top:2.2rem;padding-top:.8rem;border-top:1px solid #8884}"
    "h3 code{font-size:1.05rem}"
    "a{color:inherit}nav a{margin-right:1.2em}:root{color-scheme:light dark}"
)
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

_INLINE = re.compile(r"`([^`]+)`")


def markdown(routes: tuple[Route, ...], base_url: str) -> str:
    """What a program or a person needs to use this hub, in the order in which it is needed."""
    parts = [
        "# OpenSession hub",
        "The hub keeps sessions of coding agents that their owners publish. All of it is HTTP and"
        " JSON; a key or a login goes into `Authorization: Bearer`.",
        "`opensession account login --server "
        + base_url
        + "` makes an account, logs in and keeps a key for the command line. By hand: log in with"
        " `POST /api/auth/login`, and make a key with `POST /api/auth/api-keys/issue`.",
        f"    curl {base_url}/api/sessions -H 'Authorization: Bearer osk_…'",
        "Errors have one shape, whatever the status:"
        ' `{"code": "not_found", "message": "…", "hint": "…"}`. What the caller may not see is'
        " answered as if it did not exist. Times are RFC 3339 in UTC, at most 1 MiB of JSON is"
        " taken, names that are unknown in a query are refused. The same as an OpenAPI document:"
        " `/api/openapi.json`.",
    ]
    schemas = document(routes, base_url)["components"]["schemas"]
    groups: dict[str, list[Route]] = {}
    for route in routes:
        name = route.action.partition(".")[0]
        groups.setdefault("sessions" if name == "session" else name, []).append(route)
    for name, members in groups.items():
        parts.append(f"## {name.capitalize()}")
        for route in members:
            parts += _route(route)
    parts.append("## Types")
    kinds = {k.__name__: k for r in routes for k in (r.request, r.response) if k is not None}
    for name, schema in schemas.items():
        doc = doc_of(kinds[name]) if name in kinds else schema.get("description", "")
        parts += [part for part in (f"### {name}", " ".join(doc.split()), _fields(schema)) if part]
    return "\n\n".join(parts) + "\n"


def page(text: str) -> str:
    """The few forms of markdown that `markdown` writes, as a page without scripts."""
    headings = re.findall(r"^(#{2,3}) (.*)$", text, re.MULTILINE)
    names = frozenset(title for _, title in headings)
    links = [
        f'<a href="#{_anchor(title)}">{title}</a>' for marks, title in headings if marks == "##"
    ]
    blocks = []

    for block in text.strip().split("\n\n"):
        if match := re.match(r"(#{1,3}) (.*)", block):
            level, title = len(match[1]), match[2]
            shown = _linked(title, frozenset())
            blocks.append(f'<h{level} id="{_anchor(title)}">{shown}</h{level}>')
            if level == 1:
                blocks.append(f"<nav>{''.join(links)}</nav>")
        elif block.startswith("    "):
            shown = "\n".join(line[4:] for line in block.splitlines())
            blocks.append(f"<pre><code>{html.escape(shown)}</code></pre>")
        elif block.startswith("- "):
            items = "".join(f"<li>{_linked(line[2:], names)}</li>" for line in block.splitlines())
            blocks.append(f"<ul>{items}</ul>")
        else:
            blocks.append(f"<p>{_linked(block, names)}</p>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>OpenSession hub</title>'
        f"<style>{STYLE}</style></head><body>{''.join(blocks)}</body></html>\n"
    )


def _route(route: Route) -> list[str]:
    rule = access.TABLE[route.action]
    lines = [f"- Who: {_who(rule)}."]
    if route.query is not None:
        lines.append("- Query: " + ", ".join(map(_parameter, msgspec.structs.fields(route.query))))
    if route.request is not None:
        lines.append(f"- Body: `{route.request.__name__}`")
    elif route.accepts:
        lines.append("- Body: " + " or ".join(f"`{kind}`" for kind in route.accepts))
    given = route.response.__name__ if route.response else route.gives
    lines.append(f"- Answer: {route.status}" + ("" if route.status == 204 else f" `{given}`"))
    errors = [f"{n} `{code_of(n)}`" for n in statuses(route) if n >= 400]
    lines.append("- Errors: " + ", ".join(errors))
    return [f"### `{route.method} {route.path}`", route.doc, "\n".join(lines)]


def _parameter(field: msgspec.structs.FieldInfo) -> str:
    """A parameter with what it may be: named values, or what it is where it is not given."""
    if field.required:
        return f"`{field.encode_name}` (required)"
    values = typing.get_args(field.type) if typing.get_origin(field.type) is Literal else ()
    if values:
        return f"`{field.encode_name}` ({' or '.join(f'`{value}`' for value in values)})"
    default = field.default if isinstance(field.default, int) else None
    return f"`{field.encode_name}`" + ("" if default is None else f" ({default})")


def _who(rule: access.Rule) -> str:
    if rule.nobody == "yes":
        return "everyone"
    if rule.admin == "yes" and rule.owner == "no":
        return "an admin"
    shown = "an account" if rule.scope is None else f"an account, with the scope `{rule.scope}`"
    return shown + (", or everyone where the feed is public" if rule.nobody == "public" else "")


def _fields(schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = []
    for name, found in schema.get("properties", {}).items():
        rows.append(f"- `{name}`: {_kind(found)}{'' if name in required else ', optional'}")
    return "\n".join(rows)


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(_kind(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))


def _anchor(title: str) -> str:
    """Where a heading is to be found on the page."""
    return re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-")


def _linked(text: str, names: frozenset[str]) -> str:
    """Text with its code marked; the names of types lead to where they are described."""

    def shown(match: re.Match[str]) -> str:
        code = f"<code>{match[1]}</code>"
        return f'<a href="#{_anchor(match[1])}">{code}</a>' if match[1] in names else code

    return _INLINE.sub(shown, html.escape(text, quote=False))
