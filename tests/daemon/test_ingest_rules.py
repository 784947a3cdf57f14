"""What is read again for newer rules, and what is left out by them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from opensession.daemon import admission
from opensession.daemon.admission import Rules
from opensession.daemon.store.sources import AWAY
from opensession.parsers.agent import Agent, Root, Source
from opensession.parsers.registry import agent
from tests.daemon.rig import PATIENCE, Rig, append, said
from tests.helpers.daemon import eventually


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


class Newer:
    """The agent, one version further."""

    def __init__(self, inner: Agent) -> None:
        self._inner = inner
        self.parser_version = inner.parser_version + 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_newer_parser_reads_everything_again_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """users.md D18: read again in the background, old rows stay; not again at the next start."""
    rig.write("one", 3)
    rig.write("two", 2)
    with rig.ingest() as made:
        rig.run(made)
    newer: Any = Newer(agent("codex"))
    monkeypatch.setattr(
        "opensession.daemon.reading.registry.agent", lambda name, commands=(): newer
    )
    with rig.ingest(agents=[newer], history=False):
        assert rig.events() == {"one": 3, "two": 2}
    with rig.ingest(agents=[newer]) as made:
        assert rig.run(made).bytes > 0
    versions = rig.query("SELECT DISTINCT parser_version FROM source")
    assert versions == [(newer.parser_version,)]
    assert rig.events() == {"one": 3, "two": 2}
    with rig.ingest(agents=[newer]) as made:
        assert rig.run(made).bytes == 0


def test_a_new_index_never_loses_a_session_that_only_the_archive_has(rig: Rig) -> None:
    """users.md #1: a rebuild reads what is gone from the archive."""
    rig.write("alive", 2)
    dead = rig.write("dead", 5)
    with rig.ingest() as made:
        rig.run(made)
    dead.unlink()
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (rig.path / name).unlink(missing_ok=True)
    with rig.ingest(history=False):
        pass  # stopped before anything was read
    with rig.ingest() as made:
        rig.run(made)
        while made.queue_depth():
            rig.run(made)
        assert rig.events() == {"alive": 2, "dead": 5}
        assert rig.states() == {"alive": "ok", "dead": "gone"}
    assert list(rig.place.scratch.iterdir()) == []
    with rig.ingest() as made:
        assert rig.run(made).bytes == 0


