"""How much of a labelled set is found: a small part of what `python -m bench privacy` measures.

The forms of the set were written without looking at the detectors. The seed is another one than the
bench's, so that other values stand in other places.
"""

from __future__ import annotations

from collections import Counter

import pytest

from bench.privacy import default_stripper, labelled, stripper_with
from bench.privacy_labels import alike, hand
from bench.privacy_labels.planted import KINDS, planted, split
from bench.privacy_score import Score, score, score_split
from opensession.core.privacy.rules import Rules
from opensession.core.privacy.stripper import Stripper
from tests.conftest import CORPUS

SEED = 2026
RECALL = 0.99
PRECISION = 0.98
SPLIT = 0.97


@pytest.fixture(scope="module")
def stripper() -> Stripper:
    return default_stripper()


@pytest.fixture(scope="module")
def scored(stripper: Stripper) -> Score:
    return score(stripper, [*planted(SEED, 3), *alike.lookalikes(SEED, 30, 1)])


def test_nearly_every_planted_secret_is_found_whole(scored: Score) -> None:
    missed = Counter((miss.secret.kind, miss.secret.template) for miss in scored.misses)

    assert scored.recall >= RECALL, sorted(missed.items())


def test_nearly_nothing_else_is_found(scored: Score) -> None:
    wrong = Counter((each.group, each.set, each.kind) for each in scored.wrong)

    assert scored.precision >= PRECISION, sorted(wrong.items())


def test_secrets_cut_over_two_pieces_of_a_message_are_found(stripper: Stripper) -> None:
    pairs = list(split(SEED))
    missed = [secret.kind for events, secret in pairs if not score_split(stripper, events, secret)]

    assert len(missed) <= len(pairs) * (1 - SPLIT), missed


def test_in_real_transcripts_only_labelled_places_are_found(stripper: Stripper) -> None:
    if not (CORPUS / hand.FOLDER).is_dir():
        pytest.skip("the corpus of real sessions is not beside the checkout")

    judged = hand.judge(stripper, CORPUS)

    assert judged.labels > 500
    assert judged.right > 2000
    assert (judged.wrong, judged.unlabelled, judged.missed) == (0, 0, 0)


def test_the_set_is_as_large_as_is_said() -> None:
    """At least 2,000 secrets of 100 kinds and 2,000 look-alikes, at the bench's own counts."""
    samples = labelled(SEED)

    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 100
    assert sum(len(sample.secrets) for sample in samples) >= 2000
    assert sum(not sample.secrets for sample in samples) >= 2000


def test_a_finding_beside_a_secret_does_not_count_as_finding_it(stripper: Stripper) -> None:
    """The measure itself: with nothing switched on, nothing is found and nothing is wrong."""
    modes = dict.fromkeys(("keys", "urls", "headers", "private-keys", "names", "cards"), "off")
    off = stripper_with(Rules(False, False, modes))

    scored = score(off, planted(SEED, 1))

    assert scored.recall == 0
    assert not scored.wrong
