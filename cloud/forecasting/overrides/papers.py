"""What a person says to adjust a forecast, checked."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cloud.forecasting.overrides.domain import MOST_DAYS, REASONS, Mode
from contracts.base import Code, Site

_TEXT: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
Amount = Annotated[Decimal, Field(max_digits=20, decimal_places=6, allow_inf_nan=False)]
Note = Annotated[str, Field(max_length=1_000, pattern=_TEXT)]


class OverridePaper(BaseModel):
    """An adjustment that somebody wants: of an item or a whole category at a site."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site
    item: Code | None = None
    category: Annotated[str, Field(min_length=1, max_length=128, pattern=_TEXT)] | None = None
    from_day: Day
    to_day: Day
    expires_on: Day | None = None
    """Last day that it changes, if before `to_day`."""
    mode: Mode
    amount: Amount
    per: Literal["day", "week"] | None = None
    """What units are for; none for percent."""
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    evidence: Annotated[str, Field(min_length=1, max_length=2_000, pattern=_TEXT)]
    """What it rests on: a mail, an order number, a link."""
    note: Note = ""
    confirm_small: bool = False
    """Whether it is wanted though it is smaller than what usually pays."""

    @property
    def last_day(self) -> date:
        """Last day that it changes."""
        return self.expires_on or self.to_day

    @property
    def per_days(self) -> int | None:
        """Days that units are for."""
        return {None: None, "day": 1, "week": 7}[self.per]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.item is None) == (self.category is None):
            raise ValueError("expected an item or a category, and not both")
        if not self.from_day <= self.to_day:
            raise ValueError(f"to_day {self.to_day}: expected not before from_day, {self.from_day}")
        if (self.to_day - self.from_day).days >= MOST_DAYS:
            raise ValueError(f"to_day {self.to_day}: expected at most {MOST_DAYS} days from {self.from_day}")
        if not self.from_day <= self.last_day <= self.to_day:
            raise ValueError(f"expires_on {self.expires_on}: expected from {self.from_day} to {self.to_day}")
        if self.reason not in REASONS:
            raise ValueError(f"reason {self.reason!r}: expected one of {', '.join(REASONS)}")
        if self.reason == "other" and not self.note.strip():
            raise ValueError("reason 'other': expected a note that says which")
        if not self.evidence.strip():
            raise ValueError("evidence: expected what it rests on: a mail, an order number, a link")
        self._has_size()
        return self

    def _has_size(self) -> None:
        if self.mode is Mode.PERCENT:
            if self.per is not None:
                raise ValueError(f"per {self.per!r}: percent are of every day; expected none")
            if not -100 <= self.amount <= 10_000:  # noqa: PLR2004  percent
                raise ValueError(f"amount {self.amount}: expected percent from -100 to 10,000")
        elif self.per is None:
            raise ValueError(f"per: expected day or week, what {self.amount} units are for")
        elif self.category is not None:
            raise ValueError(f"mode {self.mode.value}: of a category expected percent, as units differ")
        if self.mode is Mode.REPLACE and self.amount < 0:
            raise ValueError(f"amount {self.amount}: expected units, 0 or more")
        if self.mode is not Mode.REPLACE and self.amount == 0:
            raise ValueError("amount 0: it changes nothing; expected another number")
