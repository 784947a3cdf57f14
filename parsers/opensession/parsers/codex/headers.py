"""Records that say what session this is and under what settings it runs."""

from __future__ import annotations

from typing import Any

from opensession.parsers.codex.reading import Reading
from opensession.parsers.codex.records import Payload
from opensession.parsers.codex.state import ID_CHARACTERS

_AUXILIARY_ROLES = frozenset(("awaiter", "worker", "explorer", "subagent"))
_RELATED = 16


def on_session_meta(reading: Reading, payload: Payload) -> None:
    """A record `session_meta`, or the header of the flat dialect.

    The first is this file's. Those that follow came with copied history: they say which session
    the records after them were first written for.
    """
    state = reading.state
    state.metas += 1
    if state.metas > 1:
        if payload.id:
            state.lineage = payload.id[:ID_CHARACTERS]
            if payload.id != state.id:
                _relate(reading, payload.id)
        return
    base = payload.history_base.get("thread_id") if isinstance(payload.history_base, dict) else None
    origin = payload.forked_from_id or (base if isinstance(base, str) else None)
    state.lineage = payload.forked_from_id or payload.id or state.id
    state.cwd = payload.cwd or ""
    state.tool_version = payload.cli_version or ""
    state.provider = payload.model_provider or ""
    if payload.git:
        state.branch = payload.git.branch or ""
        state.commit = payload.git.commit_hash or ""
        state.remote = payload.git.repository_url or ""
    for name in ("originator", "agent_nickname", "agent_role"):
        value = getattr(payload, name)
        if value:
            state.attributes[name] = value
    if origin:
        state.attributes["forked_from_id"] = origin
        _relate(reading, origin)
    _family(reading, payload)


def _family(reading: Reading, payload: Payload) -> None:
    """Whether this is a subagent's session, and whose."""
    state = reading.state
    source = payload.source
    subagent: Any = None
    parent: Any = payload.parent_thread_id
    if isinstance(source, str):
        state.attributes["source"] = source
    elif isinstance(source, dict):
        subagent = source.get("subagent", source.get("sub_agent"))
        parent = source.get("parent_thread_id") or parent
    if isinstance(subagent, str):
        state.attributes["subagent_kind"] = subagent
    elif isinstance(subagent, dict):
        parent = subagent.get("parent_thread_id") or parent
        for kind, spawn in subagent.items():
            if isinstance(spawn, dict):
                parent = spawn.get("parent_thread_id") or parent
                state.attributes["subagent_kind"] = kind
    if isinstance(parent, str) and parent and parent != state.id:
        state.parent = parent
    state.auxiliary = bool(
        subagent
        or state.parent
        or payload.thread_source == "subagent"
        or payload.agent_role in _AUXILIARY_ROLES
    )


def on_turn_context(reading: Reading, payload: Payload) -> None:
    """A record `turn_context`: model and folder from here on."""
    _settings(reading, payload.model, None, payload.cwd)


def on_settings(reading: Reading, payload: Payload) -> None:
    """An event `thread_settings_applied`."""
    settings = payload.thread_settings
    if settings is not None:
        _settings(reading, settings.model, settings.model_provider_id, settings.cwd)


def _settings(reading: Reading, model: str | None, provider: str | None, cwd: str | None) -> None:
    state = reading.state
    state.model = model or state.model
    state.provider = provider or state.provider
    if cwd:
        state.cwd = state.cwd or cwd
        state.last_cwd = cwd


def _relate(reading: Reading, other: str) -> None:
    related = reading.state.related
    if len(other) <= ID_CHARACTERS and other not in related and len(related) < _RELATED:
        related.append(other)
