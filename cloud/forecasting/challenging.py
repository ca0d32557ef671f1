"""Let another method forecast a site beside the one in force, and take over if it is better. Needs numpy."""

from datetime import datetime, timedelta
from typing import Any

from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.forecasting import site_run, store
from cloud.forecasting.domain import UnknownForecastError
from cloud.forecasting.methods import NAMES, method_named
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry.domain import DECIDERS, Because, ModelError, Trained
from cloud.forecasting.registry.duel import duel
from cloud.forecasting.training import program
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


def challenge(
    source: Source, actor: Actor, now: datetime, *, site: str, name: str, processes: int | None = None
) -> dict[str, Any]:
    """Judge another method by the site's own last 13 weeks, record it and the decision.

    Args:
        source: Where connections come from.
        actor: A planner or inventory controller of the site.
        now: The present.
        site: Site id.
        name: Of the method.
        processes: How many work at it; None: as many as pay.

    Returns:
        ``champion`` from now on, ``promoted`` or not, and the evidence.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownForecastError: If the site has no demand.
        ModelError: If there is no such method, it is the champion, or there is no champion yet.
    """
    actor.require(*DECIDERS, site=site)
    if name not in NAMES:
        raise ModelError(f"method {name!r:.80}: expected one of {', '.join(NAMES)}")

    def read(conn: Connection) -> site_run.Inputs:
        act_as(conn, actor)
        places = store.places(conn, sites=[site], now=now)
        if not places or places[0].demand_until is None:
            raise UnknownForecastError(f"there is no demand at site {site!r} to judge methods by")
        champion = registry.champion(conn, site)
        if champion is None or champion.name == name:
            raise ModelError(f"site {site!r}: expected a champion other than {name!r}; run a forecast first")
        last_day = min(places[0].demand_until, places[0].yesterday)
        return site_run.read(conn, site, last_day, late_days=0, now=now)

    inputs = in_transaction(source, read)
    now_planned = site_run.compute(inputs, processes=processes, progress=None)
    method = method_named(name, moves=inputs.moves)
    other = site_run.compute(inputs, processes=processes, progress=None, method=method)
    try:
        verdict = duel(now_planned, other, inputs.likes.prices)
    except ValueError as error:
        raise ModelError(f"site {site!r}: {error}") from error
    trained = Trained(
        name=name,
        trained_from=inputs.last_day - timedelta(days=len(inputs.demand.days) - 1),
        trained_until=inputs.last_day,
        series=len(inputs.demand.items),
        parameters=method.parameters(),
        weights={} if other.said.training is None else other.said.training.weights,
        state=b"" if other.said.training is None else other.said.training.state,
        inputs_sha256=inputs.digest(),
        code_version=program(),
    )

    def write(conn: Connection) -> dict[str, Any]:
        act_as(conn, actor)
        evidence = verdict.told()
        registry.register(conn, actor, None, site, trained, because=Because.CHALLENGE, evidence=evidence)
        champion = registry.decide(conn, actor, None, site, evidence, is_promoted=verdict.is_promoted)
        told = {"version": champion.version_id, "name": champion.name}
        return {"champion": told, "promoted": verdict.is_promoted, "evidence": dict(evidence)}

    return in_transaction(source, write)
