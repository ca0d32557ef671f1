"""What people set for planning, how often to look and how surely to serve; and what is in force."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from cloud.replenishment import store
from cloud.replenishment.domain import READERS, ReplenishmentError, TargetKind
from cloud.replenishment.store import ParameterRow
from contracts.base import Code, Site

MAY_SET: Final = (Role.PLANNER,)
HIGHEST_TARGET: Final = 0.995
"""A forecast's quantiles end there."""


class PolicyPaper(BaseModel):
    """For a site, or for one item there; what is left out falls back to the site's, then to the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site
    item: Code | None = None
    review_days: Annotated[int, Field(ge=1, le=91)] | None = None
    target_kind: TargetKind | None = None
    target: Annotated[float, Field(gt=0, le=HIGHEST_TARGET, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if (self.target is None) != (self.target_kind is None):
            raise ValueError(
                f"target {self.target} of kind {self.target_kind}: expected both, or neither: "
                "95 % of cycles and 95 % of units are different things"
            )
        if self.target is None and self.review_days is None and self.item is None:
            raise ValueError("expected review_days, or a target with its kind")
        return self


def set_policy(conn: Connection, actor: Actor, paper: PolicyPaper) -> None:
    """Set what holds from the next run on.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner of the site.
        paper: The policy; for an item without values the site's holds again.

    Raises:
        NotAllowedError: If the actor may not.
        ReplenishmentError: If there is no such site or item.
    """
    actor.require(*MAY_SET, site=paper.site)
    act_as(conn, actor)
    if not store.tuples(conn, "site_exists", site=paper.site):
        raise ReplenishmentError(f"there is no site {paper.site!r}")
    item_id = None
    if paper.item is not None:
        found = store.tuples(conn, "item_id", item=paper.item)
        if not found:
            raise ReplenishmentError(f"there is no item {paper.item!r}")
        item_id = found[0][0]
    stated = paper.model_dump(mode="json")
    store.change(conn, "add_policy", **stated, item_id=item_id, actor=actor.id)
    subject = f"replenishment_policy:{paper.site}/{paper.item or ''}"
    audit(conn, actor.id, "replenishment_policy_set", subject, site=paper.site, detail=stated)


def parameters(
    conn: Connection, actor: Actor, *, site: str, item: str | None = None, after: int = 0, limit: int
) -> list[ParameterRow]:
    """List the planning parameters in force, with what of them was default.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        item: Only of this item.
        after: Item number of the last one of the page before.
        limit: Most to give.

    Returns:
        Parameters by item.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return store.rows(conn, ParameterRow, "parameters", site=site, item=item, after=after, limit=limit)
