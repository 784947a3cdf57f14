"""Where archived bytes go back to, and what keeps them from it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import zstandard

from opensession.core.errors import Refused
from opensession.daemon import revive
from opensession.daemon.archive import Appending, Archived, make_frame
from opensession.daemon.store.sources import SourceRow
from opensession.parsers import container
from opensession.parsers.agent import Root, Source
from opensession.parsers.registry import agent


def archived(place: Path, name: str, root: Path, path: Path, data: bytes) -> SourceRow:
    """A source that is archived, and is not where it was."""
    source = Source(name, str(root), str(path))
    with Appending(place) as appending:
        state = appending.append(source, Archived(), make_frame(0, data))
        appending.sync()
    return SourceRow(
        id=1,
        agent=name,
        root=str(root),
        path=str(path),
        offset=len(data),
        generation=state.generation,
        archived_len=state.length,
        archive_size=state.size,
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


def test_another_file_at_the_place_refuses_all_of_it(tmp_path: Path, place: Path) -> None:
    root = tmp_path / ".codex/sessions"
    first = archived(place, "codex", root, root / "2026/rollout-1.jsonl", b"one\n")
    second = archived(place, "codex", root, root / "2026/rollout-2.jsonl", b"two\n")
    (root / "2026").mkdir(parents=True)
    (root / "2026/rollout-2.jsonl").write_bytes(b"other\n")
    roots = [Root("codex", str(root))]
    parts = [
        part
        for row in (first, second)
        for part in revive.parts_of(row, agent("codex"), roots, place)
    ]

    with pytest.raises(Refused, match="another file"):
        revive.put_back(parts, really=True)

    assert [each.name for each in (root / "2026").iterdir()] == ["rollout-2.jsonl"]
    assert (root / "2026/rollout-2.jsonl").read_bytes() == b"other\n"


def test_the_place_is_below_todays_root(tmp_path: Path, place: Path) -> None:
    old, new = tmp_path / "old/.codex/sessions", tmp_path / "new/.codex/sessions"
    row = archived(place, "codex", old, old / "2026/01/rollout-1.jsonl", b"one\n")
    roots = [Root("codex", f"{tmp_path}/new/.codex/archived_sessions"), Root("codex", str(new))]

    (part,) = revive.parts_of(row, agent("codex"), roots, place)
    revive.put_back([part], really=True)

    assert (new / "2026/01/rollout-1.jsonl").read_bytes() == b"one\n"
    assert not old.exists()
    with pytest.raises(Refused, match="no folder"):
        revive.parts_of(row, agent("codex"), [], place)


def test_a_compressed_file_is_compressed_again(tmp_path: Path, place: Path) -> None:
    root = tmp_path / ".codex/sessions"
    path = root / "2026/rollout-1.jsonl.zst"
    row = archived(place, "codex", root, path, b"one\ntwo\n")

    parts = revive.parts_of(row, agent("codex"), [Root("codex", str(root))], place)
    revive.put_back(parts, really=True)

    plain = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
    assert plain == b"one\ntwo\n"


def test_the_files_of_a_task_go_back_to_their_names(tmp_path: Path, place: Path) -> None:
    root = tmp_path / "sessions"
    path = root / "s1/s1.messages.json"
    held = [("messages", b'{"messages":[]}'), ("manifest", b'{"session_id":"s1"}')]
    row = archived(place, "cline", root, path, container.pack(held))

    parts = revive.parts_of(row, agent("cline"), [Root("cline", str(root))], place)
    done = revive.put_back(parts, really=True)

    assert [file.state for file in done] == ["written", "written"]
    assert path.read_bytes() == held[0][1]
    assert (root / "s1/s1.json").read_bytes() == held[1][1]


def test_names_from_an_archive_do_not_lead_elsewhere(tmp_path: Path, place: Path) -> None:
    root = tmp_path / "opencode"
    path = root / "storage/session/p/ses_1.json"
    held = [("session", b"{}"), ("message/../../../../../../x", b"bad")]
    row = archived(place, "opencode", root, path, container.pack(held))

    with pytest.raises(Refused):
        revive.parts_of(row, agent("opencode"), [Root("opencode", str(root))], place)


def test_a_database_is_never_written_to(tmp_path: Path, place: Path) -> None:
    root = tmp_path / "sessions"
    row = archived(place, "goose", root, root / "sessions.db", b'{"table":"sessions"}\n')

    with pytest.raises(Refused, match="database"):
        revive.parts_of(row, agent("goose"), [Root("goose", str(root))], place)


def test_an_archive_that_lacks_bytes_gives_none(tmp_path: Path, place: Path) -> None:
    root = tmp_path / ".codex/sessions"
    row = archived(place, "codex", root, root / "rollout-1.jsonl", b"one\n")
    longer = msgspec.structs.replace(row, offset=100)
    gone = msgspec.structs.replace(row, path=str(root / "rollout-2.jsonl"))

    for each, said in ((longer, "4 of 100 bytes"), (gone, "does not hold")):
        with pytest.raises(Refused, match=said):
            revive.parts_of(each, agent("codex"), [Root("codex", str(root))], place)
