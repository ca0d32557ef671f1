"""What of a supplier or item is too much or too little, and what is inspected: set by people (DOMAIN D4)."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from cloud.db import Connection
from cloud.documents.domain import KEEPERS, READERS, DocumentError
from cloud.documents.receiving import store
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from contracts.base import Code, Site

Percent = Annotated[Decimal, Field(ge=0, le=1000, decimal_places=3, allow_inf_nan=False)]


class RulePaper(BaseModel):
    """A rule of a site: for a supplier, an item, both, or neither; what is left out a wider rule says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site
    supplier: Code | None = None
    item: Code | None = None
    over_percent: Percent | None = None
    short_percent: Annotated[Percent, Field(le=100)] | None = None
    inspects: bool | None = None


class RuleSet(NamedTuple):
    """A rule as it stands."""

    site: str
    supplier: str | None
    item: str | None
    item_name: str | None
    over_percent: Decimal | None
    short_percent: Decimal | None
    inspects: bool | None
    set_by: str
    set_at: datetime


def put_rule(conn: Connection, actor: Actor, paper: RulePaper) -> list[RuleSet]:
    """Set a rule; it holds for receipts from now on.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        paper: The rule.

    Returns:
        The site's rules as they stand.

    Raises:
        NotAllowedError: If the actor may not.
        DocumentError: If there is no such supplier or item.
    """
    actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    item_id = None
    if paper.item is not None:
        found = store.tuples(conn, "canonical_item", item=paper.item)
        if not found:
            raise DocumentError(f"there is no item {paper.item!r}")
        ((item_id,),) = found
    if paper.supplier is not None and not store.tuples(conn, "supplier_is_there", supplier=paper.supplier):
        raise DocumentError(f"there is no supplier {paper.supplier!r}")
    said = paper.model_dump(exclude={"item"})
    store.change(conn, "add_rule", **said, item_id=item_id, actor=actor.id)
    detail = paper.model_dump(mode="json", exclude_none=True)
    subject = f"site:{paper.site}"
    audit(conn, actor.id, "receiving_rule_set", subject, site=paper.site, detail=detail)
    return rules(conn, actor, site=paper.site)


def rules(conn: Connection, actor: Actor, *, site: str) -> list[RuleSet]:
    """List a site's rules.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.

    Returns:
        The latest of each supplier and item.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return store.rows(conn, RuleSet, "rules_set", site=site)
