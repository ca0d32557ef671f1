"""Demand as it is sent: JSON in, checked models and staged lines out."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cloud.demand import fields
from cloud.demand.domain import Kind, Scheme, StagedLine
from contracts.base import Code, PositiveQuantity, Site, UtcDatetime

MOST_LINES: Final = 5000
"""Of one request."""


class _Paper(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ItemName(_Paper):
    """Names an item: by its own code, or as it is labelled or sold."""

    scheme: Scheme
    value: Code

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        fields.name(self.scheme, self.value)
        return self


class OtherLine(_Paper):
    """A line of the same site and source."""

    document: Code
    line: Code


class DemandLinePaper(_Paper):
    """A line of what customers asked for; its name is site, source, document and line."""

    site: Site
    source: Annotated[Code, Field(description="Which till, shop or ERP says so")]
    document: Code
    line: Code
    kind: Kind = Kind.REQUESTED
    identifier: ItemName
    quantity: PositiveQuantity = Field(
        description="In units of what names the item, a GTIN's packaging level"
    )
    requested_at: UtcDatetime = Field(description="When it was asked for, not when it was shipped")
    channel: Code | None = None
    revision: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] | None = Field(
        default=None, description="Null: the next one, if the line says something new"
    )
    of: OtherLine | None = Field(default=None, description="The request that is cancelled or returned")

    @model_validator(mode="after")
    def _names_no_other(self) -> Self:
        if self.of is not None and self.kind is Kind.REQUESTED:
            raise ValueError("of: only what is cancelled or returned names another line")
        return self

    def staged(self, place: int) -> StagedLine:
        """Give it as it is staged.

        Args:
            place: Its number in the batch.

        Returns:
            The line.
        """
        return StagedLine(
            place,
            self.site,
            self.source,
            self.document,
            self.line,
            self.revision,
            self.kind.value,
            self.identifier.scheme.value,
            fields.name(self.identifier.scheme, self.identifier.value),
            self.channel,
            self.requested_at.isoformat(),
            None,
            False,  # noqa: FBT003  the place of a value, not a switch
            f"{self.quantity:f}",
            self.of.document if self.of else None,
            self.of.line if self.of else None,
        )


class DemandPaper(_Paper):
    """Lines that are stored together, or not at all."""

    lines: Annotated[tuple[DemandLinePaper, ...], Field(max_length=MOST_LINES)]
    new_items: bool = Field(default=False, description="Make provisional items of unknown names, as scans do")
