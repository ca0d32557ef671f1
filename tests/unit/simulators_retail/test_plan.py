"""Real invoices become work: nothing is lost on the way, and stock always suffices."""

from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from simulators.retail.fold import fold
from simulators.retail.lines import EXTRACT, LinesError, PosLine, read_lines
from simulators.retail.operator import labels
from simulators.retail.plan import Document, Kind, Move, plan
from simulators.retail.rules import SCANNED, Verdict, judge

WHOLE_FILE = Path(__file__).parents[4] / "shared/data/forecast/onlineretail_pos_lines.parquet"
SOURCES = [
    pytest.param(EXTRACT, id="extract"),
    pytest.param(
        WHOLE_FILE,
        id="whole file",
        marks=[
            pytest.mark.soak,
            pytest.mark.skipif(not WHOLE_FILE.exists(), reason="the data set is not here"),
        ],
    ),
]


def line(
    stock_code: str, quantity: int, *, invoice: str = "536365", price: str = "1", customer: str = "1"
) -> PosLine:
    return PosLine(
        1, invoice, stock_code, Decimal(quantity), datetime(2010, 12, 1, 8), Decimal(price), customer or None  # noqa: DTZ001  the file's own
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pos_line", "verdict"),
    [
        (line("85123A", 6), Verdict.SHIPMENT),
        (line("DCGS0076", 1), Verdict.SHIPMENT),
        (line("85123A", -6, invoice="C536365"), Verdict.CUSTOMER_RETURN),
        (line("POST", 1), Verdict.NOT_GOODS),
        (line("M", -1, invoice="C536365"), Verdict.NOT_GOODS),
        (line("gift_0001_20", 1), Verdict.NOT_GOODS),
        (line("B", 1, invoice="A563185"), Verdict.NOT_GOODS),
        (line("85123A", -6, price="0", customer=""), Verdict.ADJUSTMENT),
        (line("85123A", 60, price="0", customer=""), Verdict.ADJUSTMENT),
        (line("85123A", 6, price="0"), Verdict.SHIPMENT),
        (line("85123A", -6), Verdict.UNEXPLAINED),
        (line("85123A", 6, invoice="C536365"), Verdict.UNEXPLAINED),
        (line("85123A", 0), Verdict.UNEXPLAINED),
    ],
)
def test_every_line_has_a_verdict(pos_line: PosLine, verdict: Verdict) -> None:
    assert judge(pos_line) is verdict


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("ports", [1, 2])
def test_the_plan_holds_every_scanned_line_once_and_sums_to_the_file_itself(source: Path, ports: int) -> None:
    lines = list(read_lines(source))
    totals: defaultdict[str, Counter[Kind]] = defaultdict(Counter)
    planned: list[int] = []
    for document in plan(lines, ports):
        for move in document.moves:
            totals[move.item][document.kind] += int(move.quantity)
            if move.file_line is not None:
                planned.append(move.file_line)
    assert sorted(planned) == [each.number for each in lines if judge(each) in SCANNED]
    account = fold(lines, replayed=range(1, len(lines) + 1))
    assert {
        item: {"shipped": Decimal(sums[Kind.SHIPMENT]), "returned": Decimal(sums[Kind.CUSTOMER_RETURN])}
        for item, sums in totals.items()
    } == account
    assert not [each for each in lines if judge(each) is Verdict.UNEXPLAINED]


@pytest.mark.parametrize("ports", [1, 3])
def test_each_scanner_receives_before_it_ships(ports: int) -> None:
    stocks: list[Counter[str]] = [Counter() for _ in range(ports)]
    for document in plan(read_lines(EXTRACT), ports, first_port=1):
        for move in document.moves:
            if document.kind is Kind.RECEIPT:
                stocks[document.port][move.item] += int(move.quantity)
            elif document.kind is Kind.SHIPMENT:
                stocks[document.port][move.item] -= int(move.quantity)
                assert stocks[document.port][move.item] >= 0
    assert any(sum(stock.values()) for stock in stocks), "whole cases leave a rest"


def test_an_invoice_that_the_file_comes_back_to_counts_its_lines_on() -> None:
    invoices = ("1", "1", "2", "1")
    lines = [line("85123A", 1, invoice=invoice) for invoice in invoices]
    documents = [document for document in plan(lines, 2) if document.kind is Kind.SHIPMENT]
    assert [(document.id, [move.line for move in document.moves]) for document in documents] == [
        ("1", [1, 2]), ("2", [1]), ("1", [3]),
    ]  # fmt: skip


def test_labels_name_lines_and_quantities_only_where_they_are_needed() -> None:
    moves = (
        Move(1, "85123A", Decimal(6)),
        Move(2, "71053", Decimal(1)),
        Move(5, "71053", Decimal(1)),
        Move(6, "71053", Decimal(1)),
    )
    texts = [label.text.removeprefix("]C0") for label in labels(Document(0, Kind.SHIPMENT, "536365", moves))]
    assert texts == [
        "$SHIP/536365", "$QTY/6", "85123A", "71053", "$LINE/5", "71053", "$QTY/1", "71053",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("InvoiceNo,StockCode\n1,2\n", "line 1.*Quantity"),
        ("InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID\n1,2,six,2010-12-01,1,\n", "line 1"),
        ("InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID\n1,2,6,1/12/2010,1,\n", "line 1"),
    ],
)
def test_a_file_that_holds_no_pos_lines_says_where(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LinesError, match=message):
        list(read_lines(path))
