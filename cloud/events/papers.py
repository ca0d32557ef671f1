"""What somebody says of an event, checked."""

import hashlib
from datetime import UTC, date, datetime
from typing import Annotated, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from cloud.events.domain import LONGEST_DAYS, Kind, faults_of
from contracts.base import Code, Site

_TEXT: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
LONGEST_REFERENCE: Final = 200
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
Short = Annotated[str, Field(min_length=1, max_length=128, pattern=_TEXT)]
Text = Annotated[str, Field(max_length=200, pattern=_TEXT)]
Number = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]


class EventPaper(BaseModel):
    """An event that moves demand: of an item, a category or all items, at a site or at every one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site | None = None
    """None: every site."""
    item: Code | None = None
    category: Short | None = None
    from_day: Day
    to_day: Day
    """Itself included."""
    kind: Kind
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=_TEXT)]
    attributes: dict[Short, bool | Number | Text] = Field(default_factory=dict)
    effect_prior: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    """Factor on demand that is expected before any data: 1.3 for +30 %."""
    known_at: Annotated[AwareDatetime, Field(ge=_EARLIEST)] | None = None
    """From when it was known; None: from now on."""
    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.:-]{0,63}$")] = "manual"
    reference: Annotated[str, Field(min_length=1, max_length=LONGEST_REFERENCE, pattern=_TEXT)] | None = None
    """What the source calls it: the same again is the same event; None: one is made of its content."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.item is not None and self.category is not None:
            raise ValueError("expected an item or a category, not both; neither for all items")
        if self.to_day < self.from_day:
            raise ValueError(f"to_day {self.to_day}: expected not before from_day, {self.from_day}")
        if (self.to_day - self.from_day).days >= LONGEST_DAYS:
            raise ValueError(
                f"to_day {self.to_day}: expected at most {LONGEST_DAYS} days from {self.from_day}"
            )
        if faults := faults_of(self.kind, self.attributes):
            raise ValueError("; ".join(faults))
        return self

    @property
    def named(self) -> str:
        """What the source calls it, or scope, days and name."""
        parts = (
            self.site or "",
            self.item or self.category or "",
            self.from_day,
            self.to_day,
            self.kind.value,
        )
        told = "/".join(str(part) for part in (*parts, self.name))
        if len(told) > LONGEST_REFERENCE:  # two that differ further on stay two
            told = told[: LONGEST_REFERENCE - 33] + "#" + hashlib.sha256(told.encode()).hexdigest()[:32]
        return self.reference or told

    def told(self) -> dict[str, object]:
        """Write down what counts when two are compared."""
        return {
            "site": self.site,
            "item": self.item,
            "category": self.category,
            "from_day": self.from_day,
            "to_day": self.to_day,
            "kind": self.kind.value,
            "name": self.name,
            "attributes": dict(self.attributes),
            "effect_prior": self.effect_prior,
        }


class Withdrawal(BaseModel):
    """Why an event does not take place, or never did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: Annotated[int, Field(ge=1, le=1_000_000)]
    """That the author has seen; another one in force is refused."""
    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=_TEXT)]
