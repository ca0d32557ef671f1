"""What is known of a site's items: one read per source, put together into cells."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from cloud.db import Connection
from cloud.replenishment import store
from cloud.replenishment.dependent import Drawn, RequirementRow, requirements_of
from cloud.replenishment.domain import DEFAULT_REVIEW_DAYS, DEFAULT_TARGET, Policy, TargetKind
from cloud.replenishment.lead_times import late_arrival, observed
from cloud.replenishment.planner import NO_FORECAST, Cell, Forecast, nothing_forecast
from cloud.replenishment.position import CustomerOrder, OpenLine
from cloud.replenishment.terms import TermsRow, choose, terms_of

STALE_ORDER_DAYS: Final = 28
"""A customer's order that was due before is not waited for any more."""


class SiteRow(NamedTuple):
    """A site and how its days run."""

    site_id: str
    time_zone: str
    business_day_start: time
    currency: str | None

    def day_of(self, at: datetime) -> date:
        """Tell on which of the site's days an instant lies (DOMAIN D9).

        Args:
            at: An instant.

        Returns:
            The day on which its business day began.
        """
        local = at.astimezone(ZoneInfo(self.time_zone))
        start = self.business_day_start
        return local.date() - timedelta(local.time() < start)


class ItemRow(NamedTuple):
    """An item as far as ordering asks."""

    item_id: int
    code: str
    base_unit: str
    is_integer_only: bool

    @property
    def is_whole(self) -> bool:
        """Whether it is ordered in whole base units."""
        return self.is_integer_only or self.base_unit == "each"


@dataclass(frozen=True, slots=True)
class Known:
    """Everything of a site that planning reads, and when it was read."""

    site: SiteRow
    today: date
    position: int
    """Of the ledger."""
    read_at: datetime
    cells: Sequence[Cell]
    steps: Mapping[int, int]
    """By item, how often people had sent, confirmed or answered something; it only grows."""

    def overtaken(self, steps: Mapping[int, int]) -> set[int]:
        """Name the items with which people did something after they were read.

        Their position is not what was planned with, so that the next run looks at them again. Read the steps
        after the proposals that still wait: whoever sends an order settles its proposal in one transaction.

        Args:
            steps: By item, as they are now.

        Returns:
            Items.
        """
        return {item_id for item_id, number in steps.items() if number > self.steps.get(item_id, 0)}

    def as_inputs(self) -> dict[str, Any]:
        """Sum up what a run rests on.

        Returns:
            Counts, dates and the ledger's position.
        """
        forecasts = {cell.forecast.run_id for cell in self.cells} - {NO_FORECAST}
        return {
            "today": self.today,
            "ledger_position": self.position,
            "items": len(self.cells),
            "forecast_runs": sorted(forecasts),
            "open_lines": sum(len(cell.lines) for cell in self.cells),
            "customer_orders": sum(len(cell.customer_orders) for cell in self.cells),
            "requirements": sum(len(cell.requirements) for cell in self.cells),
            "on_hand": sum((cell.on_hand for cell in self.cells), Decimal(0)),
        }


def sites_of(conn: Connection, names: Sequence[str] | None) -> list[SiteRow]:
    """List sites that the session sees.

    Args:
        conn: In a transaction.
        names: Only these; None for all.

    Returns:
        Sites by id.
    """
    return store.rows(conn, SiteRow, "sites", sites=None if names is None else list(names))


def gather(conn: Connection, site: SiteRow, now: datetime) -> Known:
    """Read what is known of every item with a forecast at a site, or that other sites draw from it.

    Args:
        conn: In a transaction that shows the site.
        site: Which.
        now: The present.

    Returns:
        The site's cells by item code.
    """
    name, today = site.site_id, site.day_of(now)
    steps = dict(
        store.tuples(conn, "steps_taken", site=name)
    )  # first: what comes while the rest is read counts
    ((position, read_at),) = store.tuples(conn, "ledger_position")
    drawn = requirements_of(store.rows(conn, RequirementRow, "requirements", site=name), today)
    forecasts = dict.fromkeys(drawn, nothing_forecast(today)) | _forecasts(conn, name)
    items = items_of(conn, list(forecasts))
    stock = dict(store.tuples(conn, "usable_stock", site=name))
    lines = _open_lines(conn, name)
    since = today - timedelta(STALE_ORDER_DAYS)
    orders: dict[int, list[CustomerOrder]] = defaultdict(list)
    for item_id, order, quantity, due_on in store.tuples(conn, "customer_orders", site=name, since=since):
        orders[item_id].append(CustomerOrder(order, float(quantity), due_on))
    terms, receipts, policies = terms_rows(conn, name), receipt_days(conn, name), Policies.read(conn, name)
    refused: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for item_id, order, line in store.tuples(conn, "refused_to_hurry", site=name):
        refused[item_id].add((order, line))
    cells = [
        Cell(
            site=name,
            item=item.code,
            item_id=item_id,
            unit=item.base_unit,
            today=today,
            on_hand=stock.get(item_id, Decimal(0)),
            lines=tuple(_expected(line, receipts, today) for line in lines.get(item_id, ())),
            customer_orders=tuple(orders.get(item_id, ())),
            forecast=forecasts[item_id],
            terms=terms_of(choose(terms.get(item_id, ())), receipts, today, is_whole=item.is_whole),
            policy=policies.of(item_id),
            expedited=frozenset(refused.get(item_id, ())),
            requirements=drawn.get(item_id, Drawn()).requirements,
            left_out=tuple(drawn.get(item_id, Drawn()).left_out.values()),
        )
        for item_id, item in sorted(items.items(), key=lambda pair: pair[1].code)
    ]
    return Known(site, today, position, read_at, cells, steps)


