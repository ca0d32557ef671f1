"""Stock that is there when the ledger begins, each cell once (DOMAIN D8)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import orjson

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import KEEPERS, OPENING_CLAIM, ConflictingDocumentError
from cloud.documents.lines import goods_of
from cloud.documents.papers import OpeningPaper
from cloud.documents.statements import opening_statements
from cloud.identity.actor import Actor
from cloud.ledger.domain import Claim, PostingKind
from cloud.ledger.service import post
from cloud.master.domain import identifier_key


def post_opening(conn: Connection, actor: Actor, papers: Sequence[OpeningPaper], *, now: datetime) -> int:
    """Post what was in places and units at the cut-over, as one posting.

    Entries of one cell in one unit of measure are added up. A cell that was opened before stays as it is: the
    same quantity again changes nothing, another one is refused.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of every site named.
        papers: What is there.
        now: The cut-over.

    Returns:
        How many cells were opened now.

    Raises:
        NotAllowedError: If the actor may not.
        ConflictingDocumentError: Naming the cells that were opened with another quantity.
    """
    actor.require(*KEEPERS)
    for site in {paper.site for paper in papers}:
        actor.require(*KEEPERS, site=site)
    cells = _summed(papers)
    claims = {cell: f"{cell} = {paper.quantity.normalize():f}" for cell, paper in cells.items()}
    made = store.settled(conn, OPENING_CLAIM, [*claims, *claims.values()])
    other = [cell for cell in claims if cell in made and claims[cell] not in made]
    if other:
        raise ConflictingDocumentError(
            "\n".join(f"opening stock {cell} was posted with another quantity" for cell in other)
        )
    fresh = {cell: paper for cell, paper in cells.items() if cell not in made}
    if fresh:
        keys = {identifier_key(paper.identifier) for paper in fresh.values()}
        goods_of(conn, (key for key in keys if key[0] == "sku"))  # an item's code names it from here on
        statements = opening_statements(list(fresh.values()), actor.id, now)
        targets = [*fresh, *(claims[cell] for cell in fresh)]
        asserted = [Claim(OPENING_CLAIM, target) for target in targets]
        post(conn, actor, kind=PostingKind.IMPORT, statements=statements, claims=asserted)
    return len(fresh)


def _summed(papers: Sequence[OpeningPaper]) -> dict[str, OpeningPaper]:
    cells: dict[str, OpeningPaper] = {}
    for paper in papers:
        cell = _cell(paper)
        before = cells[cell].quantity if cell in cells else Decimal(0)
        cells[cell] = paper.model_copy(update={"quantity": before + paper.quantity})
    return cells


def _cell(paper: OpeningPaper) -> str:
    name = paper.identifier
    place = [paper.site, paper.location, paper.unit]
    return orjson.dumps([*place, name.scheme, name.value, paper.unit_seen, paper.lot]).decode()
