"""In what labels of a lot differ: told once, in few words, and not again once somebody has answered."""

from datetime import UTC, date, datetime, timedelta

from cloud.lots.label_dates import DatedLot, LabelRow, counts_as, difference

NOTED_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOT = DatedLot(1, "MILK", "L1", date(2026, 9, 1), None, False, False, None, None, None)  # noqa: FBT003  a row


def label(*, site: str = "leeds", minute: int = 0, **days: date) -> LabelRow:
    names = ("produced_on", "packed_on", "best_before", "sell_by", "use_by")
    said = {name: days.get(name) for name in names}
    at = NOTED_AT + timedelta(minutes=minute)
    who = {"site": site, "gateway": "gw-1", "actor": None, "occurred_at": at, "noted_at": at}
    return LabelRow(item_id=1, lot="L1", said=1, **said, **who)  # type: ignore[arg-type]


def test_labels_that_say_the_same_or_only_when_a_shop_offers_it_do_not_differ() -> None:
    same = label(use_by=date(2026, 8, 31))
    assert difference(LOT, [same, label(use_by=date(2026, 8, 31), sell_by=date(2026, 7, 1))]) is None
    assert difference(LOT, [same, label(best_before=date(2026, 6, 30)), label()]) is None


def test_many_days_are_told_in_few_words_with_where_the_latest_was_scanned() -> None:
    days = [date(2026, 8, 31) + timedelta(days=n) for n in range(6)]
    labels = [label(use_by=day, site=f"site-{n}", minute=n) for n, day in enumerate(days)]
    found = difference(LOT, labels)
    assert found == ("use by 2026-08-31, 2026-09-01, 2026-09-02, 2026-09-03 and 2 other days", "site-5")


def test_what_was_known_when_somebody_spoke_is_answered_and_what_comes_later_is_not() -> None:
    labels = [label(use_by=date(2026, 7, 31)), label(use_by=date(2026, 8, 31), minute=9)]
    answered = LOT._replace(expiry_said_at=NOTED_AT + timedelta(minutes=5))
    assert difference(answered, labels) is None
    new = label(use_by=date(2026, 9, 30), minute=10)
    assert difference(answered, [*labels, new]) == ("use by 2026-08-31, 2026-09-30", "leeds")


def test_an_answered_day_is_answered_for_labels_that_say_it_beside_something_else() -> None:
    answered = LOT._replace(expiry_said_at=NOTED_AT + timedelta(minutes=5), expires_on=date(2026, 10, 1))
    labels = [label(use_by=date(2026, 8, 31), packed_on=date(2026, 2, 3))]
    same = label(use_by=date(2026, 8, 31), packed_on=date(2026, 2, 4), minute=9)
    assert difference(answered, [*labels, same]) is None
    assert difference(answered, [same]) == ("use by 2026-08-31", "leeds")
    made = label(use_by=date(2026, 8, 31), produced_on=date(2026, 2, 3), minute=9)
    stated = answered._replace(produced_on=date(2026, 2, 1), production_said_at=NOTED_AT)
    assert difference(stated, [*labels, made]) == ("produced on 2026-02-03", "leeds")


def test_that_a_lot_expires_before_it_was_made_is_told_as_long_as_it_does() -> None:
    labels = [
        label(use_by=date(2026, 8, 31)),
        label(produced_on=date(2026, 9, 1), site="york", minute=1),
        label(sell_by=date(2026, 9, 1), minute=2),
    ]
    made = LOT._replace(produced_on=date(2026, 9, 1))
    told = ("produced on 2026-09-01, not before it expires on 2026-09-01", "york")
    assert difference(made, labels) == told
    later = NOTED_AT + timedelta(minutes=5)
    assert difference(made._replace(expiry_said_at=later, production_said_at=later), labels) == told
    assert difference(made._replace(expires_on=date(2026, 9, 2), expiry_said_at=later), labels) is None
    assert difference(made._replace(expires_on=None, expiry_said_at=later), labels) is None


def test_a_lot_that_keeps_by_somebodys_word_differs_from_a_label_that_came_later() -> None:
    keeps = LOT._replace(expires_on=None, expiry_said_at=NOTED_AT)
    assert difference(keeps, [label(use_by=date(2026, 8, 31))]) is None
    assert difference(keeps, [label(use_by=date(2026, 8, 31), minute=1)]) == ("use by 2026-08-31", "leeds")
    assert counts_as(keeps) == "it keeps"