def items_of(conn: Connection, items: Sequence[int]) -> dict[int, ItemRow]:
    """Read items.

    Args:
        conn: In a transaction.
        items: Their ids.

    Returns:
        Items by id.
    """
    return {row.item_id: row for row in store.rows(conn, ItemRow, "items", items=list(items))}


def terms_rows(conn: Connection, site: str, item_id: int | None = None) -> Mapping[int, Sequence[TermsRow]]:
    """Read who sells what at a site.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        item_id: Only of this item.

    Returns:
        Terms by item.
    """
    found: dict[int, list[TermsRow]] = defaultdict(list)
    for row in store.rows(conn, TermsRow, "terms", site=site, item_id=item_id):
        found[row.item_id].append(row)
    return found


def receipt_days(conn: Connection, site: str) -> Mapping[str, Sequence[int]]:
    """Read how long each supplier took for its past receipts.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        Elapsed days by supplier, the latest last.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for supplier, days in store.tuples(conn, "receipts", site=site):
        found[supplier].append(days)
    return found


@dataclass(frozen=True, slots=True)
class Policies:
    """What people set at a site, by item; None for the site."""

    chosen: Mapping[int | None, tuple[int | None, str | None, float | None, str]]

    @classmethod
    def read(cls, conn: Connection, site: str) -> "Policies":
        """Read the latest policies of a site.

        Args:
            conn: In a transaction that shows the site.
            site: Site id.

        Returns:
            The policies.
        """
        return cls({item_id: tuple(rest) for item_id, *rest in store.tuples(conn, "policies", site=site)})

    def of(self, item_id: int) -> Policy:
        """Say what holds for an item: its own policy, else the site's, else the default.

        Args:
            item_id: The item.

        Returns:
            The policy, which names what nobody chose.
        """
        nothing = (None, None, None, "default")
        own, general = self.chosen.get(item_id, nothing), self.chosen.get(None, nothing)
        review = own if own[0] is not None else general
        target = own if own[1] is not None else general
        defaults = (
            *(["review_days"] if review[0] is None else []),
            *(["target"] if target[1] is None else []),
        )
        setters = [row[3] for row in (review, target) if row[3] != "default"]
        return Policy(
            review_days=review[0] or DEFAULT_REVIEW_DAYS,
            target_kind=TargetKind(target[1] or TargetKind.CYCLE_SERVICE),
            target=target[2] or DEFAULT_TARGET,
            defaults=defaults,
            set_by=setters[0] if setters else "default",
        )


def _forecasts(conn: Connection, site: str) -> dict[int, Forecast]:
    found = {}
    for run_id, finished_at, item_id, first_day, mean, horizons, cum_q, model, enough in store.tuples(
        conn, "forecasts", site=site
    ):
        found[item_id] = Forecast(
            run_id,
            finished_at.isoformat(timespec="seconds"),
            first_day,
            np.asarray(mean, dtype=np.float64),
            tuple(horizons),
            np.asarray(cum_q, dtype=np.float64),
            model,
            enough,
        )
    return found


def _expected(line: OpenLine, receipts: Mapping[str, Sequence[int]], today: date) -> OpenLine:
    """Expect an overdue order when its supplier's slower ones came."""
    done = observed(receipts.get(line.supplier, ()))
    if line.due_on >= today or done is None:
        return line
    return replace(line, late_on=late_arrival(done, date.fromisoformat(line.sent_at[:10]), today))


def _open_lines(conn: Connection, site: str) -> Mapping[int, Sequence[OpenLine]]:
    found: dict[int, list[OpenLine]] = defaultdict(list)
    for item_id, order, line, supplier, quantity, due_on, sent_at in store.tuples(
        conn, "open_lines", site=site
    ):
        sent = sent_at.isoformat(timespec="seconds")
        found[item_id].append(OpenLine(order, line, supplier, float(quantity), due_on, sent))
    for item_id, name, line, sending, quantity, due_on, drafted_at in store.tuples(
        conn, "open_transfers", site=site
    ):
        sent = drafted_at.isoformat(timespec="seconds")
        found[item_id].append(OpenLine(name, line, sending, float(quantity), due_on, sent, is_transfer=True))
    return found
