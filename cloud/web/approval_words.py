"""Words of the *Approvals* page: kinds, amounts, reasons, and what a revision changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from cloud.decisions.domain import CHANGED, REJECT_REASONS, REVERSE_REASONS, WITHDRAWN, Step
from cloud.web.facts import label_of, text_of

_KINDS: Final = {
    "count_adjustment": "Stock adjustment",
    "order_change": "Change of an order",
    "purchase_order": "Purchase order",
    "lot_recall": "Recall of a lot",
    "period_close": "Close of a period",
    "reconciliation": "Stock list",
    "scrap": "Scrap",
    "supersession": "Supersession",
    "forecast_override": "Forecast override",
}
NOT_UNDONE: Final = {
    "count_adjustment": "The book is bound to a count. Count the bin again: the later count replaces it.",
    "period_close": "A close stays as it is. Close the period again: the later close is its figure.",
}
"""Kinds that are never undone, and what to do instead."""
_REASONS: Final = {
    **REVERSE_REASONS,
    **REJECT_REASONS,
    WITHDRAWN: "Taken back by whoever asked for it",
    CHANGED: "What it rests on has changed",
}
_CENTS: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that says something else than it did."""

    label: str
    before: str
    after: str


def kind_word(kind: str) -> str:
    """Name a kind of decision.

    Args:
        kind: ``count_adjustment``.

    Returns:
        ``Stock adjustment``; a kind without a name of its own reads as its code.
    """
    return _KINDS.get(kind, label_of(kind))


def reason_word(reason: str | None) -> str:
    """Write a reason code for people.

    Args:
        reason: The code, or None.

    Returns:
        Its words; empty without a code.
    """
    if reason is None or reason == "other":
        return ""
    return _REASONS.get(reason, label_of(reason))


def money(value: Decimal | None, currency: str | None) -> str:
    """Write an amount: thousands apart, cents, a true minus sign.

    Args:
        value: Signed, or None.
        currency: Three letters.

    Returns:
        The text.

    Examples:
        >>> money(Decimal("1250.5"), "EUR"), money(None, None)
        ('1,250.50 EUR', 'value unknown')
    """
    if value is None:
        return "value unknown"
    sign = "−" if value < 0 else ""  # noqa: RUF001  typographic minus
    shown = (
        abs(value).quantize(_CENTS) if abs(value) == abs(value).quantize(_CENTS) else abs(value).normalize()
    )
    return f"{sign}{shown:,f} {currency or ''}".rstrip()


def differences(steps: Sequence[Step], seen: int, zone: ZoneInfo) -> list[Difference]:
    """Say what a decision says now that it did not say at the revision somebody looked at.

    Args:
        steps: All of the decision, the first first.
        seen: That revision.
        zone: In which instants are written.

    Returns:
        One per field that differs, what will be done first.
    """
    then = next((step for step in steps if step.revision == seen and "effect" in step.detail), None)
    now = next((step for step in reversed(steps) if "effect" in step.detail), None)
    if then is None or now is None or then.step == now.step:
        return []
    found = []
    if (then.value, then.currency) != (now.value, now.currency):
        found.append(Difference("Value", money(then.value, then.currency), money(now.value, now.currency)))
    for part in ("effect", "evidence", "inputs", "parameters"):
        before, after = _content(then, part), _content(now, part)
        found += [
            Difference(label_of(name), text_of(before.get(name), zone), text_of(after.get(name), zone))
            for name in {**before, **after}
            if before.get(name) != after.get(name)
        ]
    return found


def _content(step: Step, part: str) -> Mapping[str, JsonValue]:
    content = step.detail.get(part)
    return content if isinstance(content, dict) else {}
