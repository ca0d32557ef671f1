"""How a site is told of odd forecasts: the share, the most a week, the owner and the due time."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cloud.db import Connection
from cloud.forecasting.reviewing import store
from cloud.forecasting.reviewing.domain import MAY_SET, USUAL_DUE_DAYS, USUAL_NOMINAL, ReviewError, Setting
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import record_audit
from contracts.base import Site


class SettingPaper(BaseModel):
    """How a site wants to be told; what is left out falls back to the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site
    nominal: Annotated[
        Decimal, Field(gt=0, le=Decimal("0.5"), max_digits=6, decimal_places=5, allow_inf_nan=False)
    ] = USUAL_NOMINAL
    most_per_week: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    owner: Annotated[str, Field(pattern=r"^(user|key):[^\x00-\x1f\x7f]{1,64}$")] | None = None
    due_days: Annotated[int, Field(ge=1, le=90)] = USUAL_DUE_DAYS


def put_setting(conn: Connection, actor: Actor, paper: SettingPaper) -> Setting:
    """Say how a site wants to be told, from the next review on.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner or inventory controller of the site.
        paper: The wish.

    Returns:
        What holds now.

    Raises:
        NotAllowedError: If the actor may not.
        ReviewError: If there is no such site.
    """
    actor.require(*MAY_SET, site=paper.site)
    act_as(conn, actor)
    columns = paper.model_dump()
    if not store.change(conn, "put_setting", **columns, actor=actor.id):
        raise ReviewError(f"there is no site {paper.site!r}")
    detail = paper.model_dump_json()
    target = f"forecast_review_setting:{paper.site}"
    record_audit(
        conn, actor=actor.id, action="forecast_review_set", target=target, site=paper.site, detail=detail
    )
    return setting_of(conn, paper.site)


def setting_of(conn: Connection, site: str) -> Setting:
    """Give how a site is told.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        What was set, or the defaults.
    """
    found = store.rows(conn, Setting, "setting", site=site)
    return found[0] if found else Setting(site)
