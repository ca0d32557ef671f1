"""Open lines, as the actor's sites show them."""

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import READERS
from cloud.documents.lines import LineNow
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


def open_lines_page(
    conn: Connection,
    actor: Actor,
    *,
    kind: str,
    site: str | None = None,
    after: tuple[str, str, int] = ("", "", 0),
    limit: int,
) -> list[LineNow]:
    """List lines of which something is open, by site, document and order.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        kind: Type of the documents.
        site: Only of this site.
        after: Site, document and ordinal of the last one of the page before.
        limit: Most to give.

    Returns:
        The lines.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    keys = dict(zip(("after_site", "after_id", "after_ordinal"), after, strict=True))
    sites = [site] if site else within.reach
    return store.rows(conn, LineNow, "open_lines_page", sites=sites, type=kind, limit=limit, **keys)
