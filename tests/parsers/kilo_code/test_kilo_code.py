"""Kilo Code's databases and its tasks of before, each read as what they are made from."""

from __future__ import annotations

import json
from pathlib import Path

from opensession.parsers.agent import Environment, Root
from opensession.parsers.kilo_code import AGENT
from tests.helpers.lines import read_all

TASKS = "globalStorage/kilocode.kilo-code/tasks"


def test_roots_are_the_database_and_the_tasks_of_every_editor() -> None:
    env = Environment(home="/home/dev", variables={}, platform="linux")
    roots = AGENT.roots(env)
    paths = [root.path for root in roots]
    assert paths[0] == "/home/dev/.local/share/kilo"
    assert f"/home/dev/.config/Code/User/{TASKS}" in paths
    assert f"/home/dev/.vscode-server/data/User/{TASKS}" in paths
    assert len(set(paths)) == len(paths)


def test_the_configuration_may_name_any_of_the_folders() -> None:
    for extra, wanted in (
        ("/x/kilo", "/x/kilo"),
        ("/x/User/globalStorage/kilocode.kilo-code", f"/x/User/{TASKS}"),
        (f"/x/User/{TASKS}", f"/x/User/{TASKS}"),
        ("/x/User", f"/x/User/{TASKS}"),
    ):
        env = Environment(home="/h", variables={}, platform="darwin", extra=(extra,))
        paths = [root.path for root in AGENT.roots(env)]
        assert wanted in paths
        assert len(set(paths)) == len(paths)
    env = Environment(home="/h", variables={"KILO_DB": "/db/kilo-dev.db"}, platform="linux")
    assert "/db" in [root.path for root in AGENT.roots(env)]


def test_its_first_databases_had_the_name_of_opencode(tmp_path: Path) -> None:
    for folder in ("kilo", "else"):
        (tmp_path / folder).mkdir()
        for name in ("kilo.db", "opencode.db", "kilo-dev.db"):
            (tmp_path / folder / name).touch()
    found = AGENT.sources(Root("kilo-code", str(tmp_path / "kilo")))
    assert [Path(source.path).name for source in found] == ["kilo-dev.db", "kilo.db", "opencode.db"]
    found = AGENT.sources(Root("kilo-code", str(tmp_path / "else")))
    assert [Path(source.path).name for source in found] == ["kilo-dev.db", "kilo.db"]


def test_a_task_of_the_extension_is_read_as_a_task(tmp_path: Path) -> None:
    """Made by hand after the format of Roo's tasks, from which the extension came."""
    folder = tmp_path / TASKS / "0199aaaa-0000-7000-8000-000000000001"
    folder.mkdir(parents=True)
    start = 1_760_000_000_000
    request = {"request": "…", "tokensIn": 100, "tokensOut": 7, "cost": 0.002}
    rows = [
        {"ts": start, "type": "say", "say": "text", "text": "Fix it"},
        {"ts": start + 5, "type": "say", "say": "api_req_started", "text": json.dumps(request)},
        {"ts": start + 9, "type": "say", "say": "text", "text": "Fixed."},
    ]
    history = [
        {"role": "user", "content": [{"type": "text", "text": "<task>\nFix it\n</task>"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Fixed."}]},
    ]
    (folder / "ui_messages.json").write_text(json.dumps(rows))
    (folder / "api_conversation_history.json").write_text(json.dumps(history))
    root = Root("kilo-code", str(tmp_path / TASKS))
    (source,) = AGENT.sources(root)
    assert AGENT.source_of(root, f"{folder}/api_conversation_history.json") == source
    assert AGENT.storage(source) == "whole"
    assert len(AGENT.files(source)) >= 2
    whole = read_all(AGENT.read, source)[0]
    assert whole.info.agent == "kilo-code"
    assert whole.info.id == folder.name
    assert whole.info.first_prompt == "Fix it"
    assert [event.type for event in whole.events if event.type != "Custom"] == [
        "UserMessage",
        "AgentMessage",
    ]
    (usage,) = whole.usage[folder.name]
    assert (usage.input, usage.output, usage.cost_microdollars) == (100, 7, 2000)
    head = (folder / "ui_messages.json").read_bytes()
    assert AGENT.recognises(source.path, head) > 0.5


def test_a_database_is_told_from_that_of_opencode(corpus: Path) -> None:
    kilo = (corpus / "kilo-code/recorded-subagent/kilo.db").read_bytes()
    opencode = (corpus / "opencode/recorded-subagent/opencode.db").read_bytes()
    assert AGENT.recognises("x.db", kilo) > AGENT.recognises("x.db", opencode) > 0
