"""Which sessions are taken in at all: by the repositories selected and the folders excluded.

It is decided where a source is read, since only its records name the session's folder: what is not
taken in never reaches the archive or the index.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator

import msgspec

from opensession.core.config import Settings
from opensession.core.privacy import excluded
from opensession.daemon.batch import Batch
from opensession.daemon.hidden import without_sessions
from opensession.daemon.repository_rules import rules_for
from opensession.parsers import opening
from opensession.parsers.agent import Source, SourceRefused

OUTSIDE = "outside of the selected repositories"
EXCLUDED = "in an excluded folder"
UNKNOWN = "its folder is not known yet"
BY_REPOSITORY = "in a folder that its repository excludes"
PRIVATE = "its session is private"


_MEANT = frozenset(
    {OUTSIDE, EXCLUDED, UNKNOWN, BY_REPOSITORY, PRIVATE}
    | {opening.LINK, opening.OUTSIDE, opening.NOT_REGULAR, opening.FOREIGN}
)


class Rules(msgspec.Struct, frozen=True):
    """Resolved folders. With `repos` only sessions below one of them are taken in; `excluded` are
    folders, or patterns with `*`, whose sessions and sources never are.
    """

    repos: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """Differs when the rules differ; kept with a refusal, so that other rules ask again."""
        return hashlib.sha256(repr((self.repos, self.excluded)).encode()).hexdigest()[:8]


def rules_of(settings: Settings) -> Rules:
    """The rules that the settings make."""
    return Rules(
        repos=tuple(os.path.realpath(repo) for repo in settings.watchers.repos),
        excluded=tuple(_resolved(entry) for entry in settings.privacy.exclude_paths),
    )


def refusal(rules: Rules, folders: Iterable[str], *, first: bool) -> str:
    """Why sessions are not taken in, or "" if they are. `folders` are their working folders as far
    as these are known; `first` says that nothing of their source was taken in before.
    """
    known = {os.path.realpath(folder) for folder in folders if folder.startswith("/")}
    if any(excluded(folder, rules.excluded) for folder in known):
        return EXCLUDED
    if not rules.repos:
        # Where folders are excluded, a session whose folder is unknown might be in one of them.
        return UNKNOWN if rules.excluded and first and not known else ""
    if not known:
        return UNKNOWN if first else ""
    inside = any(_below(repo, folder) for repo in rules.repos for folder in known)
    return "" if inside else OUTSIDE


def admitted(rules: Rules, source: Source, batches: Iterable[Batch]) -> Iterator[Batch]:
    """The batches of a source, as far as it is taken in. Raises `SourceRefused`, whose reason ends
    in the rules' mark, before the first batch that is not; for an excluded path, before any read.
    """
    if excluded(source.path, rules.excluded):
        raise SourceRefused(f"{EXCLUDED} [{rules.mark}]")
    for batch in batches:
        if batch.keeps:
            yield _sorted_out(rules, batch)
            continue
        if any(by_repository(session.info.cwd) for session in batch.sessions):
            raise SourceRefused(BY_REPOSITORY)
        if rules.repos or rules.excluded:
            folders = [
                folder
                for session in batch.sessions
                for folder in (session.info.cwd, session.info.last_cwd)
            ]
            first = batch.restarted or batch.expected_offset == 0
            reason = refusal(rules, folders, first=first)
            if reason:
                raise SourceRefused(f"{reason} [{rules.mark}]")
        yield batch


def _sorted_out(rules: Rules, batch: Batch) -> Batch:
    """The batch of a source with many sessions, each of which is taken in or not for itself."""
    hidden = set()
    for session in batch.sessions:
        folders = (session.info.cwd, session.info.last_cwd)
        reason = refusal(rules, folders, first=session.keep == 0)
        if reason or by_repository(session.info.cwd):
            hidden.add(session.info.id)
    return without_sessions(batch, hidden)


def by_repository(folder: str) -> bool:
    """Whether a folder is one that its repository excludes."""
    return excluded(folder, rules_for(folder).exclude_paths)


def may_differ(reason: str, rules: Rules) -> bool:
    """Reports whether a refusal was made by other rules, so that it is to be decided again."""
    head, _, mark = reason.rpartition(" [")
    return head in (OUTSIDE, EXCLUDED, UNKNOWN) and mark != f"{rules.mark}]"


def is_final(reason: str) -> bool:
    """Reports whether a refusal stays while the rules do, however the source grows."""
    return reason.startswith((OUTSIDE, EXCLUDED, PRIVATE))


def plain(reason: str) -> str:
    """A reason without the mark of the rules that made it."""
    head, _, _ = reason.rpartition(" [")
    return head if head in (OUTSIDE, EXCLUDED, UNKNOWN) else reason


def is_meant(reason: str) -> bool:
    """Reports whether a refusal is as it should be: by the rules, or a file that is not ours to
    read. Any other says that something is wrong with the source.
    """
    return plain(reason) in _MEANT


def _resolved(entry: str) -> str:
    """A folder without links, so that any way to it counts; patterns as they are."""
    return os.path.realpath(entry) if entry.startswith("/") and "*" not in entry else entry


def _below(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
