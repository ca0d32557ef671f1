"""Counts that people and programs report, what is refused, tolerances, and how accurate the records are."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from cloud.counting.accuracy import record_accuracy
from cloud.counting.domain import CountingError, UnknownNameError
from cloud.counting.reporting import TypedLine, named_lines
from cloud.counting.tolerances import TolerancePaper, put_tolerance, tolerances
from cloud.identity.actor import NotAllowedError
from contracts.records import Identifier
from contracts.vocabulary import CountScope
from tests.integration.counting.floor import (
    APPROVER,
    CONTROLLER,
    MUG,
    NETWORK,
    NOW,
    RUM,
    SUPERVISOR,
    TEA,
    Floor,
    line,
)
from tests.integration.ledger.scenario import SITE, at


def test_a_reported_count_names_its_counter_and_moves_nothing(floor: Floor) -> None:
    floor.receives("10")
    posted = floor.reports(line("9"), minute=10, took_s=4.0, count_task="CT-1")
    row = floor.variance()
    assert (row.counted_by, row.count_task, row.uncertainty_s, row.difference) == (
        "user:ann",
        "CT-1",
        4.0,
        -1,
    )
    assert (row.gateway, row.seq) == ("_cloud", posted.rows[0].seq)
    assert floor.book() == 10


REFUSED: list[tuple[dict, type[Exception], str]] = [
    ({"location": "Z-01"}, UnknownNameError, "there is no such bin at site 'leeds'"),
    ({"location": "@supplier"}, CountingError, "is an account"),
    ({"minute": 60 * 24 + 3}, CountingError, "expected within 400 days before now"),
    ({"minute": -60 * 24 * 500}, CountingError, "expected within 400 days before now"),
    ({"lines": (line("1", "05099999999996"),)}, UnknownNameError, "no item bears this name"),
    ({"lines": (line("1"), line("2"))}, CountingError, "stands there twice"),
    ({"lines": (line("1", unit="006141411234567890"),)}, UnknownNameError, "has never seen it"),
    (
        {"zero_confirmed": (Identifier(scheme="sku", value="TEA"),)},
        CountingError,
        "is counted and confirmed absent",
    ),
    ({"lines": (), "scope": CountScope.ITEMS}, CountingError, "has no line"),
    ({"lines": (line("1.5", MUG),)}, CountingError, "expected whole pieces"),
    ({"actor": APPROVER}, NotAllowedError, "this needs"),
]


def test_what_cannot_be_a_count_is_refused_in_words(floor: Floor) -> None:
    floor.receives("10")
    floor.ledger.query("UPDATE item SET is_integer_only = true WHERE code = 'MUG' RETURNING 1")
    for fields, error, told in REFUSED:
        asked = {"minute": 10, "lines": (line("1"),), **fields}
        lines = asked.pop("lines")
        with pytest.raises(error, match=told):
            floor.reports(*lines, **asked)
    assert floor.ledger.query("SELECT count(*) FROM count") == [(0,)]


def test_a_quantity_that_nobody_can_count_does_not_become_a_line(floor: Floor) -> None:
    for quantity in ("-1", "NaN", "Infinity", "0.0000001"):
        with pytest.raises(ValidationError):
            line(quantity)
        typed = [TypedLine("TEA", Decimal(quantity))]
        with pytest.raises(CountingError, match="expected zero or more"):
            floor.acts(lambda conn, typed=typed: named_lines(conn, typed, now=NOW))


def test_a_name_that_a_person_types_is_found_or_asked_back(floor: Floor) -> None:
    def named(text: str) -> tuple[str, str]:
        found = floor.acts(lambda conn: named_lines(conn, [TypedLine(text, Decimal(1))], now=NOW))
        return found[0].identifier.scheme, found[0].identifier.value

    assert named("TEA") == ("sku", "TEA")
    assert named(TEA.lstrip("0")) == ("gtin", TEA)
    floor.ledger.query(
        "INSERT INTO identifier (scheme, value, item_id) SELECT 'supplier_code', 'X', item_id FROM item"
        " WHERE code = 'TEA' UNION ALL SELECT 'local', 'X', item_id FROM item WHERE code = 'RUM' RETURNING 1"
    )
    with pytest.raises(UnknownNameError, match="names RUM, TEA: expected one that names a single item"):
        named("X")
    with pytest.raises(UnknownNameError, match="no item bears this name"):
        named("NOTHING")


def test_the_most_particular_tolerance_counts(floor: Floor) -> None:
    def put(**paper: object) -> None:
        floor.acts(lambda conn: put_tolerance(conn, NETWORK, TolerancePaper(**paper)))

    floor.receives("100")
    floor.counts(line("97"), minute=10)
    told = []
    for paper in (
        {"quantity": Decimal(5)},
        {"site": SITE, "quantity": Decimal(1)},
        {"category": "hot", "percent": Decimal(3)},
        {"site": SITE, "category": "hot", "percent": Decimal(2)},
        {"item": "TEA", "quantity": Decimal(3)},
        {"site": SITE, "item": "TEA", "quantity": Decimal(3), "value": Decimal(10)},
    ):
        put(**paper)
        told.append((floor.variance().tolerance["level"], floor.variance().state))
    assert told == [
        ("default", "within"),
        ("site", "beyond"),
        ("category", "within"),
        ("category", "beyond"),
        ("item", "within"),
        ("item", "beyond"),
    ]
    floor.costs("3")
    assert floor.variance().state == "within"
    put(site=SITE, item="TEA")
    assert len(floor.acts(lambda conn: tolerances(conn, CONTROLLER, limit=10))) == 5
    for wrong, error in (
        ({"item": "NIL", "quantity": Decimal(1)}, UnknownNameError),
        ({"item": "TEA", "category": "hot", "quantity": Decimal(1)}, CountingError),
        ({"percent": Decimal("NaN")}, CountingError),
        ({"percent": Decimal(-1)}, CountingError),
        ({"site": SITE, "item": "TEA"}, CountingError),
    ):
        with pytest.raises(error):
            put(**wrong)
    with pytest.raises(NotAllowedError, match="at all sites"):
        floor.acts(lambda conn: put_tolerance(conn, CONTROLLER, TolerancePaper(percent=Decimal(1))))
    with pytest.raises(NotAllowedError):
        floor.acts(
            lambda conn: put_tolerance(conn, SUPERVISOR, TolerancePaper(site=SITE, percent=Decimal(1)))
        )


def test_a_serial_item_has_no_tolerance(floor: Floor) -> None:
    floor.ledger.query("UPDATE item SET is_serialised = true WHERE code = 'TEA' RETURNING 1")
    floor.acts(lambda conn: put_tolerance(conn, NETWORK, TolerancePaper(percent=Decimal(50))))
    floor.receives("10")
    floor.receives("10", RUM)
    floor.counts(line("9"), line("9", RUM), minute=10)
    assert (floor.variance("TEA").state, floor.variance("RUM").state) == ("beyond", "within")


def test_accuracy_takes_the_first_blind_count_of_each_record(floor: Floor) -> None:
    for place in ("A-01", "A-02", "A-03"):
        floor.receives("10", location=place)
    floor.counts(line("9"), minute=10)
    floor.counts(line("10"), minute=12)
    floor.counts(line("10"), line("0", RUM), minute=13, place="A-02")
    floor.counts(line("9"), minute=14, place="A-03", blind=False)
    floor.counts(line("10"), minute=15, place="A-03", count_task="CT-9")
    floor.watermark(20)
    floor.settles()
    floor.counts(line("1", MUG), minute=30, place="A-04")

    def measured(**asked: object) -> tuple[list, int]:
        period = {"from_at": at(0), "until_at": at(60), **asked}
        return floor.acts(lambda conn: record_accuracy(conn, CONTROLLER, **period))

    (undirected, directed), waiting = measured()
    assert (undirected.records, undirected.accurate, undirected.empty_and_zero) == (2, 1, 1)
    assert undirected.ira == 0.5
    assert undirected.interval == pytest.approx((0.0945, 0.9055), abs=1e-4)
    assert (directed.is_directed, directed.records, directed.accurate) == (True, 1, 1)
    assert waiting == 1
    assert measured(until_at=at(0) + timedelta(minutes=11))[0][0].accurate == 0
    assert measured(category="cold") == ([], 1)
