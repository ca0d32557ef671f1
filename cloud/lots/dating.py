"""What was said of a lot's dates: by whom, when and why, and what its labels say."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.lots import store
from cloud.lots.label_dates import DatedLot, LabelRow, difference
from cloud.lots.reading import FoundLot, find_lot


class StatementRow(NamedTuple):
    """What somebody said of a lot's dates."""

    statement_id: int
    expiry: str | None
    """``on`` a day, it ``keeps``, ``taken_back``; None: nothing was said of it."""
    expires_on: date | None
    production: str | None
    """``on`` a day, ``taken_back``; None: nothing was said of it."""
    produced_on: date | None
    reason: str | None
    stated_by: str
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class DatesStory:
    """A lot's dates, and where they are from."""

    lot: FoundLot
    dated: DatedLot | None
    """As they hold; None: nobody says any."""
    labels: tuple[LabelRow, ...]
    statements: tuple[StatementRow, ...]
    """The latest first."""

    @property
    def labels_differ(self) -> str | None:
        """In what labels differ from each other, or from what people said, and nobody has answered."""
        found = difference(self.dated, self.labels) if self.dated else None
        return found and found.words

    @property
    def last_statement(self) -> int:
        """Number of the latest; zero: there is none."""
        return self.statements[0].statement_id if self.statements else 0


def story(conn: Connection, actor: Actor, *, item: str, lot: str, limit: int) -> DatesStory:
    """Tell what people and labels say of a lot's dates.

    Args:
        conn: In a transaction.
        actor: Who asks; at which site out of reach a label was scanned is not told.
        item: Its item's code, or that of one that reads as it.
        lot: Its name.
        limit: Most statements to give.

    Returns:
        What they say.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownLotError: If nothing ever named it.
    """
    found = find_lot(conn, actor, item=item, lot=lot)
    named = {"items": [found.item_id], "lots": [found.lot]}
    dated = store.rows(conn, DatedLot, "dated_lots", **named)
    labels = store.rows(conn, LabelRow, "lot_labels_of", **named)
    asked = {"item_id": found.item_id, "lot": found.lot, "limit": limit}
    said = store.rows(conn, StatementRow, "lot_statements", **asked)
    return DatesStory(found, dated[0] if dated else None, tuple(labels), tuple(said))
