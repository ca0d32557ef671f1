"""Pages are taken apart, and the next request is told, without any network."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.demand.domain import Faults
from cloud.demand.sources.asking import Ask, first_ask, next_ask
from cloud.demand.sources.confines import secret_of
from cloud.demand.sources.domain import (
    FaultyPageError,
    NewSource,
    Source,
    SourceAwayError,
    SourceKind,
    SourceSettings,
    faults_of,
    wait_after,
)
from cloud.demand.sources.pages import PageContent, parse, read_page

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FIELDS = {"document": "id", "line": "no", "sku": "sku", "quantity": "qty", "requested_at": "at"}
ROW = {"id": "A", "no": 1, "sku": "TEA", "qty": 2, "at": "2026-03-02T09:00:00Z"}


def source(cursor: str | None = None, **settings: Any) -> Source:
    how = {"fields": FIELDS, "cursor_parameter": "since", **settings}
    address = "https://shop.example/orders?all=1"
    settled = ("active", None, cursor, None, None, 1, NOW, 0, None, 0, None, NOW, "user:ann")
    return Source(1, "leeds", "shop", "rest", address, how, None, 5, *settled)


def content(rows: int = 1, cursor: str | None = None, next_url: str | None = None) -> PageContent:
    return PageContent((), rows, cursor, next_url)


def read(document: Any, **settings: Any) -> tuple[PageContent, Faults]:
    faults = Faults()
    how = SourceSettings.model_validate({"fields": FIELDS, **settings})
    document = parse(json.dumps(document).encode())
    return read_page(document, how, site="leeds", name="shop", faults=faults), faults


@pytest.mark.parametrize(
    ("cursor", "settings", "expected"),
    [
        (None, {"watermark": "at"}, ()),
        ("2026-03-02T10:00:00+01:00", {"watermark": "at"}, (("since", "2026-03-02T08:59:00Z"),)),
        ("2026-03-02T09:00:00Z", {"watermark": "at", "overlap_s": 0}, (("since", "2026-03-02T09:00:00Z"),)),
        ("4711", {"watermark": "no"}, (("since", "4711"),)),
        (
            "opaque==",
            {"cursor_path": "next", "page_size_parameter": "n"},
            (("n", "500"), ("since", "opaque==")),
        ),
    ],
)
def test_a_pull_begins_at_the_cursor_or_a_little_before_a_time(
    cursor: str | None, settings: dict[str, Any], expected: tuple[tuple[str, str], ...]
) -> None:
    assert first_ask(source(cursor, **settings)).parameters == expected


def test_a_date_is_asked_for_by_its_own_parameter_until_there_is_a_cursor() -> None:
    begun = replace(source(cursor_path="next", from_parameter="created_since"), from_at=NOW)
    assert first_ask(begun).parameters == (("created_since", "2026-03-02T12:00:00Z"),)
    assert first_ask(replace(begun, cursor="c")).parameters == (("since", "c"),)


def test_the_next_page_is_where_the_source_says_and_there_is_none_after_the_last() -> None:
    here = Ask("https://shop.example/orders", ())
    told = source(cursor_path="next")
    assert next_ask(here, content(cursor="c2"), told, None) == Ask(told.address or "", (("since", "c2"),), 2)
    again = Ask(told.address or "", (("since", "c2"),), 2)
    assert next_ask(again, content(cursor="c2"), told, None) is None, "the same cursor is the end"
    assert next_ask(here, content(rows=0, cursor="c3"), told, None) is None
    assert next_ask(here, content(), told, None) is None
    linked = source(watermark="at", next_path="links.next")
    following = next_ask(here, content(next_url="?page=2"), linked, None)
    assert following == Ask("https://shop.example/orders?page=2", (), 2)
    for elsewhere in (
        "http://shop.example/",
        "https://evil.example/",
        "https://shop.example:8/",
        "https://u:p@shop.example/",
    ):
        with pytest.raises(FaultyPageError, match="the secret is for no other"):
            next_ask(here, content(next_url=elsewhere), linked, None)
    numbered = source(watermark="at", page_parameter="page", page_size_parameter="n", page_size=2)
    first = first_ask(numbered)
    assert first.parameters == (("n", "2"), ("page", "1"))
    second = next_ask(first, content(rows=2), numbered, None)
    assert second == Ask(numbered.address or "", (("n", "2"), ("page", "2")), 2)
    assert next_ask(first, content(rows=1), numbered, None) is None


def test_numbers_are_read_as_they_are_written() -> None:
    row = b'{"id": 12345678901234567890, "no": 1, "sku": "TEA", "qty": 0.10, "at": "2026-03-02T09:00:00Z"}'
    found, faults = read(parse(b"[" + row + b"]"))
    assert (found.lines[0].document, found.lines[0].quantity) == ("12345678901234567890", "0.10")
    assert faults.total == 0
    for body in (b"[NaN]", b"", b"\xff", b"[" * 100_000, b'{"a": 1} x'):
        with pytest.raises(FaultyPageError, match="the answer is no JSON"):
            parse(body)


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ({"qty": "1e3"}, "quantity", "expected all digits"),
        ({"qty": [1]}, "quantity", "expected a text or a number"),
        ({"id": None}, "document", "expected a value, got none"),
        ({"at": "2026-03-02T09:00:00"}, "requested_at", "has no offset"),
        ({"sku": {"code": "TEA"}}, "sku", "expected a text or a number"),
        ({"id": "a\nb"}, "document", "expected no control characters"),
    ],
)
def test_a_wrong_value_is_told_with_its_line_and_column(
    row: dict[str, Any], column: str, message: str
) -> None:
    found, faults = read([ROW, ROW | row, ROW])
    assert len(found.lines) == 2
    ((place, field, told),) = faults.told
    assert (place, field) == (2, column)
    assert message in told


def test_a_row_of_nothing_is_refused_or_says_nothing_as_the_source_is_told() -> None:
    rows = [ROW, ROW | {"no": 2, "qty": 0}, ROW | {"no": 3, "qty": "0.00"}, ROW | {"no": 4, "qty": "0.5"}]
    found, faults = read(rows)
    assert [fault.place for fault in faults.told] == [2, 3]
    found, faults = read(rows, zeros="skip")
    assert ([line.line for line in found.lines], faults.total) == (["1", "4"], 0)
    wished = NewSource("leeds", "x", SourceKind.ORDERS, None, SourceSettings(zeros="skip"), None, 5)
    assert faults_of(wished) == ["zeros: expected fields to say where `quantity` is"]


def test_a_source_that_publishes_is_asked_for_nothing() -> None:
    asked = SourceSettings(cursor_parameter="since", kinds={"paid": "requested"})
    wished = NewSource("leeds", "x", SourceKind.MQTT, "/srv", asked, "file:x", 5, NOW)
    assert [fault.partition(":")[0] for fault in faults_of(wished)] == [
        "address and secret_from",
        "from",
        "cursor_parameter",
        "kinds",
        "kinds",
    ]
    assert faults_of(NewSource("leeds", "x", SourceKind.MQTT, None, SourceSettings(), None, 5)) == []


def test_watermarks_are_times_or_numbers_in_order() -> None:
    def last(*marks: object) -> str | None:
        return read([ROW | {"mark": mark} for mark in marks], watermark="mark")[0].cursor

    assert last("2026-03-02T10:30:00+01:00", "2026-03-02T09:30:00Z") == "2026-03-02T09:30:00Z"
    assert last("9", "10") == "10"
    assert last() is None
    for marks in (("10", "9"), ("2026-03-02T09:30:00Z", "10"), ("2026-03-02T09:30:00",), ({},), (None,)):
        with pytest.raises(FaultyPageError):
            last(*marks)


def test_waits_grow_to_six_hours_and_heed_what_the_source_asks() -> None:
    five = timedelta(minutes=5)
    assert [wait_after(n, five) for n in (1, 3, 9, 10_000)] == [
        timedelta(minutes=1), timedelta(minutes=4), timedelta(minutes=256), timedelta(hours=6),
    ]  # fmt: skip
    assert wait_after(1, five, timedelta(minutes=30)) == timedelta(minutes=30)
    assert wait_after(1, five, timedelta(days=9)) == timedelta(hours=6)
    assert wait_after(99, timedelta(days=7)) == timedelta(days=7)


def test_a_secret_is_read_from_where_the_row_names_it_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leeds").mkdir()
    (tmp_path / "leeds" / "shop").write_text("s3cret\n")
    (tmp_path / "leeds" / "two").write_text("s3\ncret")
    named = source(watermark="at")
    assert secret_of(named) is None
    in_file = replace(named, secret_from="file:shop")
    with pytest.raises(SourceAwayError, match="DEMAND_SOURCE_SECRETS is not set"):
        secret_of(in_file)
    monkeypatch.setenv("DEMAND_SOURCE_SECRETS", str(tmp_path))
    assert secret_of(in_file) == "s3cret"
    with pytest.raises(SourceAwayError, match="expected one line of printable ASCII"):
        secret_of(replace(named, secret_from="file:two"))
    with pytest.raises(SourceAwayError, match="secret leeds/gone in DEMAND_SOURCE_SECRETS"):
        secret_of(replace(named, secret_from="file:gone"))
    with pytest.raises(SourceAwayError, match="no such variable"):
        secret_of(replace(named, secret_from="env:DEMAND_SOURCE_LEEDS__X"))
    monkeypatch.setenv("DEMAND_SOURCE_YORK__X", "another site's")
    with pytest.raises(SourceAwayError, match="expected env:DEMAND_SOURCE_LEEDS__NAME"):
        secret_of(replace(named, secret_from="env:DEMAND_SOURCE_YORK__X"))
    with pytest.raises(SourceAwayError, match="secret york/shop in DEMAND_SOURCE_SECRETS"):
        secret_of(replace(in_file, site="york"))
    for other in (
        "env:DEMAND_SOURCE_YORK__X",
        "env:DEMAND_SOURCE_LEEDS__YORK__X",
        "env:DEMAND_SOURCE_LEEDS__",
        "env:DEMAND_SOURCE_X",
        "env:DEMAND_SOURCE_FOLDERS",
        "file:york/shop",
        "env:HOME",
        "env:DOCKLEDGER_APP_DSN",
        "file:../x",
        "file:/etc/passwd",
        "file:.hidden",
    ):
        wished = NewSource("leeds", "x", SourceKind.REST, "https://x.example", named.how, other, 5)
        assert any("never the secret itself" in fault for fault in faults_of(wished)), other
