"""One site whose claimed items are locked: what is claimed, and what is claimed in place of what ends."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from cloud.allocation import store
from cloud.allocation.claiming import Wish, claim
from cloud.allocation.domain import ClaimKind, LineName
from cloud.allocation.serving import serve_again, short_by_line
from cloud.allocation.store import LineRow, OpenClaim
from cloud.allocation.taking_back import withdraw
from cloud.db import Connection


@dataclass(frozen=True, slots=True)
class KeptSite:
    """A site whose claimed items are locked."""

    conn: Connection
    by: str
    site: str
    items: Sequence[int]
    lines: Mapping[LineName, LineRow]
    """Those that must leave, of the items that they read as now."""
    now: datetime
    changed: set[str] = field(default_factory=set)
    """Tasks that gateways must be told of."""

    def claims(self) -> list[OpenClaim]:
        """Read all that is claimed."""
        return store.rows(
            self.conn, OpenClaim, "open_claims", site=self.site, items=self.items, document=None
        )


def claim_elsewhere(of: KeptSite, gone: Iterable[tuple[OpenClaim, Decimal]]) -> Mapping[LineName, Decimal]:
    """Claim anew for lines whose claims are gone; those on a task get another.

    Args:
        of: The site.
        gone: Claims that have ended, each with what of it is gone.

    Returns:
        By line what of it nothing covers, with what it missed before.
    """
    on_task: defaultdict[str, set[LineName]] = defaultdict(set)
    on_none = set[LineName]()
    for each, _ in gone:
        (on_none if each.task is None else on_task[each.task]).add(each.name)
    short: dict[LineName, Decimal] = {}
    for task, gateway, wave, to_location in store.tuples(of.conn, "wave_of_task", tasks=sorted(on_task)):
        again = serve_again(
            of.conn,
            site=of.site,
            names=on_task[task],
            gateway=gateway,
            to_location=to_location,
            wave=wave,
            by=of.by,
            now=of.now,
        )
        of.changed.update(again.tasks)
        short |= again.short_of
    if on_none:
        wish = Wish(of.site, lines=frozenset(on_none))
        done = claim(of.conn, wish, kind=ClaimKind.HARD, by=of.by, now=of.now)
        short |= short_by_line(done)
    return short


def end_claims_of(of: KeptSite, ending: Sequence[tuple[OpenClaim, Decimal]], *, because: str) -> None:
    """End claims or parts of them: the rest goes on as a claim of its own.

    Args:
        of: The site.
        ending: Claims, each with what of it ends.
        because: Why, as a stable snake_case word.
    """
    gone = [each._replace(quantity=part) for each, part in ending]
    picked = [each.allocation_id for each in gone if each.kind == ClaimKind.PICKED]
    store.end_claims(of.conn, picked, of.by, because)
    unpicked = [each for each in gone if each.kind != ClaimKind.PICKED]
    of.changed.update(withdraw(of.conn, unpicked, by=of.by, because=because, now=of.now))
    rest = [
        each.going_on(each.quantity - part, ClaimKind(each.kind), each.cell_id)
        for each, part in ending
        if part < each.quantity
    ]
    store.add_claims(of.conn, of.site, rest, of.by)
