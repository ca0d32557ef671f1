"""What was sent in place of what was asked for: demand belongs to what was asked for, and it is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from asking import NOW, PLANNER, Demand, line

from cloud.cli import main
from cloud.demand import substitutions
from cloud.demand.domain import FaultyLinesError, StagedLine
from cloud.demand.substitutions import Recorded, Substitution
from cloud.forecasting.domain import ForecastError
from cloud.forecasting.execution import ExecutionEffect, execution_effect, read_execution

SENT_AT = datetime(2026, 3, 3, 8, tzinfo=UTC)
DAYS = ("2026-03-01", "2026-03-05")


def swap(asked: str, quantity: int, sent: str, sent_quantity: int, document: str = "D-1") -> Substitution:
    return Substitution(
        1,
        "leeds",
        "till",
        document,
        "1",
        asked,
        Decimal(quantity),
        sent,
        Decimal(sent_quantity),
        SENT_AT,
        None,
    )


def asked_for(item: str, quantity: str, document: str = "D-1", **more: str) -> StagedLine:
    return line(quantity, source="till", document=document, **more)._replace(scheme="item", value=item)


def record(demand: Demand, *given: Substitution) -> Recorded:
    numbered = [each._replace(place=place) for place, each in enumerate(given, start=1)]
    return demand.ledger.as_app(
        lambda conn: substitutions.record(conn, PLANNER, numbered, origin="line", now=NOW)
    )


def days(demand: Demand) -> dict[str, Decimal]:
    return {item: quantity for (item, _), quantity in demand.days(*DAYS).items()}


@pytest.fixture(autouse=True)
def without(demand: Demand) -> None:
    demand.ledger.as_owner(
        lambda conn: conn.execute("UPDATE demand_substitution SET sent_quantity = 0, asked_quantity = 0")
    )


def test_demand_belongs_to_what_was_asked_for_whatever_the_line_tells(demand: Demand) -> None:
    demand.tell(asked_for("MUG", "6"), asked_for("TEA", "4", "D-2"), asked_for("MUG", "1", "D-3"))
    assert days(demand) == {"MUG": 7, "TEA": 4}
    told = [swap("TEA", 12, "MUG", 6), swap("TEA", 4, "MUG", 2, "D-2")]
    assert record(demand, *told).added == 2
    assert days(demand) == {"MUG": 1, "TEA": 16}, "what the till sold as mugs was asked for as tea"
    assert record(demand, *told) == Recorded(2, 0, 0, 2), "again, nothing changes"

    assert told_by_departures(demand) == {"TEA": (16, 16, 0, 0), "MUG": (1, 0, 8, 9)}

    demand.tell(asked_for("MUG", "3", number="2", kind="cancelled", of=("D-1", "1")))
    assert days(demand) == {"MUG": 1, "TEA": 10}, "half of what was sold as mugs was cancelled"
    assert record(demand, swap("TEA", 0, "MUG", 0), swap("TEA", 4, "MUG", 3, "D-2")).corrected == 2
    assert days(demand) == {"MUG": 4, "TEA": 4}, "it was not so after all"


def test_of_a_line_with_two_substitutions_a_cancellation_shrinks_both_alike(demand: Demand) -> None:
    demand.ledger.query(
        "INSERT INTO item (code) VALUES ('POT') ON CONFLICT (code) DO UPDATE SET code = item.code RETURNING 1"
    )
    demand.tell(asked_for("TEA", "10"))
    record(demand, swap("TEA", 4, "MUG", 2), swap("TEA", 4, "POT", 8))
    assert told_by_departures(demand) == {"TEA": (10, 8, 0, 2), "MUG": (0, 0, 2, 2), "POT": (0, 0, 8, 8)}
    demand.tell(asked_for("TEA", "6", number="2", kind="cancelled", of=("D-1", "1")))
    assert told_by_departures(demand) == {"TEA": (4, 4, 0, 0), "MUG": (0, 0, 1, 1), "POT": (0, 0, 4, 4)}
    demand.tell(asked_for("TEA", "4", number="3", kind="cancelled", of=("D-1", "1")))
    assert told_by_departures(demand) == {}


def told_by_departures(demand: Demand) -> dict[str, tuple[Decimal, ...]]:
    begin = SENT_AT.replace(day=1)
    rows = demand.ledger.as_app(
        lambda conn: substitutions.feedback(conn, PLANNER, site="leeds", from_at=begin, until_at=NOW)
    )
    return {row.item: (row.asked, row.sent_instead, row.stood_in, row.left) for row in rows}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (swap("TEA", 1, "MUG", 7), "line '1' of document 'D-1' asks for 6, of which 7 would be others"),
        (swap("TEA", 1, "MUG", 1, "D-9"), "line '1' of document 'D-9' is not known: send the request first"),
        (swap("TEA", 1, "CUP", 1), "sent: there is no item 'CUP'"),
        (swap("MUG", 1, "MUG", 1), "'MUG' is what was asked for: expected another item"),
        (swap("TEA", 0, "MUG", 1), "expected both quantities above zero, or both 0"),
        (swap("TEA", 1, "MUG", 1)._replace(sent_at=NOW.replace(year=2027)), "is in the future"),
        (swap("TEA", 1, "MUG", 1)._replace(site="mars"), "site: there is no site 'mars'"),
        (swap("TEA", 1, "POT", 1, "D-4"), "tells 'MUG': expected that this was asked for, or sent"),
    ],
)
def test_a_substitution_that_cannot_be_is_told_and_nothing_is_recorded(
    demand: Demand, given: Substitution, message: str
) -> None:
    demand.ledger.query(
        "INSERT INTO item (code) VALUES ('POT') ON CONFLICT (code) DO UPDATE SET code = item.code RETURNING 1"
    )
    demand.tell(asked_for("MUG", "6"), asked_for("MUG", "1", "D-4"), asked_for("MUG", "1", "D-5"))
    with pytest.raises(FaultyLinesError) as error:
        record(demand, swap("TEA", 2, "MUG", 1, "D-5"), given)
    assert message in str(error.value)
    assert days(demand) == {"MUG": 8}


def test_a_file_of_substitutions_is_taken_whole_or_not_at_all(
    demand: Demand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    demand.tell(asked_for("MUG", "6"), asked_for("MUG", "2", "D-2"))
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", demand.ledger.app_dsn)
    monkeypatch.chdir(tmp_path)
    run = commanded(capsys)
    header = "document;line;asked;asked_quantity;sent;sent_quantity;sent_at;reason\n"
    good = "D-1;1;TEA;6;MUG;3;2026-03-03T08:00:00Z;none left\n"
    importing = ("import", "swaps.csv", "--site", "leeds", "--source", "till")
    Path("swaps.csv").write_text(header + good + "D-2;1;TEA;-1;MUG;1;2026-03-03 08:00;\n" + "D-2;1;TEA\n")
    code, _, told = run(*importing)
    assert code == 1
    assert "swaps.csv, line 3: asked_quantity: '-1': " in told
    assert "swaps.csv, line 3: sent_at: '2026-03-03 08:00': " in told
    assert "swaps.csv, line 4: row: expected 8 cells as in the header, got 3" in told
    assert days(demand) == {"MUG": 8}
    Path("swaps.csv").write_text("\ufeff" + header + good)
    code, told, _ = run(*importing)
    assert (code, told.split(",")[0], told.split(", ")[-1]) == (0, "1 substitutions", "0 repeated\n")
    assert days(demand) == {"MUG": 5, "TEA": 6}
    assert "6 TEA asked, 3 MUG sent" in run("list", "--item", "TEA")[1]
    told = run("effect", "--site", "leeds", "--days", "3660")[1]
    assert "TEA                   asked 6  short 0  others sent 6  stood in 0  -100.0% without this" in told
    Path("swaps.csv").write_bytes(b"\xff\xfe")
    assert run(*importing)[2] == "dockledger: swaps.csv, byte 0: expected UTF-8\n"
    Path("swaps.csv").write_text("document,line,when\n")
    assert "no column 'asked'" in run(*importing)[2]


def commanded(capsys: pytest.CaptureFixture) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["demand", "substitutions", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_what_is_told_of_substitutions_makes_forecasts_better_by_a_measured_amount(
    demand: Demand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    begin = datetime(2025, 9, 1, 12, tzinfo=UTC)
    weeks = [begin + timedelta(weeks=number) for number in range(60)]
    lines, swaps = [], []
    for number, at in enumerate(weeks):
        is_swapped = number >= 40
        at_time = at.isoformat()
        for item, quantity in (("TEA", "4"), ("MUG", "4"), ("MUG" if is_swapped else "TEA", "6")):
            document = f"H-{number}-{len(lines)}"
            lines.append(asked_for(item, quantity, document, at=at_time))
            if is_swapped and quantity == "6":
                swaps.append(swap("TEA", 6, "MUG", 6, document)._replace(sent_at=at))
    demand.tell(*lines)
    now = weeks[-1] + timedelta(days=2)
    with pytest.raises(ForecastError, match="nothing was short, and nothing sent instead"):
        measured(demand, now)
    record(demand, *swaps)
    found = measured(demand, now)
    assert (found.items, found.origins, found.asked, found.left) == (2, 13, 840, 840)
    assert found.told.wape == pytest.approx(0, abs=1e-6), "ten of tea and four of mugs, every week"
    assert found.untold.wape == pytest.approx(12 / 14, rel=0.2), "it takes six of tea for mugs"
    assert found.untold.bias == pytest.approx(0, abs=0.05)
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", demand.ledger.app_dsn)
    assert main(["forecast", "feedback", "--site", "leeds"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("leeds: 2 items, ")
    assert told[1].split("  ")[1:3] == ["told of them", ""]
    assert "error 0.0% of demand" in told[1]
    assert main(["forecast", "feedback", "--site", "mars"]) == 1


def measured(demand: Demand, now: datetime) -> ExecutionEffect:
    return execution_effect(
        demand.ledger.as_app(lambda conn: read_execution(conn, PLANNER, site="leeds", now=now))
    )
