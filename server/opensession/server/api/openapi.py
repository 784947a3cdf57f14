"""The OpenAPI 3.1 document, made from the routes and their types."""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec

from opensession.core import __version__
from opensession.core.hub import HubError
from opensession.server import access
from opensession.server.api.errors import STATUS, Code
from opensession.server.api.route import Route

REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_ERROR = {"schema": {"$ref": REF.format(name=HubError.__name__)}}

SAID: dict[int, str] = {
    200: "Done.",
    201: "Made.",
    204: "Done; there is nothing to say.",
    302: "It is elsewhere.",
    400: "The request is not what this route takes.",
    401: "No credential, or one that is expired or revoked.",
    403: "This credential does not have the scope.",
    404: "There is nothing of that name that the caller may see.",
    405: "This path does not take that method.",
    409: "It does not fit what the hub has.",
    410: "It was taken back.",
    413: "Too large.",
    415: "Not a media type or encoding of this route.",
    422: "JSON of another shape.",
    429: "Too many tries; `Retry-After` says when to come again.",
    500: "The hub failed.",
    503: "The hub is starting, or takes nothing in at the moment.",
    507: "The hub's disk is full.",
}


def document(routes: tuple[Route, ...], base_url: str) -> dict[str, Any]:
    """The whole document; a type that several routes use stands in it once."""
    kinds = {kind for route in routes for kind in _kinds(route)} | {HubError}
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    _, components = msgspec.json.schema_components(ordered, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenSession hub",
            "version": __version__,
            "description": "The hub that sessions of coding agents are published to.",
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": {
                name: schema
                for name, schema in sorted(components.items())
                if name not in _queries(routes)
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key (`osk_…`) or the access token of a login.",
                },
                "admin": {"type": "apiKey", "in": "header", "name": "X-OpenSession-Admin-Key"},
            },
        },
    }


def statuses(route: Route) -> list[int]:
    """Every status that a route may answer with, beyond 500 and what any route may."""
    rule = access.TABLE[route.action]
    found = {route.status, 400, *route.also}
    if rule.scope is not None or rule.nobody != "yes":
        found |= {401, 403}
    if route.request is not None or route.accepts:
        found |= {413, 415}
    if route.request is not None:
        found.add(422)
    if _PARAMETER.search(route.path):
        found.add(404)
    if route.rate:
        found.add(429)
    if route.action != "hub.look":
        found.add(503)
    return sorted(found)


def code_of(status: int) -> Code | None:
    """The code that stands in the error of a status."""
    return next((code for code, number in STATUS.items() if number == status), None)


def summary_of(route: Route) -> str:
    """The first sentence of what a route is for."""
    return re.split(r"(?<=[.:])\s", route.doc, maxsplit=1)[0].rstrip(".:")


def _operation(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    rule = access.TABLE[route.action]
    made: dict[str, Any] = {
        "operationId": route.name,
        "summary": summary_of(route),
        "description": route.doc,
        "tags": [route.action.partition(".")[0]],
        "responses": {str(status): _response(route, status) for status in statuses(route)},
    }
    parameters = [*_path_parameters(route), *_query_parameters(route, components)]
    if parameters:
        made["parameters"] = parameters
    if route.request is not None:
        schema = {"$ref": REF.format(name=route.request.__name__)}
        made["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    elif route.accepts:
        made["requestBody"] = {
            "required": True,
            "content": {kind: {} for kind in route.accepts},
        }
    if rule.scope == "admin":
        made["security"] = [{"bearer": []}, {"admin": []}]
    elif rule.nobody != "yes":
        made["security"] = [{"bearer": []}]
    if rule.scope is not None:
        made["x-scope"] = rule.scope
    return made


def _response(route: Route, status: int) -> dict[str, Any]:
    made: dict[str, Any] = {"description": SAID.get(status, "")}
    if status >= 400:
        made["content"] = {"application/json": _ERROR}
    elif status not in (204, 302):
        if route.response is not None:
            schema = {"$ref": REF.format(name=route.response.__name__)}
            made["content"] = {"application/json": {"schema": schema}}
        else:
            made["content"] = {route.gives: {}}
    if status in (429, 503):
        made["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return made


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
        }
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route, components: dict[str, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = components[route.query.__name__]
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": {key: value for key, value in found.items() if key != "default"},
        }
        for name, found in schema.get("properties", {}).items()
    ]


def _kinds(route: Route) -> list[type[msgspec.Struct]]:
    return [kind for kind in (route.request, route.response, route.query) if kind is not None]


def _queries(routes: tuple[Route, ...]) -> set[str]:
    """Types that stand in the document as parameters, not as themselves."""
    bodies = {k.__name__ for r in routes for k in (r.request, r.response) if k is not None}
    return {r.query.__name__ for r in routes if r.query is not None} - bodies


def doc_of(kind: type[msgspec.Struct]) -> str:
    """A type's own docstring."""
    return inspect.cleandoc(kind.__dict__.get("__doc__") or "")
