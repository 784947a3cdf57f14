"""config.*: settings, and where each comes from."""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.core.rpc.envelope import Params


class ConfigGetParams(Params, frozen=True):
    """`key` is dotted (`daemon.debounce_secs`); empty means all."""

    key: str = ""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting; `origin` is `default`, a file's path or an environment variable's name.
    Keys and tokens are masked.
    """

    key: str
    value: Any
    origin: str


class ConfigGetResult(msgspec.Struct, frozen=True, kw_only=True):
    settings: list[Setting]
    path: str
    warnings: list[str]


class ConfigSetParams(Params, frozen=True):
    """`values` maps dotted keys to values; null removes the key. Comments of the file are kept."""

    values: dict[str, Any]


class ConfigSetResult(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    changed: list[str]
    restart_due: list[str]
    warnings: list[str]
