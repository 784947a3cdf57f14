"""Where OpenCode's sessions are looked for, and which files are known for its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.parsers.agent import Environment, Root
from opensession.parsers.opencode import AGENT
from tests.parsers.opencode.making import SUBAGENT


def paths(**given: object) -> list[str]:
    known: dict[str, object] = {"home": "/home/dev", "variables": {}, "platform": "linux"}
    env = Environment(**{**known, **given})  # type: ignore[arg-type]
    return [root.path for root in AGENT.roots(env)]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_folder_is_the_same_on_all_platforms(platform: str) -> None:
    assert paths(platform=platform) == ["/home/dev/.local/share/opencode"]


def test_variables_and_the_configuration_move_it() -> None:
    moved = paths(variables={"XDG_DATA_HOME": "/data", "OPENCODE_DB": "/db/opencode-dev.db"})
    assert moved[0] == "/data/opencode"
    assert "/db" in moved
    assert paths(variables={"OPENCODE_DB": ":memory:"}) == paths()
    given = paths(extra=("/x/opencode/storage", "/y/opencode.db", "relative"))
    assert "/x/opencode" in given
    assert "/y" in given
    assert len(given) == 3


def test_only_the_folder_of_the_database_is_watched() -> None:
    env = Environment(home="/home/dev", variables={}, platform="linux")
    assert [root.watch_depth for root in AGENT.roots(env)] == [0]


def test_older_files_below_the_folder_are_sources_of_it(tmp_path: Path) -> None:
    session = tmp_path / "storage/session/global/ses_1.json"
    session.parent.mkdir(parents=True)
    session.write_text("{}")
    root = Root("opencode", str(tmp_path))
    (found,) = AGENT.sources(root)
    assert (found.root, found.path) == (str(tmp_path), str(session))
    assert AGENT.source_of(root, str(session)) == found


def test_databases_of_every_channel_are_sources(tmp_path: Path) -> None:
    for name in ("opencode.db", "opencode-dev.db", "other.db", "opencode.db-wal", "auth.json"):
        (tmp_path / name).touch()
    root = Root("opencode", str(tmp_path))
    found = [Path(source.path).name for source in AGENT.sources(root)]
    assert found == ["opencode-dev.db", "opencode.db"]


def test_a_change_of_the_log_is_one_of_the_database() -> None:
    root = Root("opencode", "/d")
    for name in ("opencode.db", "opencode.db-wal"):
        source = AGENT.source_of(root, f"/d/{name}")
        assert source is not None
        assert source.path == "/d/opencode.db"
        assert AGENT.files(source) == ("/d/opencode.db", "/d/opencode.db-wal")
        assert AGENT.storage(source) == "rows"
    for name in ("opencode.db-shm", "opencode.db-journal", "auth.json", "log/opencode.db"):
        assert AGENT.source_of(root, f"/d/{name}") is None


def test_a_missing_folder_has_no_sources() -> None:
    for name in ("", "/storage", "/project"):
        assert list(AGENT.sources(Root("opencode", f"/nowhere{name}"))) == []


def test_a_database_is_known_by_its_tables_or_ids(corpus: Path) -> None:
    head = (corpus / SUBAGENT).read_bytes()
    assert AGENT.recognises("x.db", head) > 0.8
    assert 0 < AGENT.recognises("x.db", head[: 64 << 10]) < 0.5
    assert AGENT.recognises("x.db", b"SQLite format 3\0 other") == 0
    session = b'{"id": "ses_1", "directory": "/home/dev", "title": "x", "time": {}}'
    assert AGENT.recognises("ses_1.json", session) > 0.8
    assert AGENT.recognises("x.json", b'{"id": 1}') == 0
