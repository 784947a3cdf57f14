"""Events that look as if they held secrets and hold none."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from bench.privacy_labels import alike_code, alike_ids
from bench.privacy_labels.planted import Sample, event_with, surrounded
from bench.privacy_labels.shapes import fill
from bench.privacy_labels.wrappings import wrapped


def lookalikes(seed: int, per_group: int, repeats: int) -> Iterator[Sample]:
    """So many samples of each group that a seed makes, and each fixed text so many times, in other
    surroundings.
    """
    for group, shapes in alike_ids.SHAPES.items():
        random = Random(f"{seed}:{group}")
        for number in range(per_group):
            yield _sample(random, group, number, fill(random, random.choice(shapes)))
    for group, make in alike_ids.MADE.items():
        random = Random(f"{seed}:{group}")
        for number in range(per_group):
            yield _sample(random, group, number, make(random))
    for group, texts in alike_code.SHAPES.items():
        random = Random(f"{seed}:{group}")
        for number, text in enumerate(texts * repeats):
            yield _sample(random, group, number, text)


def _sample(random: Random, group: str, number: int, text: str) -> Sample:
    text, _ = wrapped(random, surrounded(random, text))
    return Sample(event_with(random, text, f"{group}-{number}")[0], group)
