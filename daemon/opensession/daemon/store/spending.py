"""Tokens and cost of sessions and periods, summed in SQL as far as prices allow.

Responses that fall under the same prices (same model, UTC day, price tier, hours of the day) are
summed by SQLite; each sum is then priced exactly. What an agent recorded as the price of a
response wins over what we compute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import apsw
import msgspec

from opensession.daemon.store.prices import (
    DAY_US,
    Model,
    PriceBook,
    Tokens,
    cost,
    microdollars,
    plus,
)
from opensession.daemon.store.scope import Condition

SYNTHETIC = "<synthetic>"
"""What Claude Code writes as the model of messages that no model wrote."""

OWNED = """NOT EXISTS (
  SELECT 1 FROM usage o CROSS JOIN session os ON os.id = o.session
  WHERE o.message_id = u.message_id AND o.session <> u.session
    AND os.origin = s.origin AND os.agent = s.agent
    AND (o.output, o.input + o.cache_read + o.cache_write, -os.created_us, os.native_id)
      > (u.output, u.input + u.cache_read + u.cache_write, -s.created_us, s.native_id))"""
"""SQL: of all records of one message id in sessions `s` of an agent, `u` is the one that counts.

The fullest one, since records of a message grow; among equals that of the oldest session.
"""


class Group(NamedTuple):
    """Responses under the same prices; `key` holds the columns that were asked for. `amount` is
    what they cost in micro-dollars, exact, or None: there is no price.
    """

    key: tuple[object, ...]
    model: Model
    tokens: Tokens
    amount: Decimal | None


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Sums. `microdollars` is None when nothing has a price; `unpriced` names the models without
    one, sorted.
    """

    responses: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    microdollars: int | None = None
    unpriced: tuple[str, ...] = ()


class Tally:
    """Adds groups up; rounds once, in `spent`."""

    def __init__(self) -> None:
        self._counts = [0, 0, 0, 0, 0]
        self._amount: Decimal | None = None
        self._unpriced: set[str] = set()

    def add(self, group: Group) -> None:
        """Adds one group. A model without a price and without tokens is nobody's concern."""
        tokens = group.tokens
        counts = (
            tokens.responses,
            tokens.input,
            tokens.output,
            tokens.cache_read,
            tokens.cache_write,
        )
        self._counts = [one + other for one, other in zip(self._counts, counts, strict=True)]
        if group.amount is not None:
            self._amount = plus(self._amount or Decimal(0), group.amount)
        elif any(counts[1:]):
            self._unpriced.add(group.model[1] or "unknown")

    def spent(self) -> Spent:
        """The sums so far."""
        responses, plain, output, read, write = self._counts
        return Spent(
            responses=responses,
            input=plain,
            output=output,
            cache_read=read,
            cache_write=write,
            microdollars=None if self._amount is None else microdollars(self._amount),
            unpriced=tuple(sorted(self._unpriced)),
        )


def groups(
    db: apsw.Connection,
    book: PriceBook,
    *,
    keys: Sequence[str],
    tables: str,
    where: Condition,
) -> list[Group]:
    """The responses of `tables` (SQL, with `usage u`) where a condition holds, summed by `keys`
    and price. Values of `tables` come first in those of `where`.

    Models whose prices are not known yet are looked up, once.
    """
    while True:
        found = list(_groups(db, book, keys, tables, where))
        if not book.load({group.model for group in found}):
            return [_priced(group, book) for group in found]


def spent_by_family(
    db: apsw.Connection, book: PriceBook, families: Mapping[int, Sequence[int]]
) -> dict[int, Spent]:
    """What each family of sessions spent; a message that several members hold counts once."""
    members = [
        [member, root, int(len(family) > 1)]
        for root, family in families.items()
        for member in family
    ]
    tallies = {root: Tally() for root in families}
    for group in groups(
        db,
        book,
        keys=("f.root",),
        tables=_FAMILY,
        where=Condition(_COUNTS_IN_FAMILY, (msgspec.json.encode(members).decode(),)),
    ):
        root = group.key[0]
        assert isinstance(root, int)  # noqa: S101
        tallies[root].add(group)
    return {root: tally.spent() for root, tally in tallies.items()}


_FAMILY = """(
    SELECT value ->> 0 AS member, value ->> 1 AS root, value ->> 2 AS shared FROM json_each(?1)
  ) f CROSS JOIN usage u ON u.session = f.member"""
_COUNTS_IN_FAMILY = """NOT (f.shared AND EXISTS (
    SELECT 1 FROM usage o
    WHERE o.message_id = u.message_id AND o.session <> u.session
      AND +o.session IN (SELECT value ->> 0 FROM json_each(?1) WHERE value ->> 1 = f.root)
      AND (o.output, o.input + o.cache_read + o.cache_write, -o.session)
        > (u.output, u.input + u.cache_read + u.cache_write, -u.session)))"""


def _priced(group: Group, book: PriceBook) -> Group:
    """The group with what it costs, unless that was recorded."""
    sheet = book.sheet(group.model)
    if group.amount is not None or sheet is None:
        return group
    return group._replace(amount=cost(sheet, group.tokens))


def _groups(
    db: apsw.Connection,
    book: PriceBook,
    keys: Sequence[str],
    tables: str,
    where: Condition,
) -> Iterator[Group]:
    total = "u.input + u.cache_read + u.cache_write"
    by = [
        *keys,
        "u.provider",
        "u.model",
        "u.cost_recorded IS NULL",
        f"u.time_us / {DAY_US}",
        _band(total, book.input_bands()),
        _band(f"(u.time_us % {DAY_US}) / 1000000", book.clock_bands(), ">="),
    ]
    sql = f"""
      SELECT {", ".join(by)},
        count(*), sum(u.input), sum(u.output), sum(u.cache_read), sum(u.cache_write),
        sum(u.cache_write_1h), min({total}), min(u.time_us), sum(u.cost_recorded)
      FROM {tables} WHERE u.model <> '{SYNTHETIC}' AND {where.sql}
      GROUP BY {", ".join(str(number + 1) for number in range(len(by)))}"""  # noqa: S608
    width = len(keys)
    for row in db.execute(sql, where.values):
        sums = row[len(by) :]
        yield Group(
            tuple(row[:width]),
            (row[width], row[width + 1]),
            Tokens(
                responses=sums[0],
                input=sums[1],
                output=sums[2],
                cache_read=sums[3],
                cache_write=sums[4],
                cache_write_1h=sums[5],
                input_total=sums[6],
                time_us=sums[7],
            ),
            None if sums[8] is None else Decimal(sums[8]),
        )


def _band(value: str, edges: Sequence[int], compare: str = ">") -> str:
    """SQL that numbers the bands between `edges`."""
    return " + ".join(f"({value} {compare} {edge})" for edge in edges) or "0"
