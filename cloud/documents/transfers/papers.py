"""Transfers as they are sent: checked models."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field
from typing_extensions import override

from cloud.documents.papers import LinePaper, named_twice
from cloud.faults import Broken, RuledModel
from contracts.base import Code, Site


class TransferPaper(RuledModel):
    """What is to go from one site to another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_site: Site
    to_site: Site
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$")]
    due_on: date | None = None
    carrier: Code | None = None
    lines: Annotated[tuple[LinePaper, ...], Field(min_length=1, max_length=20_000)]

    @override
    def broken(self) -> Iterator[Broken]:
        """Say what of it does not go together."""
        where = f"transfer {self.id!r}" if self.id else "transfer"
        if self.from_site == self.to_site:
            message = f"to_site {self.to_site!r}: expected another site than from_site"
            yield Broken(message, self.to_site, ("from_site", "to_site"))
        yield from named_twice(where, (each.line for each in self.lines))
        message = f"{where}: a shipment says which units leave, a draft does not"
        for index, line in enumerate(self.lines):
            if line.units or line.order:
                yield Broken(message, line.line, at=("lines", index))
