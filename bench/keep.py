"""What keeping costs: bytes archived a second, their share of the source, an append, a rebuild."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.cases import MB, fresh, source_files
from bench.daemon import OURS, daemon, wait_indexed
from bench.table import Figure, at_most
from opensession.daemon.archive import Appending, Archived, file_for, make_frame, merge, verify
from opensession.parsers.agent import Source
from tests.conftest import CORPUS

SLICE = 1 << 20
GB = 1000 * MB


def keep(home: Path, scratch: Path) -> list[Figure]:
    """The archive by itself over a home's sessions, then a rebuild by a daemon."""
    made = _pieces(source_files(home))
    size = sum(len(piece) for _, pieces in made for piece in pieces)
    seconds, stored, spent = _archive(scratch / "made", made)
    figures = [
        Figure(
            "archiving",
            f"{size / MB / seconds:.3g} MB/s",
            note=f"{size / MB:.0f} MB of made sessions, packed, hashed, synced, in one thread",
        ),
        Figure("merging, and reading all of it back", f"{size / MB / spent:.3g} MB/s"),
        _verified(scratch / "made", size),
        at_most("archive by source, made sessions", stored / size * 100, "%", 20, "merged"),
    ]
    figures += _real(scratch / "real")
    figures.append(_append(scratch / "append"))
    figures.append(_rebuilt(home))
    return figures


def _pieces(files: Iterable[Path]) -> list[tuple[Source, list[bytes]]]:
    return [(Source("bench", "", str(path)), list(_slices(path))) for path in files]


def _slices(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(SLICE):
            yield piece


def _archive(folder: Path, sources: list[tuple[Source, list[bytes]]]) -> tuple[float, int, float]:
    """Seconds to archive, bytes after merging, seconds of the merging."""
    folder.mkdir()
    begin = time.perf_counter()
    with Appending(folder) as appending:
        for source, pieces in sources:
            state = Archived()
            offset = 0
            for piece in pieces:
                state = appending.append(source, state, make_frame(offset, piece))
                offset += len(piece)
        appending.sync()
    seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    for source, _ in sources:
        merge(file_for(folder, source.agent, source.path), source)
    spent = time.perf_counter() - begin
    stored = sum(path.stat().st_size for path in folder.glob("*/*.zst"))
    return seconds, stored, spent


def _verified(folder: Path, size: int) -> Figure:
    begin = time.perf_counter()
    damages = [damage for path in folder.glob("*/*.zst") for damage in verify(path)]
    if damages:
        raise RuntimeError("what was just written is damaged")
    spent = time.perf_counter() - begin
    return Figure("verifying", f"{size / MB / spent:.3g} MB/s", note="every frame, by its sha256")


def _real(folder: Path) -> list[Figure]:
    if not CORPUS.is_dir():
        return [Figure("archive by source, real", "not measured", note="no corpus")]
    files = [path for path in CORPUS.rglob("*.jsonl") if path.stat().st_size > 10_000]
    sources = _pieces(files)
    size = sum(path.stat().st_size for path in files)
    _, stored, _ = _archive(folder, sources)
    how = f"{len(files)} JSONL files of more than 10 kB, {size / MB:.1f} MB, merged"
    return [at_most("archive by source, real", stored / size * 100, "%", 20, how)]


def _append(folder: Path, count: int = 200) -> Figure:
    """A line of 1 kB at a time, each on the disk before the next."""
    folder.mkdir()
    source = Source("bench", "", "append")
    line = (b'{"type":"user","text":"' + b"and so on, word by word; " * 40)[:998] + b'"\n'
    state = Archived()
    times: list[float] = []
    for number in range(count):
        begin = time.perf_counter()
        with Appending(folder) as appending:
            state = appending.append(source, state, make_frame(number * len(line), line))
            appending.sync()
        times.append((time.perf_counter() - begin) * 1000)
    how = f"1 kB and its sync, n={count}, {state.size // count} bytes each until it is merged"
    return Figure(
        "an append to the archive, median", f"{statistics.median(times):.2g} ms", note=how
    )


def _rebuilt(home: Path) -> Figure:
    """The index made anew from the archive alone: the agents' files are gone."""
    fresh(home)
    size = sum(path.stat().st_size for path in source_files(home))
    with daemon(home) as running:
        client = running.client()
        wait_indexed(client)
        client.close()
    aside = home.with_name(home.name + "-gone")
    aside.mkdir()
    folders = [home / ".claude", home / ".codex"]
    try:
        for folder in folders:
            folder.rename(aside / folder.name)
        for path in (home / OURS / "data").glob("index.db*"):
            path.unlink()
        begin = time.perf_counter()
        with daemon(home) as running:
            client = running.client()
            wait_indexed(client)
            seconds = time.perf_counter() - begin
            listed = client.call("sessions.list", all=True, limit=1)["total"]
            client.close()
    finally:
        for folder in folders:
            (aside / folder.name).rename(folder)
        aside.rmdir()
    how = f"{listed} sessions of {size / MB:.0f} MB from the archive alone in {seconds:.1f} s"
    return Figure("a rebuild of 1 GB", f"{seconds * GB / size:.0f} s", note=how)
