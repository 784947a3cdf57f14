"""How well private data is found: recall and precision on labelled events, and throughput."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.privacy_hostile import hostile
from bench.privacy_labels import afterwards, blocks, hand, held_out
from bench.privacy_labels.alike import lookalikes
from bench.privacy_labels.kind import Kind
from bench.privacy_labels.lines import ALONE
from bench.privacy_labels.planted import KINDS, Sample, Secret, planted, split
from bench.privacy_score import Score, score, score_split
from bench.privacy_speed import throughput
from bench.table import Figure, at_least
from opensession.core.privacy.rules import Rules
from opensession.core.privacy.stripper import Stripper

KEY = b"k" * 32
PER_KIND = 8
PER_GROUP = 75
REPEATS = 4
_OPTIONAL = ("mail", "phone", "iban", "health")


def labelled(seed: int, per_kind: int = PER_KIND) -> list[Sample]:
    """Planted secrets of every kind that is looked for by default, and look-alikes."""
    per_group = PER_GROUP * per_kind // PER_KIND
    repeats = max(1, REPEATS * per_kind // PER_KIND)
    return [*planted(seed, per_kind), *lookalikes(seed, per_group, repeats)]


def default_stripper() -> Stripper:
    """A stripper as a fresh installation has it."""
    return stripper_with(Rules())


def stripper_with(rules: Rules) -> Stripper:
    """A stripper of the machine that the labelled set is of."""
    return Stripper(f"/home/{blocks.OWN_USER}", KEY, rules, host=blocks.OWN_HOST)


def privacy(seed: int, *, verbose: bool = False, corpus: Path | None = None) -> list[Figure]:
    """All figures; `verbose` prints misses and false findings by kind, never a value."""
    stripper = default_stripper()
    samples = labelled(seed)
    made = score(stripper, samples)
    alike = sum(1 for sample in samples if not sample.secrets)
    kinds = len(made.planted)
    worst = [made.recall_of(kind) for kind in made.planted]
    how = f"{made.planted.total()} secrets of {kinds} kinds, in transcripts made from seed {seed}"
    figures = [
        at_least("privacy, recall", made.recall * 100, "%", 99, how),
        at_least(
            "privacy, precision",
            made.precision * 100,
            "%",
            98,
            f"{made.true_by_set.total()} true and {made.false_by_set.total()} false findings, "
            f"{alike} look-alikes",
        ),
        Figure(
            "privacy, kinds found every time",
            f"{sum(share == 1 for share in worst)} of {kinds}",
            note=f"the worst kind: {min(worst) * 100:.0f} %",
        ),
        *_by_source(made),
        *_by_set(made),
        *_optional(seed),
        _split(stripper, seed),
        *_apart(stripper, seed, "written down later", afterwards.KINDS),
        *_apart(stripper, seed, "held out", held_out.KINDS),
        *_by_hand(stripper, corpus),
        *throughput(stripper, seed, hand.events(corpus) if corpus else []),
        *hostile(stripper, seed),
    ]
    if verbose:
        _print(made)
    return figures


def _by_source(made: Score) -> list[Figure]:
    """Recall of the kinds whose form was read at the vendors', and of those it was not."""
    sources = {kind.name: kind.source for kind in KINDS}
    figures: list[Figure] = []
    for source in dict.fromkeys(sources.values()):
        names = [name for name in made.planted if sources[name] == source]
        count, found = (sum(each[name] for name in names) for each in (made.planted, made.found))
        figures.append(
            Figure(
                f"recall, kinds from {source}",
                f"{found / max(1, count) * 100:.1f} %",
                note=f"{count} secrets of {len(names)} kinds",
            )
        )
    return figures


def _by_set(made: Score) -> list[Figure]:
    sets = Counter({**made.true_by_set}) + made.false_by_set
    return [
        Figure(
            f"precision, {name}",
            f"{made.true_by_set[name] / sets[name] * 100:.1f} %",
            note=f"{made.false_by_set[name]} of {sets[name]} findings are false",
        )
        for name in sorted(sets)
    ]


def _optional(seed: int) -> list[Figure]:
    """The sets that are off by default, switched on over the same look-alikes."""
    modes = dict.fromkeys(_OPTIONAL, "redact")
    stripper = stripper_with(Rules(modes=modes))
    samples = [*planted(seed, 40, tuple(blocks.OPTIONAL)), *lookalikes(seed, PER_GROUP, REPEATS)]
    made = score(stripper, samples)
    figures: list[Figure] = []
    for kind in blocks.OPTIONAL:
        true, false = made.true_by_set[kind.set], made.false_by_set[kind.set]
        figures.append(
            Figure(
                f"recall and precision, {kind.set} (off by default)",
                f"{made.recall_of(kind.name) * 100:.0f} %, "
                f"{true / max(1, true + false) * 100:.0f} %",
                note=f"{made.planted[kind.name]} planted",
            )
        )
    return figures


def _split(stripper: Stripper, seed: int) -> Figure:
    """Secrets cut into two pieces of one streamed message."""
    pairs = list(split(seed))
    found = sum(score_split(stripper, events, secret) for events, secret in pairs)
    return Figure(
        "recall, secrets split over two pieces of a message",
        f"{found / len(pairs) * 100:.1f} %",
        note=f"{len(pairs)} secrets with a form of their own",
    )


def _apart(stripper: Stripper, seed: int, name: str, kinds: tuple[Kind, ...]) -> list[Figure]:
    """Recall of kinds and places that are not of the labelled set."""
    forms = tuple(kind for kind in kinds if kind.alone)
    places = tuple(kind for kind in kinds if not kind.alone)
    samples = [*planted(seed, 12, forms), *planted(seed, 150, places)]
    made = score(stripper, samples)
    missed = Counter(_how_known(miss.secret) for miss in made.misses)
    total = Counter(_how_known(secret) for sample in samples for secret in sample.secrets)
    return [
        Figure(
            f"recall, {name}: {how}",
            f"{(1 - missed[how] / total[how]) * 100:.0f} %",
            note=f"{total[how]} secrets",
        )
        for how in total
    ]


def _how_known(secret: Secret) -> str:
    if secret.template in ALONE:
        return "an unknown vendor's key by itself"
    if secret.template == "its own":
        return secret.kind.partition(": ")[2].replace(" in a place", "s in places")
    return "an unknown vendor's key beside a name"


def _by_hand(stripper: Stripper, corpus: Path | None) -> list[Figure]:
    """Findings in real transcripts, against labels that a person gave them."""
    name = "real transcripts, findings that are right"
    if corpus is None or not (corpus / hand.FOLDER).is_dir():
        return [Figure(name, "not measured", note="the corpus is not beside the checkout")]
    made = hand.judge(stripper, corpus)
    return [
        Figure(
            name,
            f"{made.right} of {made.right + made.wrong + made.unlabelled}",
            note=f"{made.wrong} labelled as nothing private, {made.unlabelled} without a label",
        ),
        Figure(
            "real transcripts, labelled places that were missed",
            f"{made.missed} of {made.labels}",
            note="labelled by hand; most of them are nothing private",
        ),
    ]


def _print(made: Score) -> None:
    """Misses and false findings by kind and place; never a value."""
    misses = Counter((miss.secret.kind, miss.secret.template) for miss in made.misses)
    for (kind, template), count in sorted(misses.items()):
        print(f"  missed {count} × {kind} ({template}), {made.planted[kind]} planted")
    wrong = Counter((each.group, each.set, each.kind) for each in made.wrong)
    for (group, name, kind), count in sorted(wrong.items()):
        print(f"  false {count} × {name}/{kind} in {group}")
