"""Whatever files an agent keeps a session in: deleted and revived they are the same bytes, and the
same sessions. Databases are left alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opensession.parsers.agent import Source
from opensession.parsers.registry import agent
from tests.every_agent.people import move_in
from tests.helpers.daemon import Rpc, running, temporary_home

SIDE_FILES = ("workspace.yaml", ".meta.json", ".project_root")
"""What stands beside sessions and is not read as a part of them: it is not archived."""


def listed(rpc: Rpc) -> dict[tuple[str, str], dict[str, Any]]:
    """Every session with its subagents, but for what a file's absence changes."""
    rows: list[dict[str, Any]] = rpc.call("sessions.list", all=True, limit=500, children=True)[
        "sessions"
    ]
    left_out = ("source", "source_gone", "running", "cost_microdollars")
    return {
        (row["tool"], row["id"]): {key: row[key] for key in row if key not in left_out}
        for row in rows
    }


def test_every_file_of_every_agent_comes_back(corpus: Path) -> None:
    with temporary_home() as home:
        move_in(home, corpus)
        # Aider's second log is read where the first is not there: another session meanwhile.
        (home.path / "projects/acme/.aider.llm.history").unlink()
        with running(home) as daemon:
            daemon.index()
            with daemon.client() as rpc:
                before = listed(rpc)
                paths = {
                    row["source_path"]: row["tool"]
                    for row in before.values()
                    if not row["source_path"].endswith((".db", ".vscdb"))
                }
                assert {"claude-code", "codex", "copilot", "gemini", "cline"} < set(paths.values())
                held = files_of(paths)
                for path in held:
                    path.unlink()
                daemon.index()

                revived = {
                    key: rpc.call("archive.revive", ref=":".join(key), all=True, really=True)
                    for key, row in before.items()
                    if row["source_path"] in paths and not row["parent"]
                }

                written = [
                    file["path"]
                    for result in revived.values()
                    for file in result["files"]
                    if file["state"] == "written"
                ]
                assert len(written) == len(set(written))
                assert {path for path in held if not path.exists()} == set()
                assert {path for path, data in held.items() if path.read_bytes() != data} == set()
                daemon.index()
                after = listed(rpc)
                assert {key for key in before if after.get(key) != before[key]} == set()
                assert after.keys() == before.keys()


def files_of(paths: dict[str, str]) -> dict[Path, bytes]:
    """The files of sources, with their bytes."""
    found: dict[Path, bytes] = {}
    for path, tool in paths.items():
        for root in Path(path).parents:
            files = agent(tool).files(Source(tool, str(root), path))
            for each in map(Path, files):
                if each.is_file() and not each.name.endswith(SIDE_FILES):
                    found[each] = each.read_bytes()
    return found
