"""What every view says of sessions that are gone without a file of theirs being deleted: out of a
database that stays, or with the whole folder of their agent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.client.program import Cli
from tests.helpers.daemon import eventually
from tests.helpers.transcripts import claude
from tests.parsers.goose.making import Goose, said
from tests.parsers.opencode.making import Made

ONE, TWO = "ses_0000000000010000000000", "ses_0000000000020000000000"
SECRET = "AKIAZ7QK3VXN2M4PWT5H"  # made by hand


@pytest.fixture
def opencode(cli: Cli) -> Iterator[Made]:
    path = cli.stage.home / ".local/share/opencode/opencode.db"
    path.parent.mkdir(parents=True)
    made = Made(path)
    for number, session in enumerate((ONE, TWO)):
        made.session(session, title=f"Plums {number}")
        made.prompt(session, 10 * number + 1, f"plum {number}: aws_access_key_id={SECRET}")
        made.answer(session, 10 * number + 2, "a plum is a stone fruit")
    yield made
    made.db.close()


def marks(cli: Cli) -> dict[str, str]:
    return {row["id"]: row["source"] for row in cli.json("log", "--all", "--json", "id,source")}


def agents(cli: Cli, command: str) -> dict[str, Any]:
    key = "tool" if command == "storage" else "name"
    return {row[key]: row for row in cli.json(command, "--json")["agents"]}


def test_every_view_marks_what_was_deleted_from_a_database(cli: Cli, opencode: Made) -> None:
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    assert marks(cli) == {ONE: "", TWO: ""}

    opencode.delete(ONE)
    eventually(lambda: marks(cli) == {ONE: "archived", TWO: ""})

    shown = cli.ok("show", ONE)
    assert "source gone, archived: opensession revive" in shown
    assert "a plum is a stone fruit" in shown
    assert "source gone" not in cli.ok("show", TWO)
    hits = cli.json("search", "plum", "--json")["hits"]
    assert {hit["session_id"]: hit["source"] for hit in hits} == {ONE: "archived", TWO: ""}
    sums = cli.json("stats", "--period", "all", "--json")
    assert (sums["archived_sessions"], sums["gone_sessions"]) == (1, 0)
    row = agents(cli, "storage")["opencode"]
    assert (row["own_files"], row["sessions"], row["only_here"]) == (1, 2, 1)
    (leak,) = cli.json("leaks", "--json")["leaks"]
    assert {each["id"]: each["source_gone"] for each in leak["sessions"]} == {ONE: True, TWO: False}
    dry = cli.json("revive", ONE, "--dry-run", "--json")
    assert [file["state"] for file in dry["files"]] == ["absent"]
    assert dry["load"][:2] == ["opencode", "import"]
    pruned = cli.json("storage", "prune", "--keep-days", "1", "--dry-run", "--json")
    (old,) = pruned["agents"]
    assert (old["sessions"], old["kept"]) == (1, {"living": 1})
    asked = json.dumps({"refs": [ONE, TWO], "all": True})
    assert json.loads(cli.ok("rpc", "archive.forgettable", asked))["gone"] == 1


def test_what_its_agent_takes_back_from_no_file_is_not_said_to_be_revived(cli: Cli) -> None:
    folder = cli.stage.home / ".local/share/goose/sessions"
    folder.mkdir(parents=True)
    goose = Goose(folder)
    goose.session("20260816_1", name="Plums")
    goose.message("20260816_1", "user", said("what is a plum?"))
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    goose.db.execute("DELETE FROM sessions")
    eventually(lambda: marks(cli) == {"20260816_1": "archived"})

    shown = cli.ok("show", "20260816_1")

    assert "source gone, archived, and all of it is here: goose takes no session back" in shown
    short = cli.json("log", "--all", "--json")[0]["short"]
    assert f"next: opensession show {short} " in cli.fails(5, "revive", short)[-1]


def test_a_folder_that_goes_is_seen_by_every_view_and_comes_back(cli: Cli) -> None:
    folder = cli.stage.home / ".claude/projects/-work-p"
    folder.mkdir(parents=True)
    ids = [f"{number}1111111-1111-4111-8111-111111111111" for number in range(3)]
    for session in ids:
        (folder / f"{session}.jsonl").write_bytes(claude(session, "hello there", "again"))
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    before = agents(cli, "storage")["claude-code"]
    assert (before["own_files"], before["only_here"]) == (3, 0)

    away = (cli.stage.home / ".claude").rename(cli.stage.home / ".claude-old")
    eventually(lambda: set(marks(cli).values()) == {"archived"})

    row = agents(cli, "storage")["claude-code"]
    assert (row["own_files"], row["own_bytes"], row["only_here"]) == (0, 0, 3)
    seen = agents(cli, "coverage")["claude-code"]
    assert (seen["status"]["sources"], seen["status"]["bytes"], seen["gone"]) == (0, 0, 3)
    assert seen["status"]["sessions"] == 3
    status = cli.json("daemon", "status", "--json")["agents"]["claude-code"]
    assert (status["sources"], status["sessions"]) == (0, 3)
    pruned = cli.json("storage", "prune", "--keep-days", "1", "--dry-run", "--json")
    (old,) = pruned["agents"]
    assert (old["sessions"], old["kept"]) == (0, {"living": 3})

    away.rename(cli.stage.home / ".claude")
    eventually(lambda: set(marks(cli).values()) == {""})
    row = agents(cli, "storage")["claude-code"]
    assert {**row, "index_bytes": 0} == {**before, "index_bytes": 0}


def test_forgetting_one_of_a_database_tells_its_share_its_names_and_the_way_back(
    cli: Cli, opencode: Made
) -> None:
    path = cli.stage.home / ".claude/projects/p/11111111-1111-4111-8111-111111111111.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(claude(path.stem, "hello", "there"))
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    cli.ok("alias", ONE, "plums")
    asked = json.dumps({"refs": [ONE], "all": True})
    (kept,) = [row for row in cli.json("storage", "--json")["agents"] if row["tool"] == "opencode"]
    weight = json.loads(cli.ok("rpc", "archive.forgettable", asked))
    assert 0 < weight["bytes"] < kept["archive_bytes"]
    assert weight["named"] == 1

    done = cli.run("forget", "plums", path.stem, "--also-source", "--yes")

    assert done.returncode == 0, done.stderr
    assert "alias, tags, note and star of 1 of them go too" in done.stderr
    (back,) = [each for each in done.stderr.splitlines() if "unforget" in each and "next" in each]
    assert ONE in back and path.stem not in back
