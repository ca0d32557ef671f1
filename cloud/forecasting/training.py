"""What the combination of a site has learned: taken from the registry before a run, kept in it after one."""

from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from typing import Any, NamedTuple

from cloud.db import Connection
from cloud.forecasting.combining import Combination
from cloud.forecasting.methods import NAMES
from cloud.forecasting.protocol import Training
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry.domain import Trained
from cloud.identity.actor import Actor


class InForceTraining(NamedTuple):
    """The training that a site is forecast with."""

    version_id: int | None
    """In the registry; None: there is none, or another release made it."""
    state: bytes | None
    name: str | None = None
    """Of the method; None: nothing was decided."""


def training_in_force(conn: Connection, site: str) -> InForceTraining:
    """Give the training that a site is forecast with.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        The champion of the registry, as far as this program can use it: of another release its method
        without what it learned.
    """
    champion = registry.champion(conn, site)
    if champion is None:
        return InForceTraining(None, None)
    if champion.code_version != program():
        return InForceTraining(None, None, champion.name if champion.name in NAMES else None)
    return InForceTraining(champion.version_id, registry.state_of(conn, champion.version_id), champion.name)


def keep_training(
    conn: Connection,
    actor: Actor,
    run_id: int,
    site: str,
    learned: Training | None,
    *,
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
        learned: What came of it; None: the method has nothing to keep.
        days: First and last of the demand it was learned from.
        series: How many it was learned from.
        digest: Hash of the inputs.
        reviews: What the run tells of odd forecasts.

    Returns:
        The version in force from the next run on, and why it is a new one.
    """
    if learned is None:
        return {}
    now = registry.champion(conn, site)
    if now is not None and now.name in NAMES and now.name != Combination.name:
        return {"version": now.version_id}  # another method was promoted while this run computed
    found = registry.retrain_due(
        conn,
        site,
        name=Combination.name,
        last_day=days[1],
        code_version=program(),
        is_drifting=bool(reviews.get("is_drifting")),
        evidence=dict(reviews),
    )
    if found.because is None:
        registry.skip(conn, actor, run_id, site, found)
        return {"version": found.parent_id}
    kept = Trained(
        name=Combination.name,
        trained_from=days[0],
        trained_until=days[1],
        series=series,
        parameters=Combination().parameters(),
        weights=learned.weights,
        state=learned.state,
        inputs_sha256=digest,
        code_version=program(),
    )
    number = registry.register(
        conn, actor, run_id, site, kept, because=found.because, evidence=found.evidence
    )
    return {"version": number, "because": found.because.value}


def program() -> str:
    """Name the release, and what of it a training can be used by.

    Returns:
        The name, as versions carry it.
    """
    return f"{version('dockledger')}+{Combination().revision}"
