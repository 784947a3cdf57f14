"""Sessions as files: those of the corpus, and trees made by hand from a recorded database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from opensession.parsers.agent import Root, Source
from opensession.parsers.opencode import AGENT
from opensession.parsers.stamps import stamp_of
from tests.daemon.rig import Rig
from tests.helpers.lines import read_all
from tests.parsers.opencode.making import SUBAGENT, copied, rows_of

PARENT, CHILD = "ses_e04a3f89bffeKwI5Iu63KHBSYn", "ses_e04a3e3baffeqsU1rn91pmlXey"
FIXTURE = "opencode/json-tree-fixture/storage"


def write_tree(database: Source, storage: Path, *, older: bool = False) -> None:
    """The rows of a database as OpenCode wrote them to files before it had one."""
    session = storage / "session"
    info = session / "info" if older else session / "9f3c"
    message = session / "message" if older else storage / "message"
    part = session / "part" if older else storage / "part"
    query = "SELECT id, parent_id, directory, title, version, time_created FROM session"
    for row in rows_of(database, query):
        keys = ("id", "parentID", "directory", "title", "version")
        found = dict(zip(keys, row[:5], strict=True))
        _write(info / f"{row[0]}.json", {**found, "time": {"created": row[5], "updated": row[5]}})
    for row_id, owner, data in rows_of(database, "SELECT id, session_id, data FROM message"):
        own = {"id": row_id, "sessionID": owner}
        _write(message / owner / f"{row_id}.json", {**own, **json.loads(data)})
    query = "SELECT id, message_id, session_id, data FROM part"
    for row_id, message_id, owner, data in rows_of(database, query):
        folder = part / owner / message_id if older else part / message_id
        own = {"id": row_id, "messageID": message_id, "sessionID": owner}
        _write(folder / f"{row_id}.json", {**own, **json.loads(data)})


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2))


def test_what_the_fixture_holds(corpus: Path) -> None:
    root = Root("opencode", str(corpus / FIXTURE))
    found = {source.path.rsplit("/", 1)[-1]: source for source in AGENT.sources(root)}
    assert sorted(found) == ["ses_company_logic.json", "ses_fixture.json"]
    whole = read_all(AGENT.read, found["ses_company_logic.json"])[0]
    assert [event.type for event in whole.events] == [
        "UserMessage",
        "UserMessage",
        "CodeSearch",
        "ToolResult",
        "Custom",
        "FileEdit",
    ]
    assert whole.info.title == "OpenCode company logic fixture"
    assert whole.info.first_prompt == "run diagnostics"
    assert whole.info.model == "gpt-5.2-codex"
    assert not whole.unknown
    words = read_all(AGENT.read, found["ses_fixture.json"])[0].events[0].blocks
    assert words == [{"type": "Text", "text": "assistant response from fixture"}]


@pytest.mark.parametrize("older", [False, True])
def test_files_give_what_the_database_gives(older: bool, corpus: Path, tmp_path: Path) -> None:
    database = copied(corpus, SUBAGENT, tmp_path)
    storage = tmp_path / ("project/home-dev/storage" if older else "storage")
    write_tree(database, storage, older=older)
    root = Root("opencode", str(tmp_path / ("project" if older else "storage")))
    whole = read_all(AGENT.read, database)[0]
    sources = list(AGENT.sources(root))
    assert len(sources) == 2
    for source in sources:
        told = read_all(AGENT.read, source)[0]
        events = whole.sessions[told.info.id]
        assert sorted(event.event_id for event in told.events) == sorted(
            event.event_id for event in events
        )
        usage = whole.usage[told.info.id]
        assert [
            (one.message_id, one.input, one.output, one.cost_microdollars) for one in usage
        ] == [
            (one.message_id, one.input, one.output, one.cost_microdollars)
            for one in told.usage[told.info.id]
        ]
        assert told.info.parent == whole.infos[told.info.id].parent
        assert all(delta.secondary for delta in AGENT.read(source, None).sessions)


def test_a_change_of_any_file_is_a_change_of_the_session(corpus: Path, tmp_path: Path) -> None:
    write_tree(copied(corpus, SUBAGENT, tmp_path), tmp_path / "storage")
    root = Root("opencode", str(tmp_path / "storage"))
    (source,) = [each for each in AGENT.sources(root) if PARENT in each.path]
    whole, cursor = read_all(AGENT.read, source)
    assert stamp_of(AGENT.files(source)) == stamp_of(AGENT.files(source))
    message = next((tmp_path / "storage/message" / PARENT).iterdir())
    part = next((tmp_path / "storage/part" / message.stem).iterdir())
    for path in (message, part, Path(source.path)):
        found = AGENT.source_of(root, str(path))
        assert found == source
        before = stamp_of(AGENT.files(source))
        path.write_text(path.read_text() + "\n")
        assert stamp_of(AGENT.files(source)) != before
    again, _ = read_all(AGENT.read, source, cursor, whole)
    assert again.restarts == 1
    assert again.sessions == read_all(AGENT.read, source)[0].sessions
    assert AGENT.source_of(root, str(tmp_path / "storage/session_diff/x.json")) is None


def test_the_archive_of_a_session_gives_the_same(corpus: Path, tmp_path: Path) -> None:
    write_tree(copied(corpus, SUBAGENT, tmp_path), tmp_path / "storage")
    for source in AGENT.sources(Root("opencode", str(tmp_path / "storage"))):
        whole = read_all(AGENT.read, source)[0]
        kept = tmp_path / "kept"
        kept.write_bytes(whole.raw)
        archived = msgspec.structs.replace(source, read_from=str(kept))
        assert read_all(AGENT.read, archived)[0].sessions == whole.sessions


def test_a_damaged_file_loses_nothing_else(corpus: Path, tmp_path: Path) -> None:
    write_tree(copied(corpus, SUBAGENT, tmp_path), tmp_path / "storage")
    (source,) = [
        each
        for each in AGENT.sources(Root("opencode", str(tmp_path / "storage")))
        if CHILD in each.path
    ]
    before = read_all(AGENT.read, source)[0].events
    lost = before[0].event_id
    (path,) = (tmp_path / "storage/part").glob(f"*/{lost}.json")
    path.write_bytes(b'{"type": "text", "te')
    whole = read_all(AGENT.read, source)[0]
    assert [event.event_id for event in whole.events] == [event.event_id for event in before[1:]]
    assert sum(whole.skipped.values()) >= 1


def test_links_in_the_tree_are_not_followed(corpus: Path, tmp_path: Path) -> None:
    write_tree(copied(corpus, SUBAGENT, tmp_path), tmp_path / "storage")
    (tmp_path / "secret.json").write_text('{"type": "text", "text": "secret"}')
    message = next((tmp_path / "storage/message" / CHILD).iterdir())
    link = tmp_path / "storage/part" / message.stem / "prt_ffffffffffff.json"
    link.symlink_to(tmp_path / "secret.json")
    for source in AGENT.sources(Root("opencode", str(tmp_path / "storage"))):
        assert b"secret" not in read_all(AGENT.read, source)[0].raw


@pytest.mark.parametrize("first", ["files", "database"])
def test_a_session_in_files_and_database_is_one(first: str, corpus: Path, tmp_path: Path) -> None:
    """The database has it, whichever of the two was found first."""
    (tmp_path / "made").mkdir()
    rig = Rig(tmp_path)
    data = rig.path / "opencode"
    data.mkdir()
    database = copied(corpus, SUBAGENT, tmp_path / "made")
    rig.roots = [Root("opencode", str(data), 0), Root("opencode", str(data / "storage"), 1)]
    read_alone = read_all(AGENT.read, database)[0]
    steps: dict[str, Callable[[], object]] = {
        "files": lambda: write_tree(database, data / "storage"),
        "database": lambda: copied(corpus, SUBAGENT, data),
    }
    second = "database" if first == "files" else "files"
    with rig.ingest(agents=[AGENT]) as ingest:
        for step in (first, second):
            steps[step]()
            ingest.reconcile()
            rig.run(ingest)
        for path in (data / "storage").rglob("*.json"):
            path.write_text(path.read_text() + "\n")
        ingest.reconcile()
        rig.run(ingest)
    assert rig.events() == {name: len(told) for name, told in read_alone.sessions.items()}
    owners = rig.query("SELECT DISTINCT path FROM session JOIN source ON source.id = source")
    assert owners == [(str(data / "opencode.db"),)]