def test_a_source_that_went_before_newer_rules_is_read_again_from_the_archive(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        rig.write(f"s{number}", number + 1)
    with rig.ingest() as made:
        rig.run(made)
    rig.file("s5").unlink()
    newer: Any = Newer(agent("codex"))
    monkeypatch.setattr(
        "opensession.daemon.reading.registry.agent", lambda name, commands=(): newer
    )
    with rig.ingest(agents=[newer]) as made:
        rig.run(made)
        while made.queue_depth():
            rig.run(made)
    versions = rig.query("SELECT DISTINCT parser_version FROM session")
    assert versions == [(newer.parser_version,)]
    assert rig.states()["s5"] == "gone"
    assert rig.events()["s5"] == 6


def test_a_session_outside_of_the_selection_is_not_read_as_it_grows(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rig.write("outside", 2, cwd="/elsewhere")
    rig.rules = Rules(repos=("/work",))
    reads: list[str] = []
    real = agent("codex").read

    class Counting(Newer):
        def read(self, source: Source, cursor: Any) -> Any:
            reads.append(source.path)
            return real(source, cursor)

    counting: Any = Counting(agent("codex"))
    monkeypatch.setattr(
        "opensession.daemon.reading.registry.agent", lambda name, commands=(): counting
    )
    with rig.ingest(agents=[counting]) as made:
        rig.run(made)
        for number in range(5):
            append(path, said("more", number))
            rig.run(made)
    with rig.ingest(agents=[counting]) as made:
        rig.run(made)
    assert reads == [str(path)]


@pytest.mark.parametrize("turned_off", [False, True])
def test_what_is_being_read_by_the_rules_of_before_is_not_stored(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, turned_off: bool
) -> None:
    """Once new rules are taken up, nothing comes in that they leave out."""
    real = agent("codex").read
    under_way, go_on = threading.Event(), threading.Event()

    class Slow(Newer):
        def read(self, source: Source, cursor: Any) -> Any:
            delta = real(source, cursor)
            under_way.set()
            assert go_on.wait(PATIENCE)
            return delta

    slow: Any = Slow(agent("codex"))
    monkeypatch.setattr("opensession.daemon.reading.registry.agent", lambda name, commands=(): slow)
    rig.write("private", 2, cwd="/work/private")
    with rig.ingest(agents=[slow]) as made:
        assert under_way.wait(PATIENCE)
        rig.rules = Rules(excluded=("/work/private",))
        if turned_off:
            rig.roots = []
        made.take_up(rig.options()).result(PATIENCE)
        go_on.set()
        rig.run(made)
        assert rig.events() == {}
        assert "ok" not in rig.states().values()
        assert list(rig.place.archive.rglob("*.zst")) == []


def test_only_sessions_of_the_selected_repositories_are_taken_in(rig: Rig) -> None:
    """DECISIONS §11: `daemon select --repo`; what is left out is not archived either (§4)."""
    repo = rig.path / "repo"
    (repo / "sub").mkdir(parents=True)
    rig.write("inside", 2, cwd=str(repo / "sub"))
    out = rig.write("outside", 2, cwd=str(rig.path / "repository"))
    rig.rules = Rules(repos=(str(repo),))
    with rig.ingest() as made:
        rig.run(made)
        assert rig.events() == {"inside": 2}
        assert rig.states() == {"inside": "ok", "outside": "refused"}
        archived = [p for p in rig.place.archive.rglob("*.zst") if p.stat().st_size]
        assert len(archived) == 1
        append(out, said("more", 3))
        rig.run(made)
        assert rig.events() == {"inside": 2}
        rig.rules = Rules()
        made.take_up(rig.options())
        rig.run(made)
        assert rig.events() == {"inside": 2, "outside": 3}


def test_excluded_folders_are_neither_indexed_nor_archived(rig: Rig) -> None:
    rig.write("private", 2, cwd="/work/private/deep")
    rig.write("public", 2, cwd="/work/privateer")
    rig.rules = Rules(excluded=("/work/private",))
    with rig.ingest() as made:
        rig.run(made)
    assert rig.events() == {"public": 2}
    (reason,) = rig.query("SELECT error FROM source WHERE state = 'refused'")[0]
    assert reason.startswith(admission.EXCLUDED)
    assert len(list(rig.place.archive.rglob("*.zst"))) == 1


def test_an_agent_that_is_turned_off_is_not_read_any_more(rig: Rig) -> None:
    path = rig.write("one", 1)
    with rig.ingest() as made:
        rig.run(made)
        roots, rig.roots = rig.roots, []
        rig.run(made)
        append(path, said("more", 2))
        rig.run(made)
        assert made.agent_status()["codex"].watching == "off"
        assert rig.events() == {"one": 1}
        rig.roots = roots
        rig.run(made)
        assert rig.events() == {"one": 2}


def test_what_lies_below_no_root_of_today_is_marked_as_it_goes_and_comes(rig: Rig) -> None:
    """As in a home that a backup of another was taken into, or after CLAUDE_CONFIG_DIR changed."""
    elsewhere = rig.path / "elsewhere"
    rig.write("one", 2)
    rig.sessions.rename(elsewhere)
    first, rig.roots = rig.roots, [Root("codex", str(elsewhere))]
    with rig.ingest() as made:
        rig.run(made)
        assert rig.states() == {"one": "ok"}
        rig.roots = first
        rig.run(made)
        assert rig.states() == {"one": "ok"}
        elsewhere.rename(rig.path / "away")
        rig.run(made)
        assert rig.query("SELECT state, error FROM source") == [("gone", AWAY)]
        (rig.path / "away").rename(elsewhere)
        rig.run(made)
        assert rig.states() == {"one": "ok"}
        (rig.path / "elsewhere").rename(rig.path / "away")
    with rig.ingest():
        eventually(lambda: rig.states() == {"one": "gone"})
