"""Named entries in, one line per table row out, as COPY reads it; pure."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from msgspec import to_builtins

from cloud.ledger.compiled import Rest
from cloud.ledger.domain import AcceptedBatch
from cloud.ledger.entries import Gateways
from cloud.ledger.naming import CountedLine, Named, Names, counted_lines
from cloud.master.domain import UNIT_SITE, UnresolvableError
from contracts.base import epoch_to_int
from contracts.feedback import StoredAs
from contracts.records import Count, Crossing, Gap, Movement, RowRef, UnitPosition, WorkflowEvent
from contracts.vocabulary import Disposition

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
BATCH: Final = Table(
    "batch",
    ("gateway_id", "epoch", "batch_no", "site_id", "sha256", "prev_sha256", "first_seq", "last_seq",
     "complete_until", "is_final", "body", "status", "received_at", "posting_id"),
    frozenset(),
)  # fmt: skip
TABLE_OF_KIND: Final = {
    "movement": MOVEMENT,
    "unit_position": UNIT_POSITION,
    "crossing": CROSSING,
    "count": COUNT,
    "workflow_event": WORKFLOW_EVENT,
    "gap": GAP,
}

_REST: Final = {kind: Rest(kind, table.in_columns) for kind, table in TABLE_OF_KIND.items()}

_GZIP_LEVEL: Final = 1
_NO_ROW: Final = "\t\t"
"""In place of a row's gateway, epoch and seq."""

Row = str
"""A line of COPY's text: values in the order of the table's columns, nothing for NULL, a backslash as it is.

No text of a contract holds a control character, and none is empty."""


def _fields(*values: object) -> str:
    return "\t".join(["" if value is None else str(value) for value in values])


def batch_row(posting_id: int, gateway_id: int, batch: AcceptedBatch, status: StoredAs) -> Row:
    """Write a batch's header and sealed bytes as a row.

    Args:
        posting_id: The posting.
        gateway_id: Of its gateway.
        batch: The batch.
        status: Whether all its rows were posted.

    Returns:
        A line of ``batch``.
    """
    header = batch.header
    fields = _fields(
        gateway_id,
        epoch_to_int(header.epoch),
        header.batch_no,
        header.site,
        batch.sha256,
        header.prev_sha256,
        header.first_seq,
        header.last_seq,
        header.complete_until,
        header.final,
        "\\x" + (batch.gzipped or gzip.compress(batch.body, _GZIP_LEVEL, mtime=0)).hex(),
        status.value,
        batch.received_at,
        posting_id,
    )
    return f"{fields}\n"


@dataclass(frozen=True, slots=True)
class Renderer:
    """Writes entries as rows of one posting."""

    posting_id: int
    names: Names
    gateways: Gateways
    adjustment_id: int | None = None
    """The count's adjustment that the posting's movements belong to."""

    def row(self, named: Named) -> Row:
        """Write an entry as a row of its table.

        Args:
            named: With every name resolved.

        Returns:
            A line of its table.

        Raises:
            UnresolvableError: If it reverses a row of an unknown gateway.
        """
        entry, record = named.entry, named.entry.row.record
        middle = _MIDDLE[record.kind](self, named, record)
        # Natively an instant is written in a tenth of the time.
        at = to_builtins(entry.row.occurred_at)
        is_as_claimed = record.occurred_at_claimed is entry.row.occurred_at
        claimed = at if is_as_claimed else to_builtins(record.occurred_at_claimed)
        return (
            f"{entry.gateway_id}\t{entry.epoch}\t{entry.seq}\t{at}\t{self.posting_id}\t{entry.site}\t{middle}\t"
            f"{claimed}\t{entry.row.basis}\t{_REST[record.kind].write(record)}\n"
        )

    def count_lines(self, named: Named) -> list[Row]:
        """Write the lines of a count.

        Args:
            named: A count with every name resolved.

        Returns:
            Lines of ``count_line``.
        """
        entry, record = named.entry, named.entry.row.record
        lines = counted_lines(record) if record.kind == "count" else []
        return [
            _fields(entry.gateway_id, entry.epoch, entry.seq, entry.row.occurred_at, self.posting_id, number,
                    amount.item_id, cell, amount.quantity, line.is_confirmed_zero, line.identifier.scheme,
                    line.identifier.value, line.seen, line.unit_seen,
                    orjson.dumps(_line_detail(line)).decode()) + "\n"
            for number, (line, amount, cell) in enumerate(
                zip(lines, named.amounts, named.cells, strict=True), start=1)
        ]  # fmt: skip

    def movement(self, named: Named, record: Movement) -> str:
        """Write the middle columns of a movement."""
        (amount,), (source, destination) = named.amounts, named.cells
        seen = record.identifier
        return (
            f"{amount.item_id}\t{source}\t{destination}\t{amount.quantity!s}\t{seen.scheme}\t{seen.value}\t"
            f"{record.quantity_seen!s}\t{record.unit_seen}\t{record.reason or ''}\t"
            f"{self._reversed(record.reverses) if record.reverses else _NO_ROW}\t{self.adjustment_id or ''}"
        )

    def _reversed(self, row: RowRef) -> str:
        if row.gateway not in self.gateways:
            message = f"reverses a row of {row.gateway!r}, which is not a registered gateway"
            raise UnresolvableError("unknown_row", message)
        return _fields(self.gateways[row.gateway][0], epoch_to_int(row.epoch), row.seq)

    def unit_position(self, named: Named, record: UnitPosition) -> str:
        """Write the middle columns of a unit position."""
        places, site = self.names.places, named.entry.site
        return _fields(
            places[UNIT_SITE, record.unit],
            None if record.location is None else places[site, record.location],
            None if record.parent is None else places[UNIT_SITE, record.parent],
            None if record.from_location is None else places[site, record.from_location],
        )

    def crossing(self, _named: Named, record: Crossing) -> str:
        """Write the middle columns of a crossing."""
        return _fields(
            record.portal,
            record.epc,
            record.direction,
            record.first_seen_at,
            record.reads,
            record.posted,
            record.visit,
        )

    def count(self, named: Named, record: Count) -> str:
        """Write the middle columns of a count."""
        return _fields(
            record.scope,
            self.names.places[named.entry.site, record.location],
            record.count_task,
            record.blind,
            record.clock_uncertainty_s,
        )

    def workflow_event(self, _named: Named, record: WorkflowEvent) -> str:
        """Write the middle columns of a workflow event."""
        return _fields(record.workflow, record.step, record.outcome)

    def gap(self, _named: Named, record: Gap) -> str:
        """Write the middle columns of a gap."""
        return _fields(record.gap_device, record.from_at, record.to_at, record.cause)


def _line_detail(line: CountedLine) -> dict[str, object]:
    detail: dict[str, object] = {"epcs": line.epcs} if line.epcs else {}
    if line.side.disposition == Disposition.SELLABLE:
        # Its cell is also that of no stated condition; a count of no stated condition saw every one.
        detail["disposition"] = Disposition.SELLABLE.value
    return detail if line.weight_kg is None else detail | {"weight_kg": str(line.weight_kg)}


_MIDDLE: Final[dict[str, Callable[[Renderer, Named, Any], str]]] = {
    "movement": Renderer.movement,
    "unit_position": Renderer.unit_position,
    "crossing": Renderer.crossing,
    "count": Renderer.count,
    "workflow_event": Renderer.workflow_event,
    "gap": Renderer.gap,
}
