"""Keep versions of models: trained, skipped, challenged, promoted, each with its evidence, and audited."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from cloud.db import Connection
from cloud.forecasting.registry import store
from cloud.forecasting.registry.domain import (
    DECIDERS,
    STATES_KEPT,
    Because,
    Due,
    ModelError,
    ModelRole,
    NoChallengerError,
    Trained,
    UnknownModelError,
    Version,
    due,
)
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import record_audit


@dataclass(frozen=True, slots=True)
class Happened:
    """What was decided on a version."""

    site: str
    version_id: int | None
    run_id: int | None
    kind: str
    because: str


def champion(conn: Connection, site: str, role: ModelRole = ModelRole.CHAMPION) -> Version | None:
    """Give the version that forecasts at a site, or the latest one in another role.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        role: Which.

    Returns:
        The version, or None.
    """
    found = store.versions(conn, site=site, role=role, limit=1)
    return found[0] if found else None


def retrain_due(
    conn: Connection,
    site: str,
    *,
    name: str,
    last_day: date,
    code_version: str,
    is_drifting: bool = False,
    evidence: Mapping[str, Any] | None = None,
) -> Due:
    """Decide whether a site's model is trained anew.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        name: Of the model that is to forecast.
        last_day: Last day whose demand is known.
        code_version: Of the program, as far as it changes what training gives.
        is_drifting: Whether more forecasts are odd than chance explains.
        evidence: What is known of that.

    Returns:
        The reason, or that it is not due, with what that rests on.
    """
    return due(
        champion(conn, site),
        name=name,
        last_day=last_day,
        code_version=code_version,
        is_drifting=is_drifting,
        evidence=evidence or {},
    )


def skip(conn: Connection, actor: Actor, run_id: int | None, site: str, found: Due) -> None:
    """Keep that a model was not trained anew, and why.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who runs it.
        run_id: Of the run that asked.
        site: Site id.
        found: Not due; or due, and what takes long to learn is learned by the next run.
    """
    because = "not_due" if found.because is None else "next_run"
    happened = Happened(site, found.parent_id, run_id, "retrain_skipped", because)
    _tell(conn, actor, happened, found.evidence)


def tell(
    conn: Connection,
    actor: Actor,
    run_id: int | None,
    site: str,
    *,
    kind: str,
    because: str,
    evidence: Mapping[str, Any],
) -> None:
    """Keep that something happened to a site's models that is no version's.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who found it.
        run_id: Of the run that did.
        site: Site id.
        kind: As the database names it: ``fell_back``, ``not_held``, ``series_judged``, ``ablated``.
        because: Why, in a word.
        evidence: What there is to tell.
    """
    _tell(conn, actor, Happened(site, None, run_id, kind, because), evidence)


def register(
    conn: Connection,
    actor: Actor,
    run_id: int | None,
    site: str,
    trained: Trained,
    *,
    because: Because,
    evidence: Mapping[str, Any] | None = None,
) -> int:
    """Keep what came of training: a new champion, or a challenger beside the one there is.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who trained it.
        run_id: Of the run that did.
        site: Site id.
        trained: What came of it.
        because: Why; `CHALLENGE` makes it a challenger.
        evidence: What that rests on.

    Returns:
        The version's number.

    Raises:
        ModelError: If a challenger has nobody to challenge.
    """
    store.tuples(conn, "hold_site", site=site)
    parent = champion(conn, site)
    role = ModelRole.CHALLENGER if because is Because.CHALLENGE else ModelRole.CHAMPION
    if role is ModelRole.CHALLENGER and parent is None:
        raise ModelError(f"model {trained.name!r} has no champion to challenge at site {site!r}")
    store.change(conn, "retire", site=site, role=role.value)
    columns = {**asdict(trained), "state": trained.state or None}
    columns["parameters"], columns["weights"] = (
        store.as_json(trained.parameters),
        store.as_json(trained.weights),
    )
    ((number,),) = store.tuples(
        conn,
        "add_version",
        **columns,
        site=site,
        role=role.value,
        parent_id=parent.version_id if parent else None,
        run_id=run_id,
        because=because.value,
        state_sha256=hashlib.sha256(trained.state).hexdigest(),
        state_bytes=len(trained.state),
    )
    store.change(conn, "forget_states", site=site, keep=STATES_KEPT)
    kind = "challenged" if role is ModelRole.CHALLENGER else "trained"
    _tell(conn, actor, Happened(site, number, run_id, kind, because.value), evidence or {})
    return int(number)


def decide(
    conn: Connection,
    actor: Actor,
    run_id: int | None,
    site: str,
    evidence: Mapping[str, Any],
    *,
    against: int | None,
    is_promoted: bool,
) -> Version:
    """Let the challenger take over, or keep the champion, as backtest and simulated stock cost say.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who decides: the run.
        run_id: Of the run.
        site: Site id.
        evidence: As `contest.Verdict` tells it.
        against: Version that it was held against.
        is_promoted: As it says.

    Returns:
        The champion from now on.

    Raises:
        ModelError: If there is no challenger, another version forecasts than it was held against, or the
            evidence says otherwise.
    """
    require_champion(conn, site, against)
    challenger, now = champion(conn, site, ModelRole.CHALLENGER), champion(conn, site)
    if challenger is None or now is None:
        raise ModelError(f"site {site!r} has no challenger to decide on")
    if evidence.get("is_promoted") is not is_promoted:
        raise ModelError(f"is_promoted {is_promoted}: expected what the evidence says")
    if is_promoted:
        store.change(conn, "retire", site=site, role=ModelRole.CHAMPION.value)
        store.change(conn, "promote", version_id=challenger.version_id)
    kind = "promoted" if is_promoted else "kept"
    because = "better_by_error_and_cost" if is_promoted else "not_better_by_both"
    told = {**evidence, "champion": now.version_id, "challenger": challenger.version_id}
    _tell(conn, actor, Happened(site, challenger.version_id, run_id, kind, because), told)
    return champion(conn, site) or now


def require_champion(conn: Connection, site: str, version_id: int | None) -> None:
    """Let a decision go on only as long as the version that it was measured against forecasts.

    Args:
        conn: In a transaction that shows the site; until its end nobody else changes the site's versions.
        site: Site id.
        version_id: It.

    Raises:
        ModelError: If another one does by now.
    """
    store.tuples(conn, "hold_site", site=site)
    now = champion(conn, site)
    if now is None or now.version_id != version_id:
        by_now = "none does" if now is None else f"version {now.version_id} ({now.name}) forecasts"
        raise ModelError(
            f"site {site!r}: the contest was held against version {version_id}, and {by_now} by now: "
            "hold it again"
        )


def withdraw(conn: Connection, actor: Actor, version_id: int, *, note: str = "") -> Version:
    """Take a challenger out of the contest.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner or inventory controller of its site.
        version_id: Which.
        note: Why.

    Returns:
        The version, retired.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownModelError: If the actor's sites hold no such version.
        NoChallengerError: If it is no challenger.
    """
    within = actor.narrowed(*DECIDERS)
    act_as(conn, within)
    found = version(conn, version_id)
    actor.require(*DECIDERS, site=found.site)
    store.tuples(conn, "hold_site", site=found.site)
    found = version(conn, version_id)
    if found.role != ModelRole.CHALLENGER:
        raise NoChallengerError(f"version {version_id} is {found.role}: expected a challenger")
    store.change(conn, "withdraw_version", version_id=version_id)
    _tell(conn, actor, Happened(found.site, version_id, None, "withdrawn", "asked"), {"note": note})
    return version(conn, version_id)


def version(conn: Connection, version_id: int) -> Version:
    """Give a version that the session's sites must hold.

    Args:
        conn: In a transaction that shows the actor's sites.
        version_id: Which.

    Returns:
        The version.

    Raises:
        UnknownModelError: If they do not.
    """
    found = store.versions(conn, version_id=version_id, limit=1)
    if not found:
        raise UnknownModelError(f"there is no model version {version_id} at your sites")
    return found[0]


def state_of(conn: Connection, version_id: int) -> bytes | None:
    """Give the state of a version.

    Args:
        conn: In a transaction that shows its site.
        version_id: Which.

    Returns:
        As the engine wrote it; None if it was forgotten, or there is none.
    """
    found = store.tuples(conn, "state", version_id=version_id)
    return bytes(found[0][0]) if found and found[0][0] is not None else None


def _tell(conn: Connection, actor: Actor, happened: Happened, evidence: Mapping[str, Any]) -> None:
    text = store.as_json(evidence)
    store.change(conn, "add_event", **asdict(happened), evidence=text, actor=actor.id)
    if happened.kind != "retrain_skipped":
        detail = store.as_json({"because": happened.because, "run": happened.run_id, **evidence})
        record_audit(
            conn,
            actor=actor.id,
            action=f"model_{happened.kind}",
            target=f"model_version:{happened.version_id or happened.site}",
            site=happened.site,
            detail=detail,
        )
