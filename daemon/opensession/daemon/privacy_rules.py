"""From the settings of `[privacy]` to what a stripper is built with, and what tells two apart."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping

import msgspec

from opensession.core.config.settings import PrivacySettings
from opensession.core.privacy import SETS, STRIP_VERSION, Rules
from opensession.core.privacy.rules import mode_of
from opensession.daemon.repository_rules import STRICTNESS


def privacy_rules(privacy: PrivacySettings) -> Rules:
    """The rules that the settings make."""
    return Rules(
        strip_paths=privacy.strip_paths,
        strip_env_vars=privacy.strip_env_vars,
        modes=privacy.modes,
        patterns=privacy.patterns,
    )


def stricter_rules(rules: Rules, modes: Mapping[str, str]) -> Rules:
    """The rules with each of these modes that is stricter than theirs."""
    wanted = {
        name: mode
        for name, mode in modes.items()
        if name in SETS and STRICTNESS[mode] > STRICTNESS[mode_of(rules, name)]
    }
    return msgspec.structs.replace(
        rules,
        modes={**rules.modes, **wanted},
        strip_paths=rules.strip_paths or "paths" in wanted,
        strip_env_vars=rules.strip_env_vars or "assignments" in wanted,
    )


def machine_name() -> str:
    """The name of this machine, for the stripper to know it; empty where it names none."""
    name = socket.gethostname()
    return "" if name.partition(".")[0].lower() == "localhost" else name


def told(rules: Rules) -> frozenset[str]:
    """The modes in use whose findings are counted for themselves."""
    modes = {mode_of(rules, name) for name in SETS} | {one.mode for one in rules.patterns}
    return frozenset(modes & {"block", "warn"})


def fingerprint(privacy: PrivacySettings) -> str:
    """16 hex digits that differ where sessions are stripped by other rules. What is not taken in
    at all (paths, agents) has no part in it.
    """
    plain = (STRIP_VERSION, privacy_rules(privacy), privacy.exclude_patterns)
    data = msgspec.json.encode(plain, order="deterministic")
    return hashlib.sha256(data).hexdigest()[:16]
