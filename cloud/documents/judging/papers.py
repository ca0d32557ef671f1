"""What somebody decides about goods that wait, as it is told: checked models."""

from collections.abc import Iterator
from typing import Final, Literal

from pydantic import ConfigDict
from typing_extensions import override

from cloud.documents.papers import LineNumber, Unit
from cloud.documents.receiving.papers import Place
from cloud.faults import Broken, RuledModel
from contracts.base import Code, PositiveQuantity, Site
from contracts.records import DocumentRef

WaitsAs = Literal["inspection", "returned", "hold"]
Verdict = Literal["sellable", "damaged", "hold"]
REASONS: Final = {
    "sound": "Sound",
    "as_new": "As new, unopened",
    "opened": "Opened",
    "defective": "Defective",
    "expired": "Expired, or too short a life left",
    "wrong_item": "Wrong item",
    "accepted_over": "Accepted although over",
    "papers_in_order": "Papers are in order",
    "other": "Another reason",
}
JudgementReason = Literal[
    "sound",
    "as_new",
    "opened",
    "defective",
    "expired",
    "wrong_item",
    "accepted_over",
    "papers_in_order",
    "other",
]


class WaitingGoodsPaper(RuledModel):
    """Which goods that wait somebody decides about, and why: of a receipt's line, or of no receipt."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    site: Site
    receipt: LineNumber | None = None
    """Left out, with the line: goods of ``item`` that no receipt brought."""
    line: LineNumber | None = None
    item: Code | None = None
    """Where no receipt brought them."""
    waits_as: WaitsAs
    quantity: PositiveQuantity
    """In base units; at most what waits."""
    reason: JudgementReason
    lot: Code | None = None
    """Where several lots of the line wait."""
    owner: Code | Literal[""] | None = None
    """Where goods of several owners wait; empty: our own. They stay whose they are."""
    location: Place | None = None
    """Where it lies; left out: where it was put, or carried by handheld."""
    unit: Unit | None = None
    """The unit that holds it, where goods of one line wait in several."""

    @override
    def broken(self) -> Iterator[Broken]:
        """Say whether it names goods."""
        if (self.receipt is None) != (self.line is None):
            yield Broken("expected receipt and line, or neither", None, ("receipt", "line"))
        if (self.receipt is None) == (self.item is None):
            yield Broken("expected receipt and line, or item", self.item, ("receipt", "item"))

    @property
    def named(self) -> str:
        """Which goods, in words."""
        if self.receipt is None:
            return f"item {self.item!r}, which no receipt brought"
        return f"line {self.line!r} of receipt {self.receipt!r}"

    @property
    def locks(self) -> list[tuple[str, str]]:
        """Names the receipt that nobody else may change meanwhile."""
        return [("receipt", self.receipt)] if self.receipt else []

    @property
    def refs(self) -> list[DocumentRef]:
        """Names the receipt's line as movements do."""
        return [DocumentRef(type="receipt", id=self.receipt, line=self.line)] if self.receipt else []

    @property
    def subject(self) -> str:
        """What the audit trail says it is about."""
        return f"receipt:{self.receipt}" if self.receipt else f"item:{self.item}"


class JudgementPaper(WaitingGoodsPaper):
    """What a person decides about goods of one line of a receipt."""

    verdict: Verdict
    grade: Code | None = None
    """A grade of one's own, as `B`."""
    put_at: Place | None = None
    """Where it goes; left out: it stays where it lies."""
