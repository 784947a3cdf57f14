"""One read of one source, in whichever process: what it takes, what it gives, how it fails."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from opensession.core.config.settings import CommandAgent, PrivacySettings
from opensession.core.privacy import STRIP_VERSION, Rules, Stripper
from opensession.daemon import admission, prepare, seal
from opensession.daemon.batch import Batch, Failure
from opensession.daemon.pausing import NOTHING, Skips
from opensession.daemon.privacy_rules import (
    fingerprint,
    machine_name,
    privacy_rules,
    stricter_rules,
    told,
)
from opensession.daemon.scrubbed import Scrubbed
from opensession.daemon.taking import Taking
from opensession.parsers import registry
from opensession.parsers.agent import Cursor, Source, SourceGone, SourceRefused
from opensession.parsers.guarded import AgentFailed

TOO_LARGE = "needs more memory than a read may use"


class Setup(msgspec.Struct, frozen=True, array_like=True):
    """What every read needs to know: how to strip, whether to archive, what to take in, the agents
    that commands know, and the fingerprints of secrets that are archived no more.
    """

    home: str
    key: bytes
    privacy: PrivacySettings
    archive: bool
    rules: admission.Rules
    commands: tuple[CommandAgent, ...] = ()
    scrubbed: tuple[Scrubbed, ...] = ()

    def stripper(self) -> Stripper:
        """The stripper, to be made once for many reads."""
        return Stripper(self.home, self.key, privacy_rules(self.privacy), host=machine_name())

    def taking(self, stripper: Stripper) -> Taking:
        """By which rules sessions are taken in; `stripper` is the one of `stripper()`."""
        return Taking(
            stripper,
            self.privacy.exclude_patterns,
            self.home,
            told(privacy_rules(self.privacy)),
            self._stricter,
        )

    def _stricter(self, modes: Mapping[str, str]) -> tuple[Stripper, frozenset[str]]:
        rules = stricter_rules(privacy_rules(self.privacy), modes)
        return _stripper(self.home, self.key, msgspec.json.encode(rules)), told(rules)


@functools.lru_cache(maxsize=8)
def _stripper(home: str, key: bytes, rules: bytes) -> Stripper:
    """A stripper by the rules of a repository: many jobs need the same few."""
    return Stripper(home, key, msgspec.json.decode(rules, type=Rules), host=machine_name())


class Job(msgspec.Struct, frozen=True, array_like=True):
    """A source to be read on from `cursor` to its end. Jobs are numbered in the order in which they
    are begun; `size` is about how many bytes there are to read.

    With `archive_file` the bytes are those of a generation in the archive, as the source is gone or
    its agent may have deleted from it; before it come the `older` generations, one after the other.
    Of an archive that is `torn` what is left of it is read. `skips` is what was written in pauses.
    """

    number: int
    source_id: int
    source: Source
    cursor: Cursor | None
    size: int
    archive_file: str = ""
    generation: int = 0
    older: tuple[int, ...] = ()
    skips: Skips = NOTHING
    storage: str = "lines"
    torn: bool = False


class Got(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """A batch of a job."""

    job: int
    batch: Batch


class Ended(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A job came to its end: well, or with a failure. `retry` says that the same bytes may do
    better another time; `place` is where in our program it failed.
    """

    job: int
    failure: Failure | None = None
    retry: bool = False
    place: str = ""


def read(setup: Setup, stripper: Stripper, job: Job, scratch: Path) -> Iterator[Batch]:
    """The batches of a job. Raises what `Agent.read` raises; batches that came before stay valid.

    `scratch` is a private folder for bytes that are taken from the archive.
    """
    for generation in job.older:
        for batch in _of_archive(setup, stripper, job, scratch, generation):
            yield msgspec.structs.replace(batch, older=True, partly=True)
    if job.archive_file:
        for batch in _of_archive(setup, stripper, job, scratch, job.generation):
            # A database would be read on from there, and its agent may have deleted the rest.
            yield msgspec.structs.replace(batch, partly=batch.more and job.storage == "rows")
    else:
        source = msgspec.structs.replace(job.source, masks=job.skips.masks)
        archive = setup.archive and not (job.skips.changed and job.storage != "rows")
        yield from _batches(setup, stripper, job, source, archive=archive)


