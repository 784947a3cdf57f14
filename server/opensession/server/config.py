"""Settings of the hub: default < file < environment.

The file is `server.toml` in the data folder, or what `OPENSESSION_SERVER_CONFIG` names. Its keys
are the variables' names in lower case without `OPENSESSION_`, such as `public_feed_enabled`.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from opensession.core.errors import UsageError

Registration = Literal["open", "invite", "closed"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

VARIABLES: dict[str, str] = {
    "data_dir": "OPENSESSION_DATA_DIR",
    "host": "HOST",
    "port": "PORT",
    "base_url": "OPENSESSION_BASE_URL",
    "jwt_secret": "JWT_SECRET",
    "admin_key": "OPENSESSION_ADMIN_KEY",
    "allowed_origins": "OPENSESSION_ALLOWED_ORIGINS",
    "public_feed_enabled": "OPENSESSION_PUBLIC_FEED_ENABLED",
    "session_score_plugin": "OPENSESSION_SESSION_SCORE_PLUGIN",
    "registration": "OPENSESSION_REGISTRATION",
    "trusted_proxies": "OPENSESSION_TRUSTED_PROXIES",
    "max_body_bytes": "OPENSESSION_MAX_BODY_BYTES",
    "min_free_bytes": "OPENSESSION_MIN_FREE_BYTES",
    "auth_attempts_per_minute": "OPENSESSION_AUTH_ATTEMPTS_PER_MINUTE",
    "log": "OPENSESSION_LOG",
}
"""The variable of every setting."""

FALLBACKS = {"base_url": "BASE_URL"}
"""Variables that count where the one of `VARIABLES` is not set."""

DEFAULT_DATA_DIR = "data"
FILE_VARIABLE = "OPENSESSION_SERVER_CONFIG"
SECRETS = frozenset({"jwt_secret", "admin_key"})
_LISTS = frozenset({"allowed_origins", "trusted_proxies"})
_ORIGIN = re.compile(r"https?://[^/\s@]+\Z")
_SHORTEST_SECRET = 32
_SHORTEST_ADMIN_KEY = 16


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting. Secrets are never printed: not by `repr`, not in an error."""

    data_dir: str = DEFAULT_DATA_DIR
    host: str = "127.0.0.1"
    port: int = 3000
    base_url: str = ""
    jwt_secret: str = ""
    admin_key: str = ""
    allowed_origins: tuple[str, ...] = ()
    public_feed_enabled: bool = False
    session_score_plugin: str = "heuristic_v1"
    registration: Registration = "invite"
    trusted_proxies: tuple[str, ...] = ()
    max_body_bytes: int = 4 << 30
    """Of one request, decoded."""
    min_free_bytes: int = 512 << 20
    """With less than this free on the disk the hub takes nothing more in."""
    auth_attempts_per_minute: float = 20
    """Per address, on the routes that take a password, a token or a code; 0 is no limit."""
    log: str = "info"

    @property
    def data(self) -> Path:
        """The data folder."""
        return Path(self.data_dir)

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks whose `X-Forwarded-*` is believed."""
        return tuple(ipaddress.ip_network(text, strict=False) for text in self.trusted_proxies)

    def __repr__(self) -> str:
        return f"Config(data_dir={self.data_dir!r}, host={self.host!r}, port={self.port})"


def load(environ: Mapping[str, str]) -> Config:
    """The settings of this environment and its file; UsageError names what is wrong."""
    named = environ.get(FILE_VARIABLE, "")
    folder = environ.get(VARIABLES["data_dir"], "").strip() or DEFAULT_DATA_DIR
    path = Path(named) if named else Path(folder) / "server.toml"
    values = _of_file(path, required=bool(named))
    for name, variable in VARIABLES.items():
        text = environ.get(variable) or environ.get(FALLBACKS.get(name, ""), "")
        if text:
            values[name] = _split(text) if name in _LISTS else _plain(name, text, variable)
    try:
        config = msgspec.convert(values, Config, strict=False)
        _ = config.proxies
    except (msgspec.ValidationError, ValueError) as error:
        raise UsageError(_told(error), f"look at {path} and at the environment") from None
    _check(config)
    return config


def _of_file(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        if required:
            raise UsageError(f"no such file: {path}", f"look at {FILE_VARIABLE}") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {path}", f"ls -l {path}") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: {error}", f"edit {path}") from None
    for name in values:
        if name not in VARIABLES:
            near = difflib.get_close_matches(name, VARIABLES, 1)
            hint = f"did you mean {near[0]}?" if near else f"edit {path}"
            raise UsageError(f"{path}: unknown setting {name}", hint)
    if SECRETS & values.keys() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise UsageError(f"{path} holds a secret and others may read it", f"chmod 600 {path}")
    return values


def _plain(name: str, text: str, variable: str) -> object:
    if name == "public_feed_enabled":
        known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.strip().lower() not in known:
            raise UsageError(f"{variable} is true or false", f"unset {variable}")
        return known[text.strip().lower()]
    return text if name in SECRETS else text.strip()


def _split(text: str) -> list[str]:
    return [part for part in (piece.strip() for piece in text.split(",")) if part]


def _check(config: Config) -> None:
    if not 0 <= config.port <= 65535:
        raise UsageError("the port is a number up to 65535", "PORT=3000 opensession-server")
    if config.jwt_secret and len(config.jwt_secret) < _SHORTEST_SECRET:
        raise UsageError(
            f"JWT_SECRET has at least {_SHORTEST_SECRET} characters",
            "unset it: the hub makes a good one at its first start",
        )
    if config.admin_key and len(config.admin_key) < _SHORTEST_ADMIN_KEY:
        raise UsageError(
            f"OPENSESSION_ADMIN_KEY has at least {_SHORTEST_ADMIN_KEY} characters",
            "openssl rand -hex 32",
        )
    if config.auth_attempts_per_minute < 0:
        raise UsageError("auth_attempts_per_minute is 0 (no limit) or more", "20 is the default")
    if config.max_body_bytes < 1:
        raise UsageError("max_body_bytes is a number of bytes", "4294967296 is the default")
    for origin in config.allowed_origins:
        if not _ORIGIN.match(origin):
            raise UsageError(f"not an origin: {origin}", "such as https://hub.example.org")
    if config.base_url and not config.base_url.startswith(("http://", "https://")):
        raise UsageError("the base URL begins with https:// or http://", "OPENSESSION_BASE_URL")


def _told(error: Exception) -> str:
    """What is wrong, without a value: it may be a secret at the wrong place."""
    if isinstance(error, msgspec.ValidationError):
        return f"the configuration: {error}"
    return "trusted_proxies holds addresses and networks, such as 10.0.0.0/8"
