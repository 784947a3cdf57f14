"""What is measured: each function makes its figures with a daemon of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from bench import corpus
from bench.daemon import OURS, Running, daemon, environment, folder_bytes, wait_indexed
from bench.table import Figure, at_least, at_most, percentile

MB = 1_000_000
DEBOUNCE = 0.5
WORDS = (
    "import", "return", "path", "name", "error", "value", "test", "self", "class", "file",
    "default", "argument", "string", "length", "object", "header", "thread", "module",
    "signature", "buffer",
)  # fmt: skip


def source_files(home: Path) -> list[Path]:
    """The agents' own files below a home."""
    folders = (home / ".claude" / "projects", home / ".codex" / "sessions")
    return [path for folder in folders for path in folder.rglob("*.jsonl")]


def fresh(home: Path) -> None:
    """Forget what a daemon made of this home."""
    shutil.rmtree(home / OURS, ignore_errors=True)


def first_index(home: Path, runs: int = 3) -> list[Figure]:
    """Wall and CPU of a first index, its peak memory, and bytes on disk by bytes of source."""
    size = sum(p.stat().st_size for p in source_files(home))
    walls: list[float] = []
    cpus: list[float] = []
    peaks: list[int] = []
    disk = 0
    for _ in range(runs):
        fresh(home)
        begin = time.perf_counter()
        with daemon(home) as running:
            running.watch_memory()
            client = running.client()
            wait_indexed(client)
            walls.append(time.perf_counter() - begin)
            cpus.append(running.cpu_seconds())
            peaks.append(running.peak_bytes)
            client.close()
        disk = folder_bytes(home / OURS / "data")
    wall, cpu = percentile(walls, 0.5), percentile(cpus, 0.5)
    peak = percentile([float(p) for p in peaks], 0.5)
    how = f"{size / MB:.0f} MB in {len(source_files(home))} files, median of {runs}, with start-up"
    return [
        at_least("first index", size / MB / wall, "MB/s", 75, how),
        Figure(
            "first index, CPU", f"{size / MB / cpu:.3g} MB/s", note="by CPU time of all processes"
        ),
        at_most(
            "peak memory of a first index", peak / (1 << 20), "MiB", 300, "PSS of all processes"
        ),
        at_most(
            "index + archive by source", disk / size * 100, "%", 40, "after the daemon stopped"
        ),
    ]


def machine_speed(home: Path) -> list[Figure]:
    """How fast this machine is at plain work: `json.loads` over the same files, one core."""
    lines = [line for path in source_files(home)[:20] for line in path.open("rb")]
    speeds = []
    for _ in range(3):
        begin = time.process_time()
        for line in lines:
            json.loads(line)
        speeds.append(sum(map(len, lines)) / MB / (time.process_time() - begin))
    speed = percentile(speeds, 0.5)
    how = "one core; the machine of the budgets reached 255 to 284"
    return [Figure("this machine: json.loads", f"{speed:.3g} MB/s", note=how)]


def reads_meanwhile(home: Path) -> list[Figure]:
    """`sessions.list` every 50 ms while a first index runs."""
    fresh(home)
    times: list[float] = []
    with daemon(home) as running:
        indexing, reading = running.client(), running.client()
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                begin = time.perf_counter()
                reading.call("sessions.list", all=True, limit=20)
                times.append((time.perf_counter() - begin) * 1000)
                done.wait(0.05)

        thread = threading.Thread(target=read)
        thread.start()
        wait_indexed(indexing)
        done.set()
        thread.join()
    how = f"sessions.list every 50 ms, n={len(times)}, p50 {percentile(times, 0.5):.1f} ms"
    return [at_most("read during a first index, p95", percentile(times, 0.95), "ms", 20, how)]


def search(home: Path, queries: int = 50) -> list[Figure]:
    """Two words, first page; a quoted phrase; a substring."""
    with daemon(home) as running:
        client = running.client()
        wait_indexed(client)
        status = client.call("daemon.status")
        events = sum(a["events"] for a in status["agents"].values())
        pairs = [f"{WORDS[i % 20]} {WORDS[(i * 7 + 3) % 20]}" for i in range(queries)]
        figures = []
        for name, options, limit in (
            ("search, two words, p95", {}, 20.0),
            ("search, substring, p95", {"substring": True}, 0.0),
        ):
            times = []
            for pair in pairs:
                query = pair.split()[0][:5] if options else pair
                begin = time.perf_counter()
                client.call("search.query", query=query, limit=20, **options)
                times.append((time.perf_counter() - begin) * 1000)
            p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
            how = f"{events:,} events, {queries} queries, first page, p50 {p50:.1f} ms"
            if limit:
                figures.append(at_most(name, p95, "ms", limit, how))
            else:
                figures.append(Figure(name, f"{p95:.3g} ms", note=how))
        client.close()
    return figures