def _of_archive(
    setup: Setup, stripper: Stripper, job: Job, scratch: Path, generation: int
) -> Iterator[Batch]:
    """The batches of one generation of a source's archive. Only the latest is compared with what
    is archived. Each begins the source anew, but for one that is read on from a cursor.
    """
    again = job.cursor is None or generation != min((*job.older, job.generation))
    temporary, lost = _materialised(job, generation, scratch)
    try:
        source = msgspec.structs.replace(job.source, read_from=str(temporary))
        latest = generation == job.generation and not lost
        batches = _batches(setup, stripper, job, source, archive=setup.archive and latest)
        for batch in batches:
            yield msgspec.structs.replace(batch, restarted=again or batch.restarted, lost=lost)
            again = False
    finally:
        temporary.unlink(missing_ok=True)


def _materialised(job: Job, generation: int, scratch: Path) -> tuple[Path, int]:
    """A file with the bytes of a generation, and how many are lost. Of a file that is written whole
    an older state stands in for one that cannot be read. Raises `DamagedArchive`.
    """
    from opensession.daemon.archive import DamagedArchive, materialise, torn  # rare

    file = Path(job.archive_file)
    if not job.torn:
        return materialise(file, generation, scratch), 0
    if job.storage != "whole":
        return torn.materialise_torn(file, generation, scratch)
    found = torn.newest_whole(file)
    if found is None:
        raise DamagedArchive("no state of it can be read")
    return materialise(file, found[0], scratch), found[1]


def _batches(
    setup: Setup, stripper: Stripper, job: Job, source: Source, *, archive: bool
) -> Iterator[Batch]:
    agent = registry.agent(source.agent, setup.commands)
    about = f"{source.agent}\0{source.path}"
    cursor = None if job.cursor is None else seal.unsealed(job.cursor, setup.key, about)
    taking = setup.taking(stripper)
    taking.paused = job.skips.times
    rules = fingerprint(setup.privacy)
    batches = prepare.batches(
        agent,
        job.source_id,
        source,
        cursor,
        stripper,
        archive=archive,
        taking=taking,
        scrubbed=setup.scrubbed,
    )
    for batch in admission.admitted(setup.rules, source, batches):
        sealed = seal.sealed(batch.cursor, setup.key, about)
        yield msgspec.structs.replace(batch, cursor=sealed, rules=rules)


def ended(job: Job, error: BaseException) -> Ended:
    """How a job ended that raised `error`, without a word of what was read."""
    state, reason, retry, place = "error", type(error).__name__, False, ""
    if isinstance(error, SourceGone):
        state, reason = "gone", ""
    elif isinstance(error, SourceRefused):
        state, reason = "refused", str(error)
    elif isinstance(error, MemoryError):
        reason = TOO_LARGE
    elif isinstance(error, OSError):
        reason, retry = error.strerror or reason, True
    elif isinstance(error, AgentFailed):
        reason, place = str(error), _place(error.__cause__ or error)
    else:
        place = _place(error)
    return Ended(job.number, Failure(job.source_id, state, reason), retry, place)


def versioned(failure: Failure, agent: str) -> Failure:
    """The failure with the versions that failed: those of this program."""
    try:
        version = registry.agent(agent).parser_version
    except KeyError:
        return failure  # an agent of another program: that one may know how
    return msgspec.structs.replace(failure, parser_version=version, strip_version=STRIP_VERSION)


def _place(error: BaseException) -> str:
    """The frames of an error, innermost last: names and lines of our program only."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-6:])
