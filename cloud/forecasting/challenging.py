"""Let another method forecast a site beside the one in force, and take over if it is better. Needs numpy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.forecasting import site_run, store
from cloud.forecasting.domain import METHODS, UnknownForecastError
from cloud.forecasting.engine import Plan
from cloud.forecasting.methods import method_named
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry.domain import DECIDERS, Because, ModelError, Trained
from cloud.forecasting.registry.duel import duel
from cloud.forecasting.training import program
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


@dataclass(frozen=True, slots=True)
class Held:
    """A contest that was held, and not decided on yet."""

    site: str
    against: int | None
    """Version that forecasts."""
    challenger: Trained
    evidence: Mapping[str, Any]
    is_promoted: bool


def challenge(
    source: Source, actor: Actor, now: datetime, *, site: str, name: str, processes: int | None = None
) -> dict[str, Any]:
    """Judge another method by the site's own last 26 weeks, record it and the decision.

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
        ModelError: If there is no such method, it is the champion, there is no champion yet, it cannot be
            computed here, or another version became the champion while the contest was held.
    """
    actor.require(*DECIDERS, site=site)
    if name not in METHODS:
        raise ModelError(f"method {name!r:.80}: expected one of {', '.join(METHODS)}")

    def read(conn: Connection) -> site_run.Inputs:
        act_as(conn, actor)
        found = inputs_of(conn, site, now)
        champion = registry.champion(conn, site)
        if champion is None or champion.name == name:
            raise ModelError(f"site {site!r}: expected a champion other than {name!r}; run a forecast first")
        return found

    inputs = in_transaction(source, read)
    planned = site_run.compute(inputs, processes=processes, progress=None)
    held = hold(inputs, planned, name, processes=processes)

    def write(conn: Connection) -> dict[str, Any]:
        act_as(conn, actor)
        return settle(conn, actor, None, held)

    return in_transaction(source, write)


def inputs_of(conn: Connection, site: str, now: datetime) -> site_run.Inputs:
    """Read what a site's methods are judged by.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        now: The present.

    Returns:
        The inputs of a run, were it now.

    Raises:
        UnknownForecastError: If the site has no demand.
    """
    places = store.places(conn, sites=[site], now=now)
    if not places or places[0].demand_until is None:
        raise UnknownForecastError(f"there is no demand at site {site!r} to judge methods by")
    last_day = min(places[0].demand_until, places[0].yesterday)
    return site_run.read(conn, site, last_day, late_days=0, now=now)


def hold(inputs: site_run.Inputs, champion: Plan, name: str, *, processes: int | None) -> Held:
    """Let another method forecast what the champion forecast, and judge both.

    Args:
        inputs: What the champion's plan rests on.
        champion: The plan.
        name: Of the other method.
        processes: How many work at it; None: as many as pay.

    Returns:
        The contest, to be settled.

    Raises:
        ModelError: If there is nothing to judge yet, or the method cannot be computed here.
    """
    method = method_named(name, moves=inputs.moves)
    other = site_run.compute(inputs, processes=processes, progress=None, method=method)
    # What is left out of the champion's forecasts too, as the model of a single series, hinders no contest.
    if missing := [why for why in other.said.fallbacks if why not in champion.said.fallbacks]:
        raise ModelError(f"site {inputs.site!r}: {name} cannot challenge: {'; '.join(missing)}")
    try:
        verdict = duel(champion, other, inputs.policies, inputs.likes.prices)
    except ValueError as error:
        raise ModelError(f"site {inputs.site!r}: {error}") from error
    learned = other.said.training
    trained = Trained(
        name=name,
        trained_from=inputs.last_day - timedelta(days=len(inputs.demand.days) - 1),
        trained_until=inputs.last_day,
        series=len(inputs.demand.items),
        parameters={**method.parameters(), **({} if learned is None else learned.told)},
        weights={} if learned is None else learned.weights,
        state=b"" if learned is None else learned.state,
        inputs_sha256=inputs.digest(),
        code_version=program(name),
    )
    evidence = {**verdict.told(), "policies": inputs.policies.told()}
    return Held(inputs.site, inputs.training.champion_id, trained, evidence, verdict.is_promoted)


def settle(conn: Connection, actor: Actor, run_id: int | None, held: Held) -> dict[str, Any]:
    """Record a contest and what it decides.

    Args:
        conn: In a transaction that shows the site.
        actor: Who held it.
        run_id: Of the run that did; None: a person asked.
        held: The contest.

    Returns:
        ``champion`` from now on, ``promoted`` or not, and the evidence.

    Raises:
        ModelError: If another version forecasts by now than it was held against; nothing is recorded.
    """
    registry.require_champion(conn, held.site, held.against)
    registry.register(
        conn, actor, run_id, held.site, held.challenger, because=Because.CHALLENGE, evidence=held.evidence
    )
    champion = registry.decide(
        conn, actor, run_id, held.site, held.evidence, against=held.against, is_promoted=held.is_promoted
    )
    told = {"version": champion.version_id, "name": champion.name}
    return {"champion": told, "promoted": held.is_promoted, "evidence": dict(held.evidence)}
