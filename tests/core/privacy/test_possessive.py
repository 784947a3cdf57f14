"""Python before 3.11.5 matches too much where a possessive repeat is of a group: none is used."""

from __future__ import annotations

import importlib
import pkgutil
import re
from re import _constants, _parser
from typing import Any

import pytest

from opensession.core import privacy

ONE = (_constants.IN, _constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY)


def groups(tree: Any) -> bool:
    """Whether a possessive repeat of more than one byte is in a parsed expression."""
    for code, value in tree:
        if code is _constants.POSSESSIVE_REPEAT:
            body = value[2]
            if len(body) != 1 or body[0][0] not in ONE:
                return True
        parts = value if isinstance(value, tuple | list) else [value]
        for part in parts:
            for each in part if isinstance(part, list) else [part]:
                if isinstance(each, _parser.SubPattern) and groups(each):
                    return True
    return False


def test_what_is_looked_for() -> None:
    assert groups(_parser.parse(r"x(?:a(?!x)){0,9}+"))
    assert groups(_parser.parse(r"(?:y|(?>(?:ab)?+)z)"))
    assert not groups(_parser.parse(r"(?>(?:a(?!x)){0,9})[ab]{1,9}+.?+"))


@pytest.mark.parametrize(
    "module",
    [each.name for each in pkgutil.walk_packages(privacy.__path__, f"{privacy.__name__}.")],
)
def test_no_expression_repeats_a_group_possessively(module: str) -> None:
    for name, value in vars(importlib.import_module(module)).items():
        if isinstance(value, re.Pattern):
            text = (
                value.pattern if isinstance(value.pattern, str) else value.pattern.decode("latin")
            )
            flags = value.flags & ~re.UNICODE
            assert not groups(_parser.parse(text, flags)), name