def append(folder: Path, appends: int = 20) -> list[Figure]:
    """From the write of a line to its word being found, without the debounce, at two sizes."""
    medians: dict[int, float] = {}
    figures: list[Figure] = []
    for megabytes in (1, 300):
        home = folder / f"append-{megabytes}"
        shutil.rmtree(home, ignore_errors=True)
        path = home / ".claude/projects/-home-dev-work/11111111-2222-4333-8444-555555555555.jsonl"
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            for line in corpus.claude_session(7, megabytes * MB):
                file.write(line)
        template = json.loads(line)
        with daemon(home) as running:
            client, events = running.client(), running.client()
            wait_indexed(client)
            events.call("events.subscribe", all=True)
            cpu = running.own_cpu_seconds()
            times = []
            for number in range(appends):
                word = f"needle{megabytes}x{number}"
                record = {
                    **template,
                    "type": "user",
                    "uuid": f"{number:08}-0000-4000-8000-{megabytes:012}",
                    "message": {"role": "user", "content": f"please find {word}"},
                }
                with path.open("ab") as file:
                    file.write(json.dumps(record).encode() + b"\n")
                begin = time.perf_counter()
                events.notice("events.event")
                found = client.call("search.query", query=word)
                times.append(time.perf_counter() - begin - DEBOUNCE)
                if found["total"] != 1:
                    raise RuntimeError(f"{word} was announced and is not found")
            cpu = (running.own_cpu_seconds() - cpu) / appends * 1000
        medians[megabytes] = percentile(times, 0.5)
        p95 = percentile(times, 0.95) * 1000
        how = (
            f"n={appends}, beyond the {DEBOUNCE} s debounce, "
            f"p50 {medians[megabytes] * 1000:.0f} ms, {cpu:.0f} ms CPU each"
        )
        figures.append(
            at_most(f"append to searchable, {megabytes} MB session, p95", p95, "ms", 100, how)
        )
        shutil.rmtree(home)
    ratio = medians[300] / medians[1]
    figures.append(
        at_most("the same, 300 MB by 1 MB session", ratio, "×", 1.2, "ratio of the medians")
    )
    return figures


def idle(home: Path, seconds: int = 60) -> list[Figure]:
    """CPU and memory of a daemon with an index and nothing to do."""
    with daemon(home) as running:
        client = running.client()
        wait_indexed(client)
        client.close()
        _settled(running)
        cpu = running.cpu_seconds()
        time.sleep(seconds)
        used = (running.cpu_seconds() - cpu) / seconds * 100
        me = psutil.Process(running.process.pid)
        rss, pss, children = me.memory_info().rss, running.memory(), len(me.children())
    how = f"over {seconds} s after an index, {children} children"
    return [
        at_most("idle CPU", used, "%", 0.1, how),
        at_most("idle memory (PSS)", pss / (1 << 20), "MiB", 60, f"RSS {rss / (1 << 20):.0f} MiB"),
    ]


def _settled(running: Running) -> None:
    """Wait until two seconds pass with next to no CPU."""
    for _ in range(60):
        before = running.cpu_seconds()
        time.sleep(2)
        if running.cpu_seconds() - before < 0.02:
            return


def startup(home: Path, runs: int = 15) -> list[Figure]:
    """`opensession log` as a whole process, beside bare Python and a bare typer program."""
    program = Path(sys.executable).with_name("opensession")
    bare = "import typer\napp = typer.Typer()\n@app.command()\ndef a(): pass\napp()"
    commands = {
        "bare python": [sys.executable, "-c", "pass"],
        "bare typer": [sys.executable, "-c", bare],
        "log": [str(program), "log", "--all"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    with daemon(home) as running:
        client = running.client()
        wait_indexed(client)
        client.close()
        for _ in range(runs):
            for name, command in commands.items():
                begin = time.perf_counter()
                subprocess.run(command, env=environment(home), check=True, capture_output=True)
                times[name].append((time.perf_counter() - begin) * 1000)
    python, typer, log = (percentile(times[name], 0.5) for name in commands)
    how = (
        f"median of {runs}; bare Python {python:.0f} ms, bare typer {typer:.0f} ms in the same run"
    )
    return [at_most("`opensession log`, whole process", log, "ms", 120, how)]
