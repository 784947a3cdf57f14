"""What a person typed, and what Codex put in the same place."""

from __future__ import annotations

import pytest

from opensession.parsers.codex.injected import is_injected, request_in


@pytest.mark.parametrize(
    "text",
    [
        "# AGENTS.md instructions for /home/dev/app\n\n<INSTRUCTIONS>",
        "<user_instructions>\nBe brief.\n</user_instructions>",
        "\n<environment_context>\n  <cwd>/x</cwd>\n</environment_context>",
        "<turn_aborted>\nThe user interrupted the previous turn on purpose.\n</turn_aborted>",
        '<subagent_notification>\n{"agent_id": "x"}\n</subagent_notification>',
        "<user_shell_command>\n<command>ls</command>\n</user_shell_command>",
        "<user_action>\n  <context>User initiated a review task.</context>\n</user_action>",
        "Warning: apply_patch was requested via exec_command. Use the apply_patch tool instead",
    ],
)
def test_injected_text_is_known_by_how_it_begins(text: str) -> None:
    assert is_injected(text)


@pytest.mark.parametrize(
    "text", ["Hello", "", "What does <environment_context> mean?", "<div>fix this</div>", "Warning"]
)
def test_typed_text_is_left_alone(text: str) -> None:
    assert not is_injected(text)


def test_what_codex_says_of_a_part_counts_more_than_its_text() -> None:
    assert not is_injected("<environment_context>", "user.text")
    assert is_injected("Hello", "generic.turn_aborted")
    assert is_injected("<environment_context>", "unknown")


def test_a_request_is_found_below_what_an_editor_put_before_it() -> None:
    text = (
        "# Context from my IDE setup:\n\n## Open tabs:\n- a\n\n## My request for Codex:\nDo it.\n"
    )

    assert request_in(text) == "Do it."
    assert request_in(" Do it. ") == "Do it."
    assert request_in("See `## My request for Codex:` above") == (
        "See `## My request for Codex:` above"
    )
