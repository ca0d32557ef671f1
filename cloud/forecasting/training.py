"""What the combination of a site has learned: taken from the registry before a run, kept in it after one."""

from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from typing import Any, NamedTuple

from cloud.db import Connection
from cloud.forecasting.combining import BOOSTED, Combination
from cloud.forecasting.domain import METHODS
from cloud.forecasting.methods import LEARNING
from cloud.forecasting.protocol import Method, Training
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry import store
from cloud.forecasting.registry.domain import RETRAIN_DAYS, Trained
from cloud.identity.actor import Actor


class InForceTraining(NamedTuple):
    """The training that a site is forecast with."""

    version_id: int | None
    """In the registry; None: there is none, or another release made it."""
    state: bytes | None
    name: str | None = None
    """Of the method; None: nothing was decided."""
    champion_id: int | None = None
    """The champion of the registry, whoever made it."""
    is_due: bool = True
    """Whether a training is due: it is old, or forecasts have drifted since."""


def training_in_force(conn: Connection, site: str, last_day: date) -> InForceTraining:
    """Give the training that a site is forecast with.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        last_day: Last day whose demand is known.

    Returns:
        The champion of the registry, as far as this program can use it: of another release its method
        without what it learned.
    """
    champion = registry.champion(conn, site)
    if champion is None:
        return InForceTraining(None, None)
    name = champion.name if champion.name in METHODS else None
    if champion.code_version != program(name):
        return InForceTraining(None, None, name, champion.version_id)
    has_drifted = bool(store.tuples(conn, "drifted_since", site=site, since=champion.trained_until))
    is_old = (last_day - champion.trained_until).days >= RETRAIN_DAYS
    state = registry.state_of(conn, champion.version_id)
    return InForceTraining(
        champion.version_id, state, name, champion.version_id, is_due=is_old or has_drifted
    )


def keep_training(
    conn: Connection,
    actor: Actor,
    run_id: int,
    site: str,
    *,
    method: Method,
    learned: Training | None,
    days: tuple[date, date],
    series: int,
    digest: str,
    reviews: Mapping[str, Any],
) -> dict[str, Any]:
    """Keep what a run learned if it is time or forecasts drift; else that it was not, and why.

    Args:
        conn: In the transaction that finishes the run.
        actor: Whose run it is.
        run_id: Of the run.
        site: Site id.
        method: That forecast.
        learned: What came of it; None: the method has nothing to keep, or did not learn anew.
        days: First and last of the demand it was learned from.
        series: How many it was learned from.
        digest: Hash of the inputs.
        reviews: What the run tells of odd forecasts.

    Returns:
        The version in force from the next run on, and why it is a new one.
    """
    if method.name not in LEARNING:
        return {}
    now = registry.champion(conn, site)
    if now is not None and now.name in METHODS and now.name != method.name:
        return {"version": now.version_id}  # another method was promoted while this run computed
    has_drifted = now is not None and bool(
        store.tuples(conn, "drifted_since", site=site, since=now.trained_until)
    )
    found = registry.retrain_due(
        conn,
        site,
        name=method.name,
        last_day=days[1],
        code_version=program(method.name),
        is_drifting=bool(reviews.get("is_drifting")) or has_drifted,
        evidence=dict(reviews),
    )
    if found.because is None or learned is None:
        registry.skip(conn, actor, run_id, site, found)
        return {"version": found.parent_id}
    kept = Trained(
        name=method.name,
        trained_from=days[0],
        trained_until=days[1],
        series=series,
        parameters={**method.parameters(), **learned.told},
        weights=learned.weights,
        state=learned.state,
        inputs_sha256=digest,
        code_version=program(method.name),
    )
    number = registry.register(
        conn, actor, run_id, site, kept, because=found.because, evidence=found.evidence
    )
    return {"version": number, "because": found.because.value}


def program(name: str | None = None) -> str:
    """Name the release, and what of it a training can be used by.

    Args:
        name: Of the method; None, and one that learns nothing: as the combination.

    Returns:
        The name, as versions carry it.
    """
    return f"{version('dockledger')}+{Combination(is_boosted=name == BOOSTED).revision}"
