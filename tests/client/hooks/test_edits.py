"""Our hooks go into settings and out again: everything else stays as it was, byte by byte."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opensession.client.hooks import agents, in_json, in_toml
from opensession.client.hooks.jsonc import NotJson, parse
from opensession.client.hooks.problems import Clash, NotReadable

HINTS = "/home/o'dev/.local/state/opensession/hints"
IN_JSON = [each for each in agents.HOOKED if isinstance(each.edit, in_json.Events)]
CODEX = in_toml.Notify(agent="codex", key="thread-id")

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 999), st.sampled_from(["", "a", "//b", "{", "é", '"'])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=8,
)
HOOKS = st.dictionaries(
    st.sampled_from(["PostToolUse", "Stop", "stop", "SessionEnd", "AfterTool", "Other"]),
    st.lists(
        st.fixed_dictionaries(
            {"hooks": st.just([{"type": "command", "command": "make lint"}])},
            optional={"matcher": st.just("Edit")},
        ),
        max_size=2,
    ),
    max_size=3,
)


@st.composite
def settings(draw: st.DrawFn) -> str:
    """A document as people and programs write them: any indentation, comments, trailing commas."""
    value = draw(st.dictionaries(st.sampled_from(["model", "env", "a"]), VALUES, max_size=3))
    if draw(st.booleans()):
        value["hooks"] = draw(HOOKS)
    unit = draw(st.sampled_from(["", "  ", "    ", "\t"]))
    newline = draw(st.sampled_from(["\n", "\r\n"])) if unit else ""
    comments = draw(st.booleans())

    def blank(level: int) -> str:
        if draw(st.integers(0, 5)) == 0 and comments:
            said = draw(st.sampled_from([" // one, two  ", " /* { */", " // ] "]))
            if unit or "//" not in said:
                return said + newline + unit * level
        return newline + unit * level

    def written(value: Any, level: int) -> str:
        if not isinstance(value, (dict, list)):
            return json.dumps(value, ensure_ascii=False)
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        parts = [
            f"{json.dumps(key)}: {written(child, level + 1)}"
            for key, child in (value.items() if isinstance(value, dict) else ())
        ] or [written(child, level + 1) for child in value]
        if not parts:
            return opening + draw(st.sampled_from(["", " ", newline])) + closing
        text = opening
        for index, part in enumerate(parts):
            text += blank(level + 1) + part + ("," if index + 1 < len(parts) else "")
        if comments and draw(st.integers(0, 3)) == 0:
            text += ","
        return text + blank(level) + closing

    return written(value, 0) + draw(st.sampled_from(["", "\n", newline]))


def comments_of(text: str) -> list[str]:
    """Every comment, in order; strings are passed over."""
    found = re.findall(r'"(?:[^"\\]|\\.)*"|(//[^\r\n]*|/\*.*?\*/)', text, re.S)
    return [comment for comment in found if comment]


@example('{"model": "//b"}', IN_JSON[0])
@given(settings(), st.sampled_from(IN_JSON))
def test_an_edit_and_its_undo_give_the_same_bytes(text: str, agent: agents.Hooked) -> None:
    edited = agent.edit.add(text, HINTS)

    assert edited != text
    assert agent.edit.add(edited, HINTS) == edited
    assert agent.edit.remove(edited, HINTS, text) == text


@given(settings(), st.sampled_from(IN_JSON))
def test_an_edit_keeps_all_that_was_there(text: str, agent: agents.Hooked) -> None:
    before = parse(text).value
    after = parse(agent.edit.add(text, HINTS)).value

    assert {key: value for key, value in after.items() if key != "hooks"} == {
        key: value for key, value in before.items() if key != "hooks"
    }
    assert [key for key in after if key in before] == list(before)
    for event, items in before.get("hooks", {}).items():
        assert after["hooks"][event][: len(items)] == items
    assert comments_of(agent.edit.add(text, HINTS)) == comments_of(text)


@example('{\n  "model": null, // one, two  \n}', IN_JSON[0])
@given(settings(), st.sampled_from(IN_JSON))
def test_what_others_change_meanwhile_stays(text: str, agent: agents.Hooked) -> None:
    """A key that is added after ours survives the undo, and ours are gone."""
    edited = agent.edit.add(text, HINTS)
    closing = parse(edited).end - 1
    last = parse(edited).children[-1].end
    changed = edited[:last] + ', "theirs": [1]' + edited[last:closing] + edited[closing:]
    # A trailing comma is left where it stood, and stands after the new key then.
    clean = agent.edit.remove(changed, HINTS, text)

    kept = parse(clean).value
    assert kept.pop("theirs") == [1]
    assert kept == parse(text).value
    assert comments_of(clean) == comments_of(text)


@given(st.text(max_size=60), st.sampled_from(agents.HOOKED))
def test_what_cannot_be_read_is_refused(text: str, agent: agents.Hooked) -> None:
    """Any text is taken as it is or refused with a sentence; nothing else happens."""
    try:
        edited = agent.edit.add(text, HINTS)
    except (NotReadable, Clash) as error:
        assert str(error)
    else:
        assert agent.edit.remove(edited, HINTS, text).strip() in (
            text.strip(), "{}", json.dumps({"version": 1}, indent=2),
        )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1,,2]",
        '{"a" 1}',
        "{'a': 1}",
        '{"a": 01}',
        '{"a": tru}',
        "// only",
        '{"a": "\n"}',
        "1 2",
    ],
)
def test_what_is_no_json_is_told_with_its_line(text: str) -> None:
    with pytest.raises(NotJson, match=r"line \d+ is not JSON"):
        parse("\n" + text)


def test_nesting_beyond_reason_is_refused() -> None:
    with pytest.raises(NotJson, match="levels"):
        parse("[" * 5000)


@pytest.mark.parametrize("text", ['{"hooks": 3}', '{"hooks": {"Stop": {}}}', "[]"])
def test_hooks_of_another_shape_are_left_alone(text: str) -> None:
    with pytest.raises(Clash):
        agents.HOOKED[0].edit.add(text, HINTS)


def test_an_item_that_is_shared_with_another_command_loses_only_ours() -> None:
    claude = agents.HOOKED[0].edit
    value = json.loads(claude.add("", HINTS))
    value["hooks"]["Stop"][0]["hooks"].append({"type": "command", "command": "make"})

    kept = json.loads(claude.remove(json.dumps(value, indent=2), HINTS, None))

    assert kept == {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "make"}]}]}}


def test_hooks_of_another_home_are_not_ours() -> None:
    claude = agents.HOOKED[0].edit
    theirs = claude.add("", "/srv/other/state/hints")
    both = claude.add(theirs, HINTS)

    assert both.count("opensession-hook") == 2 * theirs.count("opensession-hook")
    assert claude.remove(both, HINTS, theirs) == theirs


TOML = st.lists(
    st.sampled_from(['model = "gpt-5.5"', "# a note", "", "[tui]", '[projects."/x"]', "[[a]]"]),
    max_size=6,
).map("\n".join)


@given(TOML, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"]))
def test_notify_goes_to_the_top_of_toml_and_out_again(text: str, newline: str, mark: str) -> None:
    text = mark + text.replace("\n", newline)
    try:
        before = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        with pytest.raises(NotReadable):
            CODEX.add(text, HINTS)
        return
    edited = CODEX.add(text, HINTS)
    after = tomllib.loads(edited.removeprefix("\ufeff"))

    assert after.pop("notify")[:2] == ["sh", "-c"]
    assert after == before
    assert CODEX.add(edited, HINTS) == edited
    assert CODEX.remove(edited, HINTS, text) == text
    assert CODEX.remove(edited + "\n# more", HINTS, None) == text + "\n# more"


def test_a_notify_of_somebody_else_is_left_alone() -> None:
    with pytest.raises(Clash, match="room for one"):
        CODEX.add('notify = ["say", "done"]\n', HINTS)
    assert CODEX.remove('notify = ["say"]\n', HINTS, None) == 'notify = ["say"]\n'
