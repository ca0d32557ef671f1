"""What runs by itself: the list of jobs, each a name, a trigger and a call into the part that does it.

The parts are imported when their job runs: the numerical libraries stay out of processes that only list jobs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import time, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from cloud.db import in_transaction
from cloud.gateways.broker.files import BrokerFiles
from cloud.identity.actor import Actor, Role
from cloud.scheduling import store
from cloud.scheduling.domain import Daily, Every
from cloud.scheduling.job import Job, Occasion

SETTLE_EVERY: Final = timedelta(seconds=1.5)
TELL_NEGATIVE_EVERY: Final = timedelta(minutes=1)
DELIVER_EVERY: Final = timedelta(seconds=1.5)
ESCALATE_EVERY: Final = timedelta(minutes=1)
PULL_EVERY: Final = timedelta(seconds=15)
SIGN_EVERY: Final = timedelta(minutes=5)
"""How often it is asked whether a head of the hour is signed."""
FOLLOW_PICKS_EVERY: Final = timedelta(seconds=2)
KEEP_CLAIMS_EVERY: Final = timedelta(seconds=15)
RESOLVE_EVERY: Final = timedelta(seconds=5)
HOLD_SCANNED_EVERY: Final = timedelta(seconds=5)
FOLLOW_VISITS_EVERY: Final = timedelta(seconds=30)
FOLLOW_RECALLS_EVERY: Final = timedelta(seconds=15)
WATCH_EXPIRY_EVERY: Final = timedelta(minutes=10)
WATCH_DOUBTS_EVERY: Final = timedelta(seconds=15)
TELL_STOCK_EVERY: Final = timedelta(hours=1)
TELL_LOTS_EVERY: Final = timedelta(hours=1)
FOLLOW_LABELS_EVERY: Final = timedelta(seconds=15)
FOLLOW_CERTIFICATES_EVERY: Final = timedelta(seconds=15)
TELL_BROKER_EVERY: Final = timedelta(seconds=15)

PLANNING: Final = Actor(
    "job:planning", frozenset({Role.PLANNER, Role.BUYER, Role.INVENTORY_CONTROLLER}), all_sites=True
)

Planning = Callable[[Occasion, Sequence[str]], Mapping[str, Any]]

log = structlog.get_logger()


def listed(zones: Iterable[str], *, planning_at: time, head_key: Path, broker: BrokerFiles) -> list[Job]:
    """List the jobs of a network.

    Args:
        zones: Time zones of its sites.
        planning_at: When planning begins, by the wall clock of each site.
        head_key: Where the key is that signs the ledger's head.
        broker: Where a broker of one's own reads who may log in.

    Returns:
        The jobs; planning once per time zone of the sites.
    """
    signing = Job("sign_head", Every(SIGN_EVERY), partial(_sign_head, head_key))
    certificates = Job(
        "certificates",
        Every(FOLLOW_CERTIFICATES_EVERY),
        partial(_follow_certificates, head_key.parent, broker.ours),
    )
    telling = Job("broker", Every(TELL_BROKER_EVERY), partial(_tell_broker, head_key.parent, broker))
    return [
        *_loops(),
        signing,
        certificates,
        telling,
        *(job for zone in _known(zones) for job in _planning(zone, planning_at)),
    ]


def named(jobs: Sequence[Job], name: str) -> list[Job]:
    """Find jobs by name.

    Args:
        jobs: As `listed`.
        name: Of one, or what comes before the zone: ``forecast`` for ``forecast/Europe/Madrid``; ``planning``
            is the whole chain.

    Returns:
        Those that bear it, in the list's order.
    """
    wanted = set(_STEPS) if name == "planning" else {name}
    return [job for job in jobs if not wanted.isdisjoint({job.name, job.name.partition("/")[0]})]


def _loops() -> Iterator[Job]:
    yield Job("counting", Every(SETTLE_EVERY), _settle_counts)
    yield Job("negatives", Every(TELL_NEGATIVE_EVERY), _tell_negative)
    yield Job("webhooks", Every(DELIVER_EVERY), _deliver_webhooks)
    yield Job("escalation", Every(ESCALATE_EVERY), _escalate)
    yield Job("pull_demand", Every(PULL_EVERY), _pull_demand)
    yield Job("picks", Every(FOLLOW_PICKS_EVERY), _follow_picks)
    yield Job("claims", Every(KEEP_CLAIMS_EVERY), _keep_claims)
    yield Job("resolver", Every(RESOLVE_EVERY), _resolve)
    yield Job("receipts", Every(HOLD_SCANNED_EVERY), _hold_scanned)
    yield Job("visits", Every(FOLLOW_VISITS_EVERY), _follow_visits)
    yield Job("recalls", Every(FOLLOW_RECALLS_EVERY), _follow_recalls)
    yield Job("expiry", Every(WATCH_EXPIRY_EVERY), _watch_expiry)
    yield Job("doubts", Every(WATCH_DOUBTS_EVERY), _watch_doubts)
    yield Job("labels", Every(FOLLOW_LABELS_EVERY), _follow_labels)
    yield Job("stock_at_doors", Every(TELL_STOCK_EVERY), _tell_stock)
    yield Job("lots_to_pick", Every(TELL_LOTS_EVERY), _tell_lots)


def _planning(zone: str, at: time) -> Iterator[Job]:
    """The nightly chain of a zone: terms of supply, what will sell, what to order."""
    trigger = Daily(at, zone)
    before: str | None = None
    for name, step in _STEPS.items():
        job = Job(f"{name}/{zone}", trigger, _in_zone(zone, step), after=before, is_heavy=True)
        yield job
        before = job.name


def _known(zones: Iterable[str]) -> Iterator[str]:
    for zone in zones:
        try:
            ZoneInfo(zone)
        except (ValueError, ZoneInfoNotFoundError):
            log.error("time_zone_unknown", zone=zone, effect="nothing is planned for its sites")  # noqa: TRY400  the text says it
        else:
            yield zone


def _in_zone(zone: str, step: Planning) -> Callable[[Occasion], Mapping[str, Any]]:
    def run(occasion: Occasion) -> Mapping[str, Any]:
        sites = in_transaction(occasion.source, store.zones).get(zone, [])
        return step(occasion, sites)

    return run


def _settle_counts(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.counting.service import JOB, settle  # noqa: PLC0415  see above

    return settle(occasion.source, JOB, occasion.now)


def _tell_negative(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.counting.negative import JOB, tell_negative  # noqa: PLC0415  see above

    return tell_negative(occasion.source, JOB)


def _deliver_webhooks(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.alerts.webhooks.delivering import deliver_webhooks  # noqa: PLC0415  see above

    return deliver_webhooks(occasion.source, occasion.now)


def _escalate(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.alerts.service import escalate  # noqa: PLC0415  see above

    return escalate(occasion.source, occasion.now)


def _pull_demand(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.demand.sources.pulling import pull_demand  # noqa: PLC0415  see above

    return pull_demand(occasion.source, occasion.now)


def _follow_picks(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.allocation.following import JOB, follow  # noqa: PLC0415  see above

    return in_transaction(occasion.source, lambda conn: follow(conn, JOB, now=occasion.now))


def _keep_claims(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.allocation.following import JOB  # noqa: PLC0415  see above
    from cloud.allocation.upkeep import keep_up  # noqa: PLC0415  see above

    return keep_up(occasion.source, JOB, occasion.now)


def _follow_labels(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.labels.references import JOB, follow  # noqa: PLC0415  see above

    return follow(occasion.source, JOB, occasion.now)


def _tell_stock(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.labels.references import JOB, follow_stock  # noqa: PLC0415  see above

    return follow_stock(occasion.source, JOB, occasion.now)


def _tell_lots(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.labels.references import JOB, follow_lots  # noqa: PLC0415  see above

    return follow_lots(occasion.source, JOB, occasion.now)


def _resolve(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.lots.resolver import RESOLVER, resolve  # noqa: PLC0415  see above

    return resolve(occasion.source, RESOLVER, occasion.now)


def _hold_scanned(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.documents.receiving.holding import JOB, hold_scanned  # noqa: PLC0415  see above

    return hold_scanned(occasion.source, JOB, occasion.now)


def _follow_visits(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.documents.assignments import JOB, follow_open  # noqa: PLC0415  see above

    return follow_open(occasion.source, JOB, occasion.now)


def _follow_recalls(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.lots.domain import JOB  # noqa: PLC0415  see above
    from cloud.lots.following import follow_recalls  # noqa: PLC0415  see above

    return follow_recalls(occasion.source, JOB, occasion.now)


def _watch_expiry(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.lots.damaged import tell_damaged  # noqa: PLC0415  see above
    from cloud.lots.expiry import WATCH, watch_expiry  # noqa: PLC0415  see above
    from cloud.lots.left_expired import tell_left  # noqa: PLC0415  see above

    left = tell_left(occasion.source, WATCH)
    damaged = tell_damaged(occasion.source, WATCH)
    return {**watch_expiry(occasion.source, WATCH, occasion.now), **left, **damaged}


def _watch_doubts(occasion: Occasion) -> Mapping[str, Any]:
    from cloud.units.doubts import JOB, watch_doubts  # noqa: PLC0415  see above

    return watch_doubts(occasion.source, JOB, occasion.now)


def _follow_certificates(directory: Path, account: str, occasion: Occasion) -> Mapping[str, Any]:
    from cloud.gateways.certificates.service import JOB, follow  # noqa: PLC0415  see above

    return follow(occasion.source, JOB, occasion.now, directory=directory, accounts={account})


def _tell_broker(directory: Path, files: BrokerFiles, occasion: Occasion) -> Mapping[str, Any]:
    from cloud.gateways.broker.service import JOB, follow  # noqa: PLC0415  see above

    return follow(occasion.source, JOB, occasion.now, directory=directory, files=files)


def _sign_head(key: Path, occasion: Occasion) -> Mapping[str, Any]:
    from cloud.ledger.heads.service import sign_head  # noqa: PLC0415  see above

    return sign_head(occasion.source, key, occasion.now)


def _prepare(occasion: Occasion, sites: Sequence[str]) -> Mapping[str, Any]:
    from cloud.replenishment.service import prepare  # noqa: PLC0415  see above

    return prepare(occasion.source, PLANNING, occasion.now, occasion.slot, sites=sites)


def _forecast(occasion: Occasion, sites: Sequence[str]) -> Mapping[str, Any]:
    from cloud.forecasting.service import run_all  # noqa: PLC0415  see above

    return run_all(occasion.source, PLANNING, occasion.now, occasion.slot, sites=sites)


def _replenish(occasion: Occasion, sites: Sequence[str]) -> Mapping[str, Any]:
    from cloud.replenishment.service import run_all  # noqa: PLC0415  see above

    return run_all(occasion.source, PLANNING, occasion.now, occasion.slot, sites=sites)


_STEPS: Final[Mapping[str, Planning]] = {
    "parameters": _prepare,
    "forecast": _forecast,
    "replenishment": _replenish,
}
"""The steps of planning, in order."""
