"""Choose series to be tried with a model of their own; keep what came of it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from cloud.db import Connection
from cloud.forecasting.chosen import store
from cloud.forecasting.chosen.domain import (
    DECIDERS,
    ChosenError,
    SeriesChoice,
    SeriesModel,
    SeriesRow,
    Standing,
)
from cloud.forecasting.overrides.papers import Note
from cloud.forecasting.registry.store import as_json
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import record_audit
from contracts.base import Code, Site


class ChoicePaper(BaseModel):
    """What somebody says of a series."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site
    item: Code
    choice: Annotated[
        SeriesChoice,
        Field(description="`pinned`: tried whatever its value; `left_out`: never; else by value"),
    ]
    note: Note = ""


class KeptSeries(NamedTuple):
    """What is kept of a series."""

    item_id: int
    name: str
    standing: str
    why: str
    fits: Sequence[Mapping[str, object]]
    evidence: Mapping[str, object]
    judged_until: date


def choose(conn: Connection, actor: Actor, paper: ChoicePaper) -> SeriesRow:
    """Say of a series whether it is tried with a model of its own.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner or inventory controller of the site.
        paper: Which series, and what.

    Returns:
        The series as it stands.

    Raises:
        NotAllowedError: If the actor may not.
        ChosenError: If there is no such site or item.
    """
    actor.require(*DECIDERS, site=paper.site)
    act_as(conn, actor)
    if not store.tuples(conn, "site", site=paper.site):
        raise ChosenError(f"there is no site {paper.site!r}")
    found = store.tuples(conn, "item", item=paper.item)
    if not found:
        raise ChosenError(f"there is no item {paper.item!r}")
    told = {"site": paper.site, "choice": paper.choice.value, "note": paper.note}
    store.tuples(conn, "add_choice", **told, item_id=found[0][0], actor=actor.id)
    record_audit(
        conn,
        actor=actor.id,
        action="series_chosen",
        target=f"series:{paper.site}/{paper.item}",
        site=paper.site,
        detail=paper.model_dump_json(),
    )
    return store.rows(conn, SeriesRow, "series", site=paper.site, item_id=found[0][0])[0]


def choices(conn: Connection, site: str) -> dict[int, SeriesChoice]:
    """Tell what was said of a site's series.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        By item id, merged items as the one they read as.
    """
    return {item_id: SeriesChoice(choice) for item_id, choice in store.tuples(conn, "choices", site=site)}


def kept(conn: Connection, site: str) -> list[KeptSeries]:
    """Give what is kept of a site's series.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        The latest of each.
    """
    return [KeptSeries(*row) for row in store.tuples(conn, "models", site=site)]


def keep(
    conn: Connection,
    actor: Actor,
    run_id: int | None,
    site: str,
    models: Sequence[SeriesModel],
    *,
    judged_until: date,
    inputs_sha256: str,
    code_version: str,
) -> dict[str, int]:
    """Keep what a run found of series.

    Args:
        conn: In a transaction that shows the site, and that the caller commits.
        actor: Whose run it is.
        run_id: Of the run; None: a person asked.
        site: Site id.
        models: What it found.
        judged_until: Last day of the demand.
        inputs_sha256: Hash of what it rests on.
        code_version: Of the program.

    Returns:
        How many are in each standing.
    """
    told = dict.fromkeys((one.value for one in Standing), 0)
    for model in models:
        told[model.standing.value] += 1
        store.change(
            conn,
            "add_model",
            site=site,
            item_id=model.item_id,
            run_id=run_id,
            name=model.name,
            standing=model.standing.value,
            why=model.why,
            fits=as_json(list(model.fits)),
            evidence=as_json(model.evidence),
            judged_until=judged_until,
            inputs_sha256=inputs_sha256,
            code_version=code_version,
            actor=actor.id,
        )
    return told
