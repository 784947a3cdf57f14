"""From settings to what the ingest needs to know."""

from __future__ import annotations

import msgspec

from opensession.core.config import Settings
from opensession.core.config.settings import PrivacySettings
from opensession.core.paths import Paths
from opensession.daemon import admission
from opensession.daemon.ingest import Options, Place
from opensession.daemon.reading import Setup
from opensession.daemon.schedule import Timing


def place_of(paths: Paths) -> Place:
    """Where the ingest writes."""
    return Place(index=paths.index_db, archive=paths.archive_dir, scratch=paths.state_dir / "work")


def options_of(settings: Settings, paths: Paths, key: bytes, privacy: PrivacySettings) -> Options:
    """How the ingest works under `settings`. How it strips is told apart (`privacy`), for that
    changes at a start only: one index is made by one set of rules.
    """
    daemon = settings.daemon
    return Options(
        setup=Setup(
            home=str(paths.home),
            key=key,
            privacy=msgspec.structs.replace(
                settings.privacy,
                strip_paths=privacy.strip_paths,
                strip_env_vars=privacy.strip_env_vars,
                modes=privacy.modes,
                patterns=privacy.patterns,
            ),
            archive=settings.archive.raw,
            rules=admission.rules_of(settings),
            commands=settings.watchers.commands,
        ),
        timing=Timing(
            quiet=min(daemon.realtime_debounce_ms / 1000, daemon.debounce_secs),
            longest=daemon.debounce_secs,
        ),
        reconcile=daemon.reconcile_secs,
        poll=daemon.poll_secs,
        idle=daemon.session_end_idle_secs,
    )
