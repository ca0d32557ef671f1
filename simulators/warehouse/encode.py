"""From columns to the bytes of records, exactly as ``contracts.encode_record`` writes them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.vocabulary import BizStep
from simulators.warehouse.flow import NO_LOT, Flow, Kind
from simulators.warehouse.layout import Layout, gtin, sscc
from simulators.warehouse.truth import lot_code

OPERATORS: Final = 40

_BIZ_STEP: Final[dict[int, str]] = {
    Kind.OPENING: BizStep.STOCK_TAKING,
    Kind.RECEIPT: BizStep.RECEIVING,
    Kind.PUT_AWAY: BizStep.STORING,
    Kind.MOVE: BizStep.STORING,
    Kind.PICK: BizStep.PICKING,
    Kind.SHIP: BizStep.SHIPPING,
    Kind.RETURN: BizStep.RECEIVING,
    Kind.UNIT_POSITION: BizStep.STORING,
    Kind.COUNT: BizStep.CYCLE_COUNTING,
}
_WIRE_KIND: Final[dict[int, str]] = {Kind.UNIT_POSITION: "unit_position", Kind.COUNT: "count"}
_DOCUMENT: Final[dict[int, str]] = {
    Kind.RECEIPT: "receipt",
    Kind.SHIP: "shipment",
    Kind.RETURN: "customer_return",
}


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock a gateway writes its records by."""

    boot_id: str
    zero_us: int
    """Microseconds since 1970 at which its monotonic clock stood at 0."""


class RecordEncoder:
    """Writes records of one flow; the fragments that recur are made once."""

    def __init__(self, layout: Layout) -> None:
        """Prepare for a building.

        Args:
            layout: The building the flow's numbers refer to.
        """
        self._places = layout.places
        self._unit_base = layout.unit_base
        self._identifiers = [f'{{"scheme":"gtin","value":"{gtin(item)}"}}' for item in range(layout.items)]

    def encode(self, flow: Flow, *, first_seq: int, clock: Clock) -> list[bytes]:
        """Write records of one gateway.

        Args:
            flow: Dated records of one gateway.
            first_seq: Sequence number of the first.
            clock: The gateway's clock; ``zero_us`` lies before every record.

        Returns:
            One JSON object per record.
        """
        claimed = np.datetime_as_string(flow.at_us.astype("M8[us]"), unit="us").tolist()
        mono_ns = ((flow.at_us - clock.zero_us) * 1000).tolist()
        columns = (flow.kind, flow.item, flow.lot, flow.quantity, flow.source, flow.destination)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [
            f'{{"kind":"{_WIRE_KIND.get(row[0], "movement")}","seq":{seq},"occurred_at_claimed":"{at}Z",'
            f'"mono_ns":{mono},"boot_id":"{clock.boot_id}","clock_ok":true,'
            f'"actor":"operator-{seq % OPERATORS}","biz_step":"{_BIZ_STEP[row[0]]}",'
            f"{self._content(row)}}}".encode()
            for seq, (at, mono, row) in enumerate(zip(claimed, mono_ns, rows, strict=True), first_seq)
        ]

    def _content(self, row: tuple[int, ...]) -> str:
        kind, item, lot, quantity, source, destination = row
        if kind == Kind.UNIT_POSITION:
            return f'"unit":"{sscc(source - self._unit_base)}","location":"{self._places[destination]}"'
        lot_field = f',"lot":"{lot_code(lot)}"' if lot != NO_LOT else ""
        identifier = self._identifiers[item]
        if kind == Kind.COUNT:
            line = f'{{"identifier":{identifier},"quantity":"{quantity}"{lot_field}}}'
            return f'"scope":"cell","location":"{self._places[source]}","lines":[{line}]'
        documents = ""
        if document := _DOCUMENT.get(kind):
            documents = f'"documents":[{{"type":"{document}","id":"{document}-{item}-{quantity}"}}],'
        returned = ',"disposition":"returned"' if kind == Kind.RETURN else ""
        return (
            f'{documents}"identifier":{identifier},"quantity_seen":"{quantity}",'
            f'"source":{{{self._place(source)}{lot_field}}},'
            f'"destination":{{{self._place(destination)}{lot_field}{returned}}}'
        )

    def _place(self, place: int) -> str:
        if place >= self._unit_base:
            return f'"unit":"{sscc(place - self._unit_base)}"'
        return f'"location":"{self._places[place]}"'
