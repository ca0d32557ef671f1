"""Who challenges a site's method, how often, and which series are tried with models of their own."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cloud.db import Connection
from cloud.forecasting.domain import METHODS
from cloud.forecasting.registry import store
from cloud.forecasting.registry.domain import DECIDERS, ModelError
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import record_audit
from contracts.base import Site

USUAL_EVERY_DAYS: Final = 28
USUAL_BUDGET_S: Final = 120
SERIES: Final = "series"
"""Stands for the contest of single series beside those of methods."""


class ModelSettingPaper(BaseModel):
    """Who challenges at a site; what is left out falls back to the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site
    challengers: Annotated[
        tuple[str, ...],
        Field(max_length=len(METHODS), description="Methods that nightly runs hold a contest for"),
    ] = ()
    every_days: Annotated[int, Field(ge=7, le=364)] = USUAL_EVERY_DAYS
    series_by_value: Annotated[
        int, Field(ge=0, le=500, description="So many of the most valuable series are tried with ARIMA")
    ] = 0
    budget_s: Annotated[int, Field(ge=1, le=3600, description="Processor time of fitting them in a run")] = (
        USUAL_BUDGET_S
    )

    @field_validator("challengers")
    @classmethod
    def _are_methods(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in METHODS:
                raise ValueError(f"method {name!r:.80}: expected some of {', '.join(METHODS)}")
        return tuple(sorted(set(value)))


@dataclass(frozen=True, slots=True)
class ModelSetting:
    """What holds at a site."""

    site: str
    challengers: tuple[str, ...] = ()
    every_days: int = USUAL_EVERY_DAYS
    series_by_value: int = 0
    budget_s: int = USUAL_BUDGET_S
    set_by: str | None = None
    set_at: datetime | None = None


def put_setting(conn: Connection, actor: Actor, paper: ModelSettingPaper) -> ModelSetting:
    """Say who challenges at a site, from the next run on.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner or inventory controller of the site.
        paper: The wish.

    Returns:
        What holds now.

    Raises:
        NotAllowedError: If the actor may not.
        ModelError: If there is no such site.
    """
    actor.require(*DECIDERS, site=paper.site)
    act_as(conn, actor)
    columns = paper.model_dump() | {"challengers": list(paper.challengers)}
    if not store.change(conn, "put_setting", **columns, actor=actor.id):
        raise ModelError(f"there is no site {paper.site!r}")
    record_audit(
        conn,
        actor=actor.id,
        action="model_setting_set",
        target=f"model_setting:{paper.site}",
        site=paper.site,
        detail=paper.model_dump_json(),
    )
    return setting_of(conn, paper.site)


def setting_of(conn: Connection, site: str) -> ModelSetting:
    """Give what holds at a site.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        What was set, or the defaults: nobody challenges.
    """
    for row in store.tuples(conn, "setting", site=site):
        return ModelSetting(row[0], tuple(row[1]), *row[2:])
    return ModelSetting(site)


def contests_due(conn: Connection, setting: ModelSetting, today: date) -> tuple[str, ...]:
    """Tell which contests are due.

    Args:
        conn: In a transaction that shows the site.
        setting: Of the site.
        today: The present.

    Returns:
        Names of methods, and `SERIES`: those of whom none was held, or tried to be, within the days set.
    """
    held = dict(store.tuples(conn, "last_contests", site=setting.site))
    return tuple(
        name
        for name in (*setting.challengers, SERIES)
        if name not in held or (today - held[name]).days >= setting.every_days
    )
