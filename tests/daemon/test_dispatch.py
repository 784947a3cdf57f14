from __future__ import annotations

import json
from pathlib import Path

import pytest

from opensession.daemon import dispatch
from opensession.daemon.dispatch import Dispatch
from opensession.daemon.reading import Job
from opensession.parsers.agent import Root
from opensession.parsers.registry import agent
from tests.daemon.rig import Rig


def test_large_files_that_are_read_whole_are_read_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes several times its size in memory, and there are two workers."""
    monkeypatch.setattr(dispatch, "BACKLOG_BYTES", 1024)
    monkeypatch.setattr(dispatch, "HEAVY_BYTES", 1024)
    together: list[int] = []
    take = Dispatch._takes_bulk

    def counted(self: Dispatch) -> bool:
        together.append(len(self._flights))
        return take(self)

    monkeypatch.setattr(Dispatch, "_takes_bulk", counted)
    rig = Rig(tmp_path)
    threads = tmp_path / "threads"
    threads.mkdir()
    rig.roots = [Root(agent="amp", path=str(threads))]
    for number in range(6):
        said = {"role": "user", "messageId": 0, "content": [{"type": "text", "text": "x" * 4096}]}
        head = {"v": 1, "id": f"T-{number}", "created": 1_768_178_184_664}
        (threads / f"T-{number}.json").write_text(json.dumps({**head, "messages": [said]}))
    with rig.ingest(agents=[agent("amp")], history=False) as made:
        assert rig.run(made).sources == 6
    assert max(together) == 1


def test_only_what_is_read_whole_is_heavy() -> None:
    source = Rig(Path("/nowhere")).file("s")
    made = agent("codex").source_of(Root("codex", str(source.parents[3])), str(source))
    assert made is not None
    lines = Job(1, 1, made, None, 1 << 30, storage="lines")
    assert not dispatch._heavy(lines)
