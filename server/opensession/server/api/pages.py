"""The routes as text to read: `/llms.txt` and `/docs` from the same list."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from typing import Any

import msgspec

from opensession.server import access
from opensession.server.api.openapi import code_of, doc_of, document, statuses
from opensession.server.api.route import Route

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font:14px/1.4 ui-monospace,monospace;background:#8881;border-radius:4px}"
    "code{padding:.1em .3em}pre{padding:.8rem;overflow:auto}pre code{background:none;padding:0}"
    "h2{margin-top:2.5rem}h3{margin-top:1.8rem}:root{color-scheme:light dark}"
)
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

_INLINE = re.compile(r"`([^`]+)`")


def markdown(routes: tuple[Route, ...], base_url: str) -> str:
    """What a program or a person needs to use this hub, in the order in which it is needed."""
    parts = [
        "# OpenSession hub",
        "The hub keeps sessions of coding agents that their owners publish. All of it is HTTP and"
        " JSON; a key or a login goes into `Authorization: Bearer`.",
        f"    curl {base_url}/api/sessions -H 'Authorization: Bearer osk_…'",
        "Errors have one shape, whatever the status:"
        ' `{"code": "not_found", "message": "…", "hint": "…"}`. What the caller may not see is'
        " answered as if it did not exist. Times are RFC 3339 in UTC, at most 1 MiB of JSON is"
        " taken, names that are unknown in a query are refused. The same as an OpenAPI document:"
        " `/api/openapi.json`.",
    ]
    schemas = document(routes, base_url)["components"]["schemas"]
    group = ""
    for route in routes:
        if (found := route.action.partition(".")[0]) != group:
            group = found
            parts.append(f"## {group}")
        parts += _route(route)
    parts.append("## Types")
    kinds = {k.__name__: k for r in routes for k in (r.request, r.response) if k is not None}
    for name, schema in schemas.items():
        doc = doc_of(kinds[name]) if name in kinds else schema.get("description", "")
        parts += [part for part in (f"### {name}", " ".join(doc.split()), _fields(schema)) if part]
    return "\n\n".join(parts) + "\n"


def page(text: str) -> str:
    """The few forms of markdown that `markdown` writes, as a page without scripts."""
    blocks = []
    for block in text.strip().split("\n\n"):
        if match := re.match(r"(#{1,3}) (.*)", block):
            level = len(match[1])
            blocks.append(f"<h{level}>{_inline(match[2])}</h{level}>")
        elif block.startswith("    "):
            shown = "\n".join(line[4:] for line in block.splitlines())
            blocks.append(f"<pre><code>{html.escape(shown)}</code></pre>")
        elif block.startswith("- "):
            items = "".join(f"<li>{_inline(line[2:])}</li>" for line in block.splitlines())
            blocks.append(f"<ul>{items}</ul>")
        else:
            blocks.append(f"<p>{_inline(block)}</p>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>OpenSession hub</title>'
        f"<style>{STYLE}</style></head><body>{''.join(blocks)}</body></html>\n"
    )


def _route(route: Route) -> list[str]:
    rule = access.TABLE[route.action]
    lines = [f"- Who: {_who(rule)}."]
    if route.query is not None:
        names = [field.encode_name for field in msgspec.structs.fields(route.query)]
        lines.append("- Query: " + ", ".join(f"`{name}`" for name in names))
    if route.request is not None:
        lines.append(f"- Body: `{route.request.__name__}`")
    elif route.accepts:
        lines.append("- Body: " + " or ".join(f"`{kind}`" for kind in route.accepts))
    given = route.response.__name__ if route.response else route.gives
    lines.append(f"- Answer: {route.status}" + ("" if route.status == 204 else f" `{given}`"))
    errors = [f"{n} `{code_of(n)}`" for n in statuses(route) if n >= 400]
    lines.append("- Errors: " + ", ".join(errors))
    return [f"### `{route.method} {route.path}`", route.doc, "\n".join(lines)]


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


def _inline(text: str) -> str:
    return _INLINE.sub(r"<code>\1</code>", html.escape(text, quote=False))
