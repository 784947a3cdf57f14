"""An old task and the session of the SDK that goes on from it, in a real index."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers.daemon import Daemon
from tests.parsers.cline.making import START, assistant, say, user
from tests.parsers.cline.test_sdk import RESUMED

EXTENSION = ".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks"
DATA = ".cline/data/tasks"
OLD = f"{START}/ui_messages.json"
NEW = f".cline/data/sessions/{START}/{START}"


def write_old(daemon: Daemon, folder: str) -> None:
    rows = [say(0, "task", "old words"), say(5, "text", "old answer")]
    daemon.home.write(f"{folder}/{OLD}", json.dumps(rows))


def write_new(daemon: Daemon) -> None:
    messages = [
        user("old words"),
        assistant("old answer"),
        user(RESUMED, id="w"),
        user("new words", id="n", ts=START + 9000),
    ]
    about = {"metadata": {"title": "Resumed", "legacyTask": {"id": str(START)}}, "cwd": "/w"}
    head = {"version": 1, "agent": "lead", "sessionId": str(START), "messages": messages}
    daemon.home.write(f"{NEW}.json", json.dumps({"session_id": str(START), **about}))
    daemon.home.write(f"{NEW}.messages.json", json.dumps(head))


def rows(daemon: Daemon) -> list[dict[str, Any]]:
    daemon.index()
    return list(daemon.call("sessions.list", all=True)["sessions"])


@pytest.mark.parametrize("folder", [EXTENSION, DATA])
@pytest.mark.parametrize("old_first", [True, False])
def test_both_are_one_session(daemon: Daemon, folder: str, *, old_first: bool) -> None:
    if old_first:
        write_old(daemon, folder)
        assert [row["id"] for row in rows(daemon)] == [str(START)]
        write_new(daemon)
    else:
        write_new(daemon)
        rows(daemon)
        write_old(daemon, folder)
    (found,) = rows(daemon)
    assert (found["id"], found["title"]) == (str(START), "Resumed")
    events = daemon.call("sessions.events", ref=str(START))["events"]
    prompts = [event for event in events if event["type"] == "UserMessage"]
    assert len(prompts) == 2
    write_old(daemon, folder)
    assert len(rows(daemon)) == 1
