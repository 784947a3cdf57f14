"""Run the measurements and print the table: `python -m bench [CASE…] [--folder HOME] [--mb N]`."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from bench import agents, cases, corpus, hub, keep, privacy
from bench.foreign_database import foreign_database
from bench.table import Figure, machine, markdown
from tests.conftest import CORPUS

CASES = (
    "machine", "agents", "index", "reads", "search", "append", "database", "idle", "startup",
    "privacy", "hub", "keep",
)  # fmt: skip


def main() -> None:
    """Make a corpus once, then run the named cases (all of them without names)."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of: {', '.join(CASES)}")
    parser.add_argument("--folder", type=Path, help="a home with sessions in place of made ones")
    parser.add_argument("--mb", type=int, default=350, help="size of the made corpus (350)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3, help="first indexes to take the median of")
    parser.add_argument("--seconds", type=float, default=60, help="hub: of publishing (60)")
    parser.add_argument("--sessions", type=int, default=100_000, help="hub: with many (100000)")
    parser.add_argument("--verbose", action="store_true", help="privacy: list misses by kind")
    parser.add_argument("--keep", type=Path, help="where to make the corpus, and leave it")
    given = parser.parse_args()
    unknown = set(given.cases) - set(CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    wanted = given.cases or CASES
    with tempfile.TemporaryDirectory(prefix="osbench-") as folder:
        scratch = Path(folder)
        home = given.folder or given.keep or scratch / "home"
        if (
            not given.folder
            and set(wanted) - {"append", "agents", "database", "privacy", "hub"}
            and not cases.source_files(home)
        ):
            begin = time.perf_counter()
            made = corpus.make(home, given.mb * cases.MB, seed=given.seed)
            print(
                f"made {made / cases.MB:.0f} MB in {time.perf_counter() - begin:.0f} s", flush=True
            )
        figures: list[Figure] = []
        for name in wanted:
            begin = time.perf_counter()
            match name:
                case "machine":
                    got = cases.machine_speed(home)
                case "agents":
                    got = agents.agents()
                case "index":
                    got = cases.first_index(home, given.runs)
                case "reads":
                    got = cases.reads_meanwhile(home)
                case "search":
                    got = cases.search(home)
                case "append":
                    got = cases.append(scratch)
                case "database":
                    got = foreign_database(scratch)
                case "privacy":
                    got = privacy.privacy(given.seed, verbose=given.verbose, corpus=CORPUS)
                case "hub":
                    got = hub.hub(scratch, given.seconds, given.sessions)
                case "keep":
                    got = keep.keep(home, scratch)
                case "idle":
                    got = cases.idle(home)
                case _:
                    got = cases.startup(home)
            figures += got
            print(f"{name}: {time.perf_counter() - begin:.0f} s", flush=True)
            for figure in got:
                print(f"  {figure.name}: {figure.value} {figure.budget} {figure.note}", flush=True)
    print(f"\n{machine()}\n\n{markdown(figures)}")


main()
