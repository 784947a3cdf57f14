"""`opensession account login|connect|whoami|logout`: this machine's key for a hub."""

from __future__ import annotations

import os
import socket
from typing import Annotated, Any

import msgspec
import typer

from opensession.client import hub, output
from opensession.client import login as keys
from opensession.client.options import AsJson
from opensession.core.errors import NotFound, Refused, UsageError
from opensession.core.hub import Capabilities, Identity, Tokens
from opensession.core.paths import find_paths

Server = Annotated[
    str, typer.Option("--server", metavar="URL", help="The hub; else the one that is configured.")
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Let keys go over http to another machine.")
]


class IssuedKey(msgspec.Struct, frozen=True):
    """What the hub gives for `api-keys/issue`, as far as it matters here."""

    api_key: str
    prefix: str = ""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. `place` is where the key lies: config, environment or keyring."""

    server: str
    user_id: str
    nickname: str
    scopes: list[str]
    place: str


def login(
    server: Server = "",
    email: Annotated[str, typer.Option("--email", metavar="ADDRESS", help="Your account.")] = "",
    register: Annotated[bool, typer.Option("--register", help="Make a new account.")] = False,
    nickname: Annotated[
        str, typer.Option("--nickname", metavar="NAME", help="With --register: how others see you.")
    ] = "",
    code: Annotated[
        str,
        typer.Option("--code", metavar="CODE", help="For the first account from another machine."),
    ] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin.")
    ] = False,
    insecure: Insecure = False,
    json: AsJson = False,
) -> None:
    """Log in at a hub and get a key for this machine, which may publish and read. What is missing
    is asked; the password is not kept. On a hub without accounts this makes the first one.

    opensession account login --server http://127.0.0.1:3000
    opensession account login --email me@example.com --password-stdin < password
    """
    paths = find_paths(os.environ)
    url = _address(server, insecure=insecure)
    offered = hub.call(url, "GET", "/api/capabilities", Capabilities)
    first = offered.registration == "first"
    if first and not register:
        output.note(f"{url} has no account yet: this makes the first one, the admin's")
    email = email or keys.asked("Email", "--email")
    password = keys.from_stdin() if password_stdin else ""
    password = password or keys.asked("Password", "--password-stdin", hidden=True)
    if register or first:
        if not password_stdin and keys.asked("Again", "", hidden=True) != password:
            raise UsageError("the two passwords differ", "opensession account login")
        body: dict[str, Any] = {"email": email, "password": password, "code": code}
        body["nickname"] = nickname or keys.nickname(paths, os.environ) or email.partition("@")[0]
        tokens = hub.call(url, "POST", "/api/auth/register", Tokens, body=body)
    else:
        body = {"email": email, "password": password}
        tokens = hub.call(url, "POST", "/api/auth/login", Tokens, body=body)
    wanted = {"label": socket.gethostname()[:128], "scopes": ["read", "publish"]}
    issued = hub.call(
        url,
        "POST",
        "/api/auth/api-keys/issue",
        IssuedKey,
        body=wanted,
        credential=tokens.access_token,
    )
    refresh = {"refresh_token": tokens.refresh_token}
    hub.call(url, "POST", "/api/auth/logout", type(None), body=refresh)
    _replace(url, issued.api_key, insecure=insecure)
    _print(url, Identity(user_id=tokens.user_id, nickname=tokens.nickname, scopes=[]), json=json)
    if not json:
        running = paths.run_file.exists()
        output.note(f"next: opensession {'stream enable' if running else 'daemon start'}")


def connect(
    server: Server = "",
    key: Annotated[
        str, typer.Option("--key", metavar="-", help="Read the key from stdin; else it is asked.")
    ] = "",
    insecure: Insecure = False,
    json: AsJson = False,
) -> None:
    """Use a key that the hub gave out already.

    opensession account connect --server https://hub.example
    opensession account connect --key - < key
    """
    url = _address(server, insecure=insecure)
    if key not in ("", "-"):
        raise UsageError(
            "a key is not given as a word: others can see it", "opensession account connect --key -"
        )
    secret = keys.checked_key(
        keys.from_stdin() if key else keys.asked("Key", "--key -", hidden=True)
    )
    found = hub.call(url, "POST", "/api/auth/verify", Identity, credential=secret)
    if "publish" not in found.scopes:
        output.note("opensession: this key may not publish")
    _replace(url, secret, insecure=insecure)
    _print(url, found, json=json)


def whoami(json: AsJson = False) -> None:
    """Whose this machine's key is, and what it may do; the hub is asked.

    opensession account whoami
    """
    url, secret = _current()
    _print(url, hub.call(url, "POST", "/api/auth/verify", Identity, credential=secret), json=json)


def logout(json: AsJson = False) -> None:
    """End this machine's key on the hub and forget it. What was published stays there.

    opensession account logout
    """
    url, secret = _current()
    paths = find_paths(os.environ)
    place = keys.key(paths, os.environ)[1]
    done = keys.ended(url, secret)
    keys.forget(paths, os.environ, url)
    if place == "environment":
        output.note("opensession: OPENSESSION_SERVER_API_KEY is still set")
    if json:
        output.emit_json({"server": url, "ended": done})
    elif done:
        output.note(f"the key is no good any more at {url}, and forgotten here")
    else:
        output.note(f"the key is forgotten here; {url} still takes it: end it there")


def _address(server: str, *, insecure: bool) -> str:
    paths = find_paths(os.environ)
    url = server or keys.server(paths, os.environ) or keys.asked("Hub", "--server URL")
    return hub.checked_address(url, insecure=insecure)


def _current() -> tuple[str, str]:
    """The hub and the key of this machine. Raises where there are none."""
    paths = find_paths(os.environ)
    settings = keys.settings(paths, os.environ)
    if not settings.url:
        raise Refused("no hub is set: nothing is ever sent", "opensession account login")
    url = hub.checked_address(settings.url, insecure=settings.insecure)
    secret, _ = keys.key(paths, os.environ)
    if not secret:
        raise NotFound(f"there is no key for {url} here", "opensession account login")
    return url, secret


def _replace(url: str, secret: str, *, insecure: bool) -> None:
    """Keep a new key; the one before it, if it is of the same hub, is ended there."""
    paths = find_paths(os.environ)
    before = ""
    if keys.server(paths, os.environ) == url:
        before, place = keys.key(paths, os.environ)
        before = before if place in ("config", "keyring") else ""
    keys.keep(paths, os.environ, url, secret, insecure=insecure)
    if before and before != secret:
        keys.ended(url, before)


def _print(url: str, found: Identity, *, json: bool) -> None:
    paths = find_paths(os.environ)
    place = keys.key(paths, os.environ)[1]
    if json:
        output.emit_json(
            Account(
                server=url,
                user_id=found.user_id,
                nickname=found.nickname,
                scopes=found.scopes or ["publish", "read"],
                place=place,
            )
        )
        return
    from opensession.client.render.words import line

    may = f", may {' and '.join(line(each) for each in found.scopes)}" if found.scopes else ""
    output.emit([f"{line(found.nickname)} at {url}{may} (key: {place})"])
