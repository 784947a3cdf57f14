"""The steps of the model, and how often each is taken."""

from __future__ import annotations

from collections.abc import Callable

from tests.keep import losses, steps
from tests.keep.checks import check
from tests.keep.driver import AGENTS, Driver

CHANCES: tuple[tuple[int, Callable[[Driver], None]], ...] = (
    (6, steps.append),
    (3, steps.rewrite),
    (2, steps.cut),
    (3, steps.delete),
    (1, steps.replace_database),
    (2, steps.rename),
    (2, steps.lose_root),
    (3, steps.find_root),
    (3, steps.kill_amid_writing),
    (2, steps.kill_amid_work),
    (2, steps.kill_amid_forgetting),
    (2, steps.lose_index),
    (1, steps.damage_index),
    (1, steps.bump_parsers),
    (2, steps.rebuild),
    (1, steps.compact),
    (1, steps.note),
    (3, steps.forget),
    (1, steps.unforget),
    (5, losses.flip),
    (1, losses.back_up),
    (2, losses.restore),
    (3, losses.revive),
    (2, losses.prune),
)


def step(driver: Driver) -> None:
    """One thing happens; then all is looked at."""
    chances = [*CHANCES, (3 if driver.small_disk else 0, steps.fill_disk)]
    weights, what = zip(*chances, strict=True)
    chosen = driver.random.choices(what, weights)[0]
    while len(driver.chats) < 4:
        driver.begin()
        if len(driver.away) == len(set(AGENTS)):
            break
    driver.trail.append(chosen.__name__)
    chosen(driver)
    check(driver)
