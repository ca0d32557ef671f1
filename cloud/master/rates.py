"""What one currency is in another from a day on; what was valid is never rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from cloud.db import Connection, NamedStatements
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.master.costs import AT_ONCE, KEEPERS, READERS, CostsError, is_currency, record

MOST_RATE: Final = Decimal(10) ** 10
_DECIMALS: Final = 10
_SQL: Final = NamedStatements("cloud.master", "costs.sql")


@dataclass(frozen=True, slots=True)
class RatePaper:
    """How many units of one currency another is from a day on."""

    from_currency: str
    to_currency: str
    valid_from: date
    rate: Decimal
    """Units of `to_currency` for one of `from_currency`; > 0, with at most ten decimals."""
    source: str
    """Who says so: ``ECB``."""
    place: str = ""
    """Where it stands in a file, for the message."""


@dataclass(frozen=True, slots=True)
class RateRow:
    """A rate as it is kept."""

    from_currency: str
    to_currency: str
    valid_from: date
    rate: Decimal
    source: str
    recorded_at: datetime


def put_rates(conn: Connection, actor: Actor, papers: Sequence[RatePaper]) -> int:
    """Keep exchange rates, all or none; the same again changes nothing.

    Args:
        conn: In a transaction that the caller commits.
        actor: An inventory controller at all sites: rates are the network's.
        papers: The rates.

    Returns:
        How many were new.

    Raises:
        NotAllowedError: If the actor may not, or not everywhere.
        CostsError: One line per fault.
    """
    actor.require_everywhere(*KEEPERS)
    act_as(conn, actor)
    faults = [fault for paper in papers if (fault := _fault(paper))]
    keys: dict[str, Any] = {
        "froms": [paper.from_currency for paper in papers],
        "tos": [paper.to_currency for paper in papers],
        "days": [paper.valid_from for paper in papers],
    }
    there = {tuple(row[:3]): row[3] for row in _SQL.tuples(conn, "rates_there", **keys)}
    fresh: dict[tuple[Any, ...], RatePaper] = {}
    for paper, key in zip(papers, zip(*keys.values(), strict=True), strict=True):
        known = fresh[key].rate if key in fresh else there.get(key)
        if known is None:
            fresh[key] = paper
        elif known != paper.rate:
            faults.append(
                f"{paper.place}{paper.from_currency} in {paper.to_currency}: {known.normalize():f} is valid "
                f"from {paper.valid_from} already, got {paper.rate}: expected a later valid_from"
            )
    if faults:
        raise CostsError("\n".join(faults))
    new = list(fresh.values())
    added = _SQL.change(
        conn,
        "add_rates",
        froms=[paper.from_currency for paper in new],
        tos=[paper.to_currency for paper in new],
        days=[paper.valid_from for paper in new],
        rates=[paper.rate for paper in new],
        sources=[paper.source for paper in new],
    )
    if added < len(new):
        raise CostsError(AT_ONCE)
    for paper in new:
        detail = {"valid_from": paper.valid_from.isoformat(), "rate": str(paper.rate), "source": paper.source}
        pair = f"currency:{paper.from_currency}/{paper.to_currency}"
        record(conn, actor, "exchange_rate_set", pair, site=None, detail=detail)
    return len(new)


def rates(
    conn: Connection,
    actor: Actor,
    *,
    currency: str | None = None,
    after: tuple[str, str, date] = ("", "", date.min),
    limit: int,
) -> list[RateRow]:
    """List exchange rates by pair and day.

    Args:
        conn: In a transaction.
        actor: Who asks.
        currency: Only those of or in this one.
        after: Key of the last one of the page before.
        limit: Most to give.

    Returns:
        The rates.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS)
    act_as(conn, actor.narrowed(*READERS))
    asked = dict(zip(("after_from", "after_to", "after_day"), after, strict=True))
    return _SQL.rows(conn, RateRow, "rates", currency=currency, limit=limit, **asked)


def _fault(paper: RatePaper) -> str | None:
    where = f"{paper.place}{paper.from_currency} in {paper.to_currency}"
    for currency in (paper.from_currency, paper.to_currency):
        if not is_currency(currency):
            return f"{where}: currency {currency!r}: expected three capitals as EUR"
    if paper.from_currency == paper.to_currency:
        return f"{where}: expected two currencies"
    if (
        not paper.rate.is_finite()
        or not 0 < paper.rate < MOST_RATE
        or paper.rate != round(paper.rate, _DECIMALS)
    ):
        return f"{where}: rate {paper.rate}: expected more than zero, with at most ten decimals"
    if not paper.source.strip():
        return f"{where}: expected a source: who says so"
    return None
