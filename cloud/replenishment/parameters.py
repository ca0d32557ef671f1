"""Planning parameters of a site, written where they changed (DOMAIN D10): forecasts are made by them.

Review and target are what people set, the time to protect what the supplier does, the period that demand is
forecast in what forecasting proved to cost least in stock for items of its kind; whose demand it is follows
from which site supplies which.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

from cloud.db import Connection
from cloud.replenishment import store
from cloud.replenishment.dependent import demand_type
from cloud.replenishment.gathering import Policies, SiteRow, items_of, receipt_days, terms_rows
from cloud.replenishment.lead_times import LeadTime
from cloud.replenishment.terms import choose, longest_wait, terms_of
from cloud.runs.domain import RunId

USUAL_BUCKET: Final = "week"
"""Until another period is proven to cost less."""


class _Row(NamedTuple):
    """Parameters of one item, in the order of the statement's arrays."""

    items: int
    reviews: int
    lead_times: int
    protections: int
    kinds: str
    targets: float
    defaults: str
    set_by: str
    demand_types: str
    buckets: str
    bucket_choices: int | None


def write_parameters(conn: Connection, site: SiteRow, run_id: RunId, now: datetime) -> dict[str, Any]:
    """Write the parameters of every item that is planned at a site, where they changed.

    Args:
        conn: In a transaction that shows the site.
        site: Which.
        run_id: Of the run that writes them.
        now: The present.

    Returns:
        How many items there are, how many changed, and how many of them sites of ours are supplied with.
    """
    name, today = site.site_id, site.day_of(now)
    store.tuples(conn, "lock_site", site=name)
    planned = [item_id for (item_id,) in store.tuples(conn, "planned_items", site=name)]
    items, terms = items_of(conn, planned), terms_rows(conn, name)
    receipts, policies = receipt_days(conn, name), Policies.read(conn, name)
    buckets = {item_id: proven for item_id, *proven in store.tuples(conn, "buckets", site=name)}
    customers = dict(store.tuples(conn, "whose_demand", site=name))
    rows = []
    for item_id in planned:
        chosen = terms_of(choose(terms.get(item_id, ())), receipts, today, is_whole=items[item_id].is_whole)
        policy, lead_time = policies.of(item_id), chosen.lead_time
        defaults = [*policy.defaults, *(["lead_time"] if lead_time.source == "default" else [])]
        wait = longest_wait(frozenset(chosen.order_days))
        row = _Row(
            item_id,
            policy.review_days,
            _lead_time_id(conn, chosen.supplier, lead_time, now),
            policy.review_days + lead_time.upper() + wait,
            policy.target_kind.value,
            policy.target,
            " ".join(defaults),
            policy.set_by,
            demand_type(has_customers=customers.get(item_id, True), has_sites=item_id in customers).value,
            *buckets.get(item_id, (USUAL_BUCKET, None)),
        )
        rows.append(row)
    columns = {field: [row[place] for row in rows] for place, field in enumerate(_Row._fields)}
    changed = store.change(conn, "add_parameters", site=name, run_id=run_id, now=now, **columns)
    return {"items": len(planned), "changed": changed, "supplied_to_sites": len(customers)}


def _lead_time_id(conn: Connection, supplier: str | None, lead_time: LeadTime, now: datetime) -> int:
    stated = {
        "supplier": supplier,
        "days": list(lead_time.days),
        "probability": list(lead_time.probability),
        "source": lead_time.source,
        "samples": lead_time.samples,
    }
    found = store.tuples(conn, "lead_time_id", **stated) or store.tuples(
        conn, "add_lead_time", as_of=now, **stated
    )
    return int(found[0][0])
