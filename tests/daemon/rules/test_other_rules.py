"""Other rules of stripping: what is stored is made anew in the background (DECISIONS §5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon.rules.homes import OTHER, SESSION, call, prompt, result, texts, transcript
from tests.helpers.daemon import Daemon, Home, eventually, running, temporary_home

VALUE = "Zwetschge-4711"
READ = (
    prompt(1, "look"),
    call(2, "Read", {"file_path": "/work/project/a.secret"}),
    result(3, 2, f"1→WORD {VALUE}"),
)


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


def _exclude(daemon: Daemon, *patterns: str) -> list[str]:
    done = daemon.call("config.set", values={"privacy.exclude_patterns": list(patterns)})
    assert done["restart_due"] == []
    return list(done["warnings"])


def test_what_is_stored_is_stripped_by_the_new_rules(home: Home) -> None:
    """Changing the rules strips what is stored anew, without a restart; loosening them brings text
    back from the source, or from the archive.
    """
    path = transcript(home, *READ)
    with running(home) as daemon:
        daemon.index()
        assert VALUE in texts(daemon)
        said = _exclude(daemon, ".env", "*.secret")
        assert any("stripped anew" in each for each in said)
        eventually(lambda: VALUE not in texts(daemon))
        eventually(lambda: daemon.call("daemon.status")["outdated_sessions"] == 0)
        assert daemon.call("search.query", query="Zwetschge")["hits"] == []
        path.unlink()
        daemon.index()
        _exclude(daemon, ".env")
        eventually(lambda: VALUE in texts(daemon))
        assert daemon.stop() == 0
    with running(home) as daemon:
        assert VALUE in texts(daemon)


def test_rules_that_change_while_no_daemon_runs_count_at_the_next_start(home: Home) -> None:
    transcript(home, *READ)
    with running(home) as daemon:
        daemon.index()
        assert daemon.stop() == 0
    home.configure('[privacy]\nexclude_patterns = ["*.secret"]\n')
    with running(home) as daemon:
        daemon.index()
        assert VALUE not in texts(daemon)


def test_the_command_says_how_many_sessions_stay(home: Home) -> None:
    """DECISIONS §5: loosening a rule brings text back only from archive or source; the command says
    how many stay.
    """
    home.configure('[archive]\nraw = false\n[privacy]\nexclude_patterns = ["*.secret"]\n')
    path = transcript(home, *READ)
    transcript(home, prompt(1, "something else", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        path.unlink()
        daemon.index()
        said = _exclude(daemon, ".env")
        assert [each for each in said if "nothing comes back" in each and each.endswith(": 1")]
        assert VALUE not in texts(daemon, SESSION)


def test_stricter_rules_reach_what_cannot_be_read_again(home: Home) -> None:
    """What is stored of sessions whose bytes are gone is stripped as it is stored."""
    home.configure("[archive]\nraw = false\n")
    path = transcript(home, *READ, prompt(4, "write to ann.huber@zwetschge-post.de"))
    with running(home) as daemon:
        daemon.index()
        path.unlink()
        daemon.index()
        assert "ann.huber@zwetschge-post.de" in texts(daemon)
        daemon.call("config.set", values={"privacy.modes": {"mail": "redact"}})
        _exclude(daemon, "*.secret")
        eventually(lambda: VALUE not in texts(daemon))
        eventually(lambda: "ann.huber@zwetschge-post.de" not in texts(daemon))
        assert daemon.call("search.query", query="Zwetschge")["hits"] == []


def test_appends_go_on_meanwhile(home: Home) -> None:
    """It never blocks live appends: what is added is searchable, by the new rules."""
    transcript(home, *READ)
    with running(home) as daemon:
        daemon.index()
        _exclude(daemon, "*.secret")
        transcript(home, prompt(4, "Marillenknoedel"), append=True)
        eventually(lambda: daemon.call("search.query", query="Marillenknoedel")["hits"])
        eventually(lambda: VALUE not in texts(daemon))


def test_what_is_excluded_after_it_was_stored_stays_and_is_counted(home: Home) -> None:
    """Nothing more of it is taken in."""
    transcript(home, *READ)
    with running(home) as daemon:
        daemon.index()
        elsewhere = {"privacy.exclude_paths": ["/elsewhere"], "privacy.exclude_tools": ["codex"]}
        assert daemon.call("config.set", values=elsewhere)["warnings"] == []
        for values in (
            {"privacy.exclude_paths": ["/work/project"]},
            {"privacy.exclude_paths": [], "privacy.exclude_tools": ["claude_code"]},
        ):
            said = daemon.call("config.set", values=values)["warnings"]
            assert [each.rpartition(": ")[2] for each in said if "excluded" in each] == ["1"]
        transcript(home, prompt(4, "Marillenknoedel"), append=True)
        daemon.index()

        assert daemon.call("search.query", query="Marillenknoedel")["hits"] == []
        assert VALUE in texts(daemon)
