"""VS Code's URIs as paths, and the folder of a workspace.

<User>/workspaceStorage/<hash>/workspace.json
    {"folder": "file:///home/dev/demo"}   or   {"workspace": "file:///home/dev/all.code-workspace"}
    {"folder": "vscode-remote://ssh-remote%2Bbox/home/dev/demo"}
"""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import unquote

from opensession.parsers.agent import Source, SourceGone, SourceRefused
from opensession.parsers.copilot.fields import Object, string
from opensession.parsers.decoding import decode_any, mend_text
from opensession.parsers.opening import opened
from opensession.parsers.timeline import PATH_CHARACTERS

_BYTES = 64 << 10
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)")
_DRIVE = re.compile(r"/[A-Za-z]:(?:/|\Z)")


def path_of(uri: Any) -> str:
    """The path of a URI, as text or in its parts; empty for what names no file.

    `/c:/x` becomes `c:/x`; a path on a remote machine is as it is there.
    """
    if isinstance(uri, str):
        found = _URI.match(uri)
        if found is None or found[1] not in _SCHEMES:
            return ""
        return _clean(unquote(found[3]))
    if not isinstance(uri, dict):
        return ""
    if "uri" in uri and isinstance(uri["uri"], dict):  # a location: where in a file
        uri = uri["uri"]
    if uri.get("scheme", "file") not in _SCHEMES:
        return ""
    return _clean(string(uri, "path") or string(uri, "fsPath"))


def folder_of(source: Source) -> Object:
    """What is known of the folder that a session's workspace is: `cwd`, and where it lies.

    Of a workspace of several folders, `workspace` is its file and `cwd` the folder that this lies
    in, if the person saved it. `remote` names the machine. Empty for a window without a folder.
    """
    place = source.path.rpartition("/chatSessions/")[0]
    if not place:
        return {}
    beside = Source(source.agent, place, f"{place}/workspace.json")
    try:
        with opened(beside) as (descriptor, _):
            value = decode_any(os.read(descriptor, _BYTES))
    except (SourceGone, SourceRefused, OSError, ValueError):
        return {}
    if not isinstance(value, dict):
        return {}
    uri = string(value, "folder") or string(value, "workspace") or string(value, "configuration")
    path = path_of(uri)
    if not path:
        return {}
    found: Object = {"cwd": path}
    if not string(value, "folder"):
        untitled = "/User/Workspaces/" in path
        found = {"cwd": "" if untitled else path.rpartition("/")[0], "workspace": path}
    parts = _URI.match(uri)
    if parts is not None and parts[1] != "file" and parts[2]:
        found["remote"] = mend_text(unquote(parts[2]))[:256]
    return found


_SCHEMES = frozenset(("file", "vscode-remote", "vscode-notebook-cell", "vscode-userdata"))


def _clean(path: str) -> str:
    path = mend_text(path)
    if not path or len(path) > PATH_CHARACTERS or "\0" in path:
        return ""
    if _DRIVE.match(path):
        path = path[1:]
    return path.rstrip("/") or "/"
