"""What a shop or an edge publishes of demand, and what becomes of it."""

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from contracts.base import (
    SCHEMA_VERSION,
    Code,
    Contract,
    PositiveQuantity,
    SchemaVersion,
    Sha256,
    UtcDatetime,
    WholeNumber,
)

MOST_LINES: Final = 5000
"""Of one message."""

Revision = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
Words = Annotated[str, Field(max_length=2000)]


class DemandItem(Contract):
    """Names an item: by its own code, or as it is labelled or sold."""

    scheme: Literal["item", "gtin", "sku", "local", "supplier_code"]
    value: Code


class DemandRequest(Contract):
    """Names a line of the same source."""

    document: Code
    line: Code


class DemandLine(Contract):
    """A line of what customers asked for; topic, document and line name it; the same again is once."""

    document: Code
    line: Code
    kind: Literal["requested", "cancelled", "returned"] = "requested"
    identifier: DemandItem
    quantity: PositiveQuantity
    """In units of what names the item, a GTIN's packaging level; as asked for, not as shipped."""
    requested_at: UtcDatetime
    channel: Code | None = None
    revision: Revision | None = None
    """None: the next one, if the line says something new."""
    of: DemandRequest | None = None
    """The request that is cancelled or returned."""

    @model_validator(mode="after")
    def _names_no_other(self) -> Self:
        if self.of is not None and self.kind == "requested":
            msg = "of: only what is cancelled or returned names another line"
            raise ValueError(msg)
        return self


class DemandLines(Contract):
    """Demand v1: lines that are stored together, or not at all."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    lines: Annotated[tuple[DemandLine, ...], Field(min_length=1, max_length=MOST_LINES)]


class TakenAs(StrEnum):
    """What became of a message."""

    STORED = "stored"
    """Committed; a message that says what is known is stored too, and changes nothing."""
    HELD = "held"
    """Kept with its reason; people hear of it, what time may heal is tried again. Need not be sent again."""
    REFUSED = "refused"
    """Not kept: it is too large, or too much of the source waits already. Only the sender has it."""


class DemandAnswer(Contract):
    """What became of a message, after that was committed; not retained, so ask by sending it again."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    sha256: Sha256
    """Of the message's bytes."""
    status: TakenAs
    changed: WholeNumber
    """New and corrected lines."""
    reason: Code | None = None
    """A stable word; only if it is held or refused."""
    message: Words | None = None
    """The same for people."""
