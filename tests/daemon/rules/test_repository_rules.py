"""A repository's own `.opensession/config.toml` can only make the rules stricter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.core.privacy import Rules
from opensession.daemon.privacy_rules import stricter_rules
from opensession.daemon.repository_rules import SIZE_LIMIT, rules_for
from tests.daemon.rules.homes import (
    OTHER,
    SESSION,
    call,
    prompt,
    result,
    sessions,
    texts,
    transcript,
)
from tests.helpers.daemon import Home, eventually, running, temporary_home

VALUE = "Zwetschge-4711"


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


def _repository(folder: Path, said: str | bytes) -> Path:
    (folder / ".git").mkdir(parents=True, exist_ok=True)
    (folder / ".opensession").mkdir(exist_ok=True)
    file = folder / ".opensession/config.toml"
    file.write_bytes(said.encode() if isinstance(said, str) else said)
    return file


def test_what_it_asks_for_counts_below_it(tmp_path: Path) -> None:
    _repository(
        tmp_path,
        '[privacy]\nexclude_patterns = ["*.secret"]\nexclude_paths = ["private", "../out"]\n'
        'modes = { mail = "redact", keys = "off" }\n',
    )
    inner = tmp_path / "src/deep"
    inner.mkdir(parents=True)
    found = rules_for(str(inner))
    assert found.exclude_patterns == ("*.secret",)
    assert found.exclude_paths == (str(tmp_path / "private"),)
    assert found.modes == {"mail": "redact", "keys": "off"}
    assert rules_for(str(tmp_path.parent)).mark == ""


def test_modes_are_never_loosened() -> None:
    """The stricter of two modes counts."""
    rules = Rules(strip_env_vars=False, modes={"mail": "block"})
    asked = {"mail": "warn", "keys": "off", "phone": "redact", "assignments": "redact"}
    found = stricter_rules(rules, asked)
    assert dict(found.modes) == {"mail": "block", "phone": "redact", "assignments": "redact"}
    assert found.strip_env_vars


@pytest.mark.parametrize(
    "said",
    [
        b"\xff\xfe",
        b"[privacy",
        b"privacy = 1",
        b"[privacy]\nexclude_patterns = 3",
        b"[privacy]\nmodes = { nonsense = 'redact' }",
        b"[server]\nurl = 'https://elsewhere'",
        b"[privacy]\nstrip_paths = false",
        b"x" * (SIZE_LIMIT + 1),
    ],
)
def test_what_it_may_not_say_is_ignored_with_a_note(tmp_path: Path, said: bytes) -> None:
    _repository(tmp_path, said)
    found = rules_for(str(tmp_path))
    assert found.notes
    assert not (found.exclude_patterns or found.exclude_paths or found.modes)


def test_links_and_pipes_are_not_read(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text('[privacy]\nexclude_patterns = ["*"]\n')
    one, two = tmp_path / "one", tmp_path / "two"
    _repository(one, "").unlink()
    (one / ".opensession/config.toml").symlink_to(elsewhere)
    _repository(two, "").unlink()
    os.mkfifo(two / ".opensession/config.toml")
    for folder in (one, two):
        found = rules_for(str(folder))
        assert not found.exclude_patterns
        assert found.notes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.binary(max_size=300))
def test_no_bytes_raise(tmp_path: Path, said: bytes) -> None:
    _repository(tmp_path, said)
    rules_for(str(tmp_path))


def test_its_sessions_follow_it_and_others_do_not(home: Home) -> None:
    """Applied by the session's folder; a change of the file counts at the session's next read."""
    project = home.path / "work"
    file = _repository(project, '[privacy]\nexclude_patterns = ["*.secret"]\n')
    for session, cwd in ((SESSION, str(project)), (OTHER, "/elsewhere")):
        transcript(
            home,
            prompt(1, "look", session, cwd),
            call(2, "Read", {"file_path": f"{cwd}/a.secret"}, session, cwd),
            result(3, 2, f"1→{VALUE}", session, cwd),
            session=session,
        )
    with running(home) as daemon:
        daemon.index()
        assert VALUE not in texts(daemon)
        assert VALUE in texts(daemon, OTHER)
        file.write_text("[privacy]\n# nothing now\n")
        transcript(home, prompt(4, "go on", SESSION, str(project)), append=True)
        daemon.index()
        assert VALUE in texts(daemon)


def test_what_does_not_count_is_told_with_its_file_and_key(home: Home) -> None:
    """In `coverage` and `health`, a line each: keys that are not a repository's, looser modes."""
    project = home.path / "work"
    said = '[privacy]\nstrip_paths = false\nmodes = { keys = "off", mail = "redact" }\n[server]\n'
    file = _repository(project, said)
    transcript(home, prompt(1, "look", SESSION, str(project / "src")))
    transcript(home, prompt(1, "look", OTHER, str(project)), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        told = daemon.call("agents.coverage")["ignored"]
        assert sorted(told) == [
            f"{file}: privacy.modes.keys = off is looser than your redact: ignored",
            f"{file}: privacy.strip_paths is not for a repository to say: ignored",
            f"{file}: server is not for a repository to say: ignored",
        ]
        health = daemon.call("daemon.health")
        found = [each for each in health["checks"] if each["name"] == "privacy.repository"]
        assert [each["message"] for each in found] == told
        assert {each["state"] for each in found} == {"warn"}
        file.write_text("[privacy]\n")
        assert daemon.call("agents.coverage")["ignored"] == []


def test_a_folder_that_its_repository_excludes(home: Home) -> None:
    project = home.path / "work"
    _repository(project, '[privacy]\nexclude_paths = ["private"]\n')
    transcript(home, prompt(1, "look", SESSION, str(project / "private/x")))
    transcript(home, prompt(1, "look", OTHER, str(project)), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        assert set(sessions(daemon)) == {OTHER}


def test_a_blocked_set_marks_its_sessions(home: Home) -> None:
    """DECISIONS §5: `block` keeps a session out of everything that leaves; locally it is shown with
    a mark; `privacy allow` releases it, also over a rebuild.
    """
    home.configure('[privacy.modes]\nmail = "block"\nphone = "warn"\n')
    transcript(home, prompt(1, "write to ann.huber@zwetschge-post.de or call +49 30 901820"))
    transcript(home, prompt(1, "nothing", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        assert "mail" in sessions(daemon)[SESSION]["blocked"]
        assert sessions(daemon)[OTHER]["blocked"] == ""
        assert "ann.huber@" not in texts(daemon)
        status = daemon.call("daemon.status")
        assert status["blocked"] == {"mail": 1}
        assert not any(":" in kind for kind in status["redacted"])
        done = daemon.call("privacy.allow", ref=SESSION)
        assert (done["blocked"], done["changed"]) == (["mail"], True)
        assert sessions(daemon)[SESSION]["blocked"] == ""
        with daemon.client() as client:
            client.job("index.rebuild", wait=True)
        eventually(lambda: SESSION in sessions(daemon))
        assert sessions(daemon)[SESSION]["blocked"] == ""
        daemon.call("privacy.allow", ref=SESSION, undo=True)
        assert sessions(daemon)[SESSION]["blocked"]


def test_what_is_warned_of_stays_and_is_counted(home: Home) -> None:
    """`warn`: nothing is replaced; it is counted and shown."""
    home.configure('[privacy.modes]\nmail = "warn"\n')
    transcript(home, prompt(1, "write to ann.huber@zwetschge-post.de"))
    with running(home) as daemon:
        daemon.index()
        assert "ann.huber@zwetschge-post.de" in texts(daemon)
        assert daemon.call("daemon.status")["warned"] == {"mail": 1}
        assert sessions(daemon)[SESSION]["blocked"] == ""
