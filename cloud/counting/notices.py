"""What a settled count makes people know: a record beyond its tolerance, a question that is open; pure."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

from cloud.alerts.domain import Notice, Severity
from cloud.counting.domain import TICKET_KIND, VarianceRow

_NAMED: Final = 5
QUESTION_KIND: Final = "count_question"
DUE_AFTER: Final = timedelta(hours=24)
"""By when somebody should have decided on a variance."""


def about_variance(row: VarianceRow) -> Notice:
    """Tell of a record beyond its tolerance.

    Args:
        row: A settled record that was counted.

    Returns:
        The notice; its key is the record's subject.
    """
    return Notice(
        row.subject,
        TICKET_KIND,
        Severity.WARNING,
        in_words(row),
        site=row.site,
        detail={
            "variance": row.name,
            "item": row.item,
            "location": row.place,
            "counted": _plain(row.counted),
            "book": _plain(row.book),
            "difference": _plain(row.difference),
            "value": _plain(row.value),
            "currency": row.currency,
            "counted_by": row.counted_by,
            "page_url": f"/counts/{row.count_name}#record-{row.line_no}",
        },
        due_after=DUE_AFTER,
    )


def about_questions(rows: Sequence[VarianceRow]) -> Notice:
    """Tell of what a count had in scope and did not report.

    Args:
        rows: The records that are open, all of one count.

    Returns:
        The notice.
    """
    first = rows[0]
    items = ", ".join(row.item for row in rows[:_NAMED]) + (" …" if len(rows) > _NAMED else "")
    return Notice(
        questions_key(first),
        QUESTION_KIND,
        Severity.INFO,
        f"{first.location}: {len(rows)} not reported ({items}): zero, or not counted?",
        site=first.site,
        detail={
            "count": first.count_name,
            "location": first.location,
            "items": [row.item for row in rows[:100]],
            "counted_by": first.counted_by,
            "page_url": f"/counts/{first.count_name}",
        },
        due_after=DUE_AFTER,
    )


def questions_key(row: VarianceRow) -> str:
    """Name the ticket of a count's open questions.

    Args:
        row: Any of its records.

    Returns:
        The ticket's key.
    """
    return f"count_question/{row.count_name}"


def in_words(row: VarianceRow) -> str:
    """Say in one sentence what was found.

    Args:
        row: A record that was counted.

    Returns:
        Text for people.
    """
    off = row.difference or Decimal(0)
    lot = f" lot {row.lot}" if row.lot else ""
    worth = "value unknown" if row.value is None else f"{_plain(abs(row.value))} {row.currency}"
    way = "over" if off > 0 else "short"
    unit = "" if row.base_unit == "each" else f" {row.base_unit}"
    return (
        f"{row.place}: {row.item}{lot} {_plain(abs(off))}{unit} {way} "
        f"(counted {_plain(row.counted)}, book {_plain(row.book)}; {worth})"
    )


def _plain(value: Decimal | None) -> str | None:
    if value is None:
        return None
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
