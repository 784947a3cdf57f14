"""A kind of secret of the labelled set, as a row of a table."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Literal, NamedTuple

from bench.privacy_labels.shapes import fill

Make = Callable[[Random], str]
"""Makes a value; what stands before a `|` in it is its known prefix and may stay."""


class Kind(NamedTuple):
    """One kind of secret.

    `names` are the variables it is kept in. `alone`: its form is enough to know it by; otherwise it
    is only ever planted beside a name. `lines` are texts of its own, `{}` the place of the value,
    for kinds that are known by their place. `source` says where the form was read: "vendors" (their
    documentation) or "scanners" (only what other public scanners say).
    """

    name: str
    set: str
    make: Make
    names: tuple[str, ...] = ()
    alone: bool = False
    lines: tuple[str, ...] = ()
    source: Literal["vendors", "scanners"] = "vendors"


def shaped(shape: str) -> Make:
    """A maker of one of several shapes, between spaces."""
    shapes = shape.split(" ")
    return lambda random: fill(random, random.choice(shapes))


def table(
    text: str, *, alone: bool, source: Literal["vendors", "scanners"] = "vendors"
) -> list[Kind]:
    """The kinds of a table of lines: name, variable names between commas, one or more shapes.

    A line that begins with a space goes on with the one before.
    """
    kinds: list[Kind] = []
    for line in filter(None, text.replace("\n ", " ").splitlines()):
        name, names, shape = line.split(None, 2)
        kinds.append(
            Kind(name, "keys", shaped(shape), tuple(names.split(",")), alone, source=source)
        )
    return kinds
