"""Goods for a customer whose own label says that they have expired: whoever scans them is asked once; pure.

A label's date (AI 17) is the last good day. It is over everywhere only when it has ended in the last time
zone: until then the cloud decides, which knows the site's midnight and the lot's date.
"""

from datetime import timedelta

from edge_agent.clock import Stamp
from edge_agent.workflows.labels import ItemLabel
from edge_agent.workflows.prompts import say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.state import Run

_LAST_ZONE = timedelta(hours=12)
"""How far behind UTC the last time zone is."""


def ask_first(run: Run, label: ItemLabel, now: Stamp) -> None:
    """Refuse goods that have surely expired, until the same are scanned again.

    Args:
        run: The work under way.
        label: The goods.
        now: The present; a clock that is not sure of it refuses nothing.

    Raises:
        RefusedError: If work for customers takes them, and was not told yet to take them all the same.
    """
    if not run.kind.is_for_customers or label.expiry is None or not now.clock_ok:
        return
    if label.expiry >= (now.at - _LAST_ZONE).date() or asked_about(label) in run.asked_about:
        return
    raise RefusedError(
        Refusal.EXPIRED,
        say(
            "{item} expired on {day}: leave it, or scan it again to take it all the same",
            item=label.identifier.value,
            day=label.expiry.isoformat(),
        ),
    )


def asked_about(label: ItemLabel) -> str:
    """Name what is asked about once: goods of one kind, lot and date.

    Args:
        label: One of them.

    Returns:
        The same for each of them.
    """
    name = label.unit_seen if label.epcs else label.identifier.value
    return f"{name}/{label.lot or ''}/{label.expiry}"
