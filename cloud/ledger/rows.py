"""Named entries in, one tuple per table row out, in the order of the table's columns; pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from cloud.ledger.entries import Entry, Gateways
from cloud.ledger.naming import Names, counted_lines
from cloud.master.domain import UNIT_SITE, UnresolvableError
from contracts.base import epoch_to_int
from contracts.records import Count, Crossing, Gap, Movement, UnitPosition, WorkflowEvent

_IDENTITY: Final = ("gateway_id", "epoch", "seq", "occurred_at", "posting_id", "site_id")
_ENDING: Final = ("occurred_at_claimed", "time_basis", "detail")
_IN_COLUMNS: Final = frozenset({"kind", "seq", "occurred_at_claimed"})


@dataclass(frozen=True, slots=True)
class Table:
    """Where one kind of record is stored."""

    name: str
    columns: tuple[str, ...]
    in_columns: frozenset[str]
    """Fields of the record that have columns; the others go to ``detail`` as they were sent."""


MOVEMENT: Final = Table(
    "movement",
    (*_IDENTITY, "item_id", "from_cell", "to_cell", "quantity", "identifier_scheme", "identifier",
     "quantity_seen", "unit_seen", "reason", "reverses_gateway", "reverses_epoch", "reverses_seq",
     "adjustment_id", *_ENDING),
    _IN_COLUMNS | {"identifier", "quantity_seen", "unit_seen", "source", "destination", "reason", "reverses"},
)  # fmt: skip
UNIT_POSITION: Final = Table(
    "unit_position",
    (*_IDENTITY, "unit_id", "location_id", "parent_id", "from_location_id", *_ENDING),
    _IN_COLUMNS | {"unit", "location", "parent", "from_location"},
)
CROSSING: Final = Table(
    "crossing",
    (*_IDENTITY, "portal", "epc", "direction", "first_seen_at", "reads", "posted", "visit", *_ENDING),
    _IN_COLUMNS | {"portal", "epc", "direction", "first_seen_at", "reads", "posted", "visit"},
)
COUNT: Final = Table(
    "count",
    (*_IDENTITY, "scope", "location_id", "count_task", "is_blind", "clock_uncertainty_s", *_ENDING),
    _IN_COLUMNS
    | {"scope", "location", "lines", "zero_confirmed", "count_task", "blind", "clock_uncertainty_s"},
)
COUNT_LINE: Final = Table(
    "count_line",
    ("gateway_id", "epoch", "seq", "occurred_at", "posting_id", "line_no", "item_id", "cell_id", "quantity",
     "is_confirmed_zero", "identifier_scheme", "identifier", "quantity_seen", "unit_seen", "detail"),
    frozenset(),
)  # fmt: skip
WORKFLOW_EVENT: Final = Table(
    "workflow_event",
    (*_IDENTITY, "workflow", "step", "outcome", *_ENDING),
    _IN_COLUMNS | {"workflow", "step", "outcome"},
)
GAP: Final = Table(
    "gap",
    (*_IDENTITY, "gap_device", "from_at", "to_at", "cause", *_ENDING),
    _IN_COLUMNS | {"gap_device", "from_at", "to_at", "cause"},
)
TABLES: Final = (MOVEMENT, UNIT_POSITION, CROSSING, COUNT, COUNT_LINE, WORKFLOW_EVENT, GAP)
"""In the order in which they are written; a count before its lines."""

TABLE_OF_KIND: Final = {
    "movement": MOVEMENT,
    "unit_position": UNIT_POSITION,
    "crossing": CROSSING,
    "count": COUNT,
    "workflow_event": WORKFLOW_EVENT,
    "gap": GAP,
}

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Renderer:
    """Writes entries as rows of one posting."""

    posting_id: int
    names: Names
    gateways: Gateways
    adjustment_id: int | None = None
    """The count's adjustment that the posting's movements belong to."""

    def row(self, entry: Entry) -> Row:
        """Write an entry as a row of its table.

        Args:
            entry: With every name resolved.

        Returns:
            Values in the order of the table's columns.

        Raises:
            UnresolvableError: If it reverses a row of an unknown gateway.
        """
        record, table = entry.row.record, TABLE_OF_KIND[entry.row.record.kind]
        detail = record.__pydantic_serializer__.to_json(
            record, exclude=set(table.in_columns), exclude_defaults=True, by_alias=True
        )
        return (
            entry.gateway_id,
            entry.epoch,
            entry.seq,
            entry.row.occurred_at,
            self.posting_id,
            entry.site,
            *_MIDDLE[record.kind](self, entry, record),
            record.occurred_at_claimed,
            entry.row.basis.value,
            detail.decode(),
        )

    def count_lines(self, entry: Entry) -> list[Row]:
        """Write the lines of a count.

        Args:
            entry: A count with every name resolved.

        Returns:
            Values in the order of ``count_line``'s columns.
        """
        record = entry.row.record
        if not isinstance(record, Count):
            return []
        rows: list[Row] = []
        for number, line in enumerate(counted_lines(record), start=1):
            amount = self.names.amount(entry, line.identifier, line.seen, line.unit_seen)
            cell_id = self.names.cells[self.names.cell_key(entry, amount.item_id, line.side)]
            rows.append(
                (entry.gateway_id, entry.epoch, entry.seq, entry.row.occurred_at, self.posting_id, number,
                 amount.item_id, cell_id, amount.quantity, line.is_confirmed_zero, line.identifier.scheme,
                 line.identifier.value, line.seen, line.unit_seen,
                 orjson.dumps({"epcs": line.epcs} if line.epcs else {}).decode())
            )  # fmt: skip
        return rows

    def movement(self, entry: Entry, record: Movement) -> Row:
        """Write the middle columns of a movement."""
        amount = self.names.amount(entry, record.identifier, record.quantity_seen, record.unit_seen)
        source = self.names.cell_key(entry, amount.item_id, record.source)
        destination = self.names.cell_key(entry, amount.item_id, record.destination)
        reverses: Row = (None, None, None)
        if record.reverses is not None:
            if record.reverses.gateway not in self.gateways:
                message = f"reverses a row of {record.reverses.gateway!r}, which is not a registered gateway"
                raise UnresolvableError("unknown_row", message)
            gateway_id = self.gateways[record.reverses.gateway][0]
            reverses = (gateway_id, epoch_to_int(record.reverses.epoch), record.reverses.seq)
        return (
            amount.item_id,
            self.names.cells[source],
            self.names.cells[destination],
            amount.quantity,
            record.identifier.scheme,
            record.identifier.value,
            record.quantity_seen,
            record.unit_seen,
            record.reason,
            *reverses,
            self.adjustment_id,
        )

    def unit_position(self, entry: Entry, record: UnitPosition) -> Row:
        """Write the middle columns of a unit position."""
        places, site = self.names.places, entry.site
        return (
            places[UNIT_SITE, record.unit],
            None if record.location is None else places[site, record.location],
            None if record.parent is None else places[UNIT_SITE, record.parent],
            None if record.from_location is None else places[site, record.from_location],
        )

    def crossing(self, _entry: Entry, record: Crossing) -> Row:
        """Write the middle columns of a crossing."""
        return (
            record.portal,
            record.epc,
            record.direction.value,
            record.first_seen_at,
            record.reads,
            record.posted,
            record.visit,
        )

    def count(self, entry: Entry, record: Count) -> Row:
        """Write the middle columns of a count."""
        return (
            record.scope.value,
            self.names.places[entry.site, record.location],
            record.count_task,
            record.blind,
            record.clock_uncertainty_s,
        )

    def workflow_event(self, _entry: Entry, record: WorkflowEvent) -> Row:
        """Write the middle columns of a workflow event."""
        return record.workflow, record.step, record.outcome

    def gap(self, _entry: Entry, record: Gap) -> Row:
        """Write the middle columns of a gap."""
        return record.gap_device, record.from_at, record.to_at, record.cause.value


_MIDDLE: Final[dict[str, Callable[[Renderer, Entry, Any], Row]]] = {
    "movement": Renderer.movement,
    "unit_position": Renderer.unit_position,
    "crossing": Renderer.crossing,
    "count": Renderer.count,
    "workflow_event": Renderer.workflow_event,
    "gap": Renderer.gap,
}
