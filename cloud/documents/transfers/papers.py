"""Transfers as they are sent: checked models."""

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cloud.documents.papers import LinePaper
from contracts.base import Code, Site


class TransferPaper(BaseModel):
    """What is to go from one site to another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_site: Site
    to_site: Site
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$")]
    due_on: date | None = None
    carrier: Code | None = None
    lines: Annotated[tuple[LinePaper, ...], Field(min_length=1, max_length=20_000)]

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if self.from_site == self.to_site:
            raise ValueError(f"to_site {self.to_site!r}: expected another site than from_site")
        names = [line.line for line in self.lines]
        if len(set(names)) != len(names):
            raise ValueError(f"transfer {self.id!r}: a line stands there twice")
        if any(line.units or line.order for line in self.lines):
            raise ValueError(f"transfer {self.id!r}: a shipment says which units leave, a draft does not")
        return self
