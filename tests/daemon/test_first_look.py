"""An answer that may not be complete yet says so, from the daemon's first moment on."""

from __future__ import annotations

from tests.helpers.daemon import Home, running
from tests.helpers.transcripts import claude

ID = "11111111-1111-4111-8111-11111111111{}"


def test_an_answer_is_called_complete_only_when_all_was_looked_at(home: Home) -> None:
    for number in range(4):
        session = ID.format(number)
        home.write(f".claude/projects/-work-p/{session}.jsonl", claude(session, "a word", "b"))
    with running(home) as daemon, daemon.client() as client:
        answers = [client.call("sessions.list", all=True)]
        while answers[-1]["indexing"] < 1:
            answers.append(client.call("sessions.list", all=True))
    assert len(answers[-1]["sessions"]) == 4


def test_a_home_without_sessions_is_soon_looked_through(home: Home) -> None:
    with running(home) as daemon, daemon.client() as client:
        while client.call("daemon.status")["indexing"]["active"]:
            pass
        assert client.call("sessions.list", all=True)["indexing"] == 1
