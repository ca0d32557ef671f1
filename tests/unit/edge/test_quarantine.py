"""Damaged outbox files keep their logs and their order, whatever the clock says."""

from pathlib import Path

from edge_agent.outbox.quarantine import (
    damaged_before,
    finish_quarantine,
    log_of,
    quarantine,
    quarantined,
)


def put_aside(path: Path, name: str, stamp: str) -> Path:
    path.write_text(name)
    log_of(path).write_text(f"log of {name}")
    return quarantine(path, stamp)


def test_a_clock_set_back_parts_no_file_from_its_log_and_keeps_the_order(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    early = tmp_path / "outbox.db.damaged-20261125T150000.000000"
    early.write_text("earlier version")
    first = put_aside(path, "A", "20261126T150000.000000")
    second = put_aside(path, "B", "20260101T000000.000000")
    third = put_aside(path, "C", "20260101T000000.000000")
    assert [log_of(each).read_text() for each in (first, second, third)] == [
        "log of A",
        "log of B",
        "log of C",
    ]
    assert quarantined(path) == [early, first, second, third]
    assert damaged_before(second) == [early, first]


def test_a_log_left_behind_goes_after_its_file_but_never_over_another_log(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.write_text("A")
    target = quarantine(path, "20261126T150000.000000")
    for text in ("log of A", "nobody's log"):
        log_of(path).write_text(text)
        finish_quarantine(path)
    assert log_of(target).read_text() == "log of A"
    assert quarantined(path) == [target]
    assert sorted(each.read_text() for each in tmp_path.glob("*-wal")) == ["log of A", "nobody's log"]
