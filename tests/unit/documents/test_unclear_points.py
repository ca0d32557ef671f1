"""`1.500` between semicolons is 1.5 or 1500: asked by every reader of files, unless said or plain (D8)."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cloud.counting.reconciling.reading import read_list
from cloud.demand.csv_file import read_csv
from cloud.demand.domain import Faults
from cloud.demand.rows import Defaults
from cloud.documents.import_file import read_import
from cloud.documents.receiving.sheet import Delivered, read_delivery
from cloud.documents.shipping.sheet import Leaving, read_shipment
from cloud.master.supplier_papers import read_suppliers
from cloud.recipes.papers import read_recipes
from cloud.sheets.fields import Conventions
from cloud.sheets.workbook import workbook

AS_IT_IS = Conventions()
SAID = Conventions(has_decimal_point=True)
AT = datetime(2026, 3, 2, tzinfo=UTC)


def of_documents(path: Path, conventions: Conventions) -> list[Decimal]:
    (paper,) = read_import(path, site="leeds", conventions=conventions).documents
    return [line.quantity for line in paper.lines]


def of_orders(path: Path, conventions: Conventions) -> list[Decimal]:
    (order,) = read_import(path, site="leeds", conventions=conventions).orders
    return [line.price or Decimal(0) for line in order.lines]


def of_receipts(path: Path, conventions: Conventions) -> list[Decimal]:
    return [
        line.received
        for line in read_delivery(path, Delivered("leeds", "R", "A"), conventions=conventions).lines
    ]


def of_shipments(path: Path, conventions: Conventions) -> list[Decimal]:
    head = Leaving("leeds", "S", "A", ("outbound_order", "SO"))
    return [line.quantity for line in read_shipment(path, head, conventions=conventions).lines]


def of_stock_lists(path: Path, conventions: Conventions) -> list[Decimal]:
    stated = read_list(path, site="leeds", observed_at=AT, conventions=conventions)
    if stated.faults:
        raise ValueError("\n".join(fault.message for fault in stated.faults))
    return [line.quantity or Decimal(0) for line in stated.lines]


def of_recipes(path: Path, conventions: Conventions) -> list[Decimal]:
    (recipe,) = read_recipes(path, conventions=conventions)
    return [each.quantity for each in (*recipe.inputs, *recipe.outputs)]


def of_demand(path: Path, conventions: Conventions) -> list[Decimal]:
    faults, defaults = Faults(), Defaults("leeds", "till")
    how = {"conventions": conventions, "encoding": "utf-8", "faults": faults, "defaults": defaults}
    lines = list(read_csv(path, progress=lambda _: None, **how))
    if faults.total:
        raise ValueError("\n".join(fault.message for fault in faults.told))
    return [Decimal(line.quantity) for line in lines]


def of_suppliers(path: Path, conventions: Conventions) -> list[Decimal]:
    _, terms = read_suppliers(path.read_text("utf-8"), "terms.csv", conventions=conventions)
    return [each.price or Decimal(0) for each in terms.values()]


Reader = Callable[[Path, Conventions], list[Decimal]]
READERS: dict[str, tuple[Reader, str, str]] = {
    "documents": (of_documents, "type;id;line;sku;lot;quantity", "asn;A;{n};TEA;1.500;{q}"),
    "orders": (
        of_orders,
        "type;id;line;sku;partner;sent_at;due_on;quantity;price",
        "purchase_order;P;{n};TEA;ACME;2026-03-02T09:00:00Z;2026-03-09;3;{q}",
    ),
    "receipts": (of_receipts, "sku;lot;received", "TEA;1.500;{q}"),
    "shipments": (of_shipments, "of_line;lot;quantity", "{n};1.500;{q}"),
    "stock lists": (of_stock_lists, "item;location;lot;quantity", "TEA;A-0{n};1.500;{q}"),
    "recipes": (of_recipes, "recipe;kind;side;item;quantity", "KIT;kit;{side};TEA{n};{q}"),
    "demand": (
        of_demand,
        "document;line;requested_at;sku;quantity",
        "1.500;{n};2026-03-02T09:00:00Z;TEA;{q}",
    ),
    "suppliers": (of_suppliers, "supplier;item;price", "ACME;TEA{n};{q}"),
}


def table(form: str, *quantities: str, delimiter: str = ";") -> str:
    _, header, row = READERS[form]
    rows = [
        row.format(n=number, q=text, side="input" if number < len(quantities) else "output")
        for number, text in enumerate(quantities, start=1)
    ]
    return "\n".join([header, *rows, ""]).replace(";", delimiter)


@pytest.mark.parametrize("form", READERS)
def test_a_point_before_three_digits_is_asked_between_semicolons_unless_said_or_plain(
    form: str, tmp_path: Path
) -> None:
    read, path = READERS[form][0], tmp_path / "a.csv"

    def told(*quantities: str, conventions: Conventions = AS_IT_IS, delimiter: str = ";") -> list[Decimal]:
        path.write_text(table(form, *quantities, delimiter=delimiter), encoding="utf-8")
        return read(path, conventions)

    with pytest.raises(Exception, match=r"'1\.500' is 1\.5 or 1500 between semicolons: say --decimal-point"):
        told("3", "1.500")
    assert told("3", "1.500", conventions=SAID) == [3, Decimal("1.5")]
    for plain in ("2.5", "0.125", "1500.250"):
        assert told(plain, "1.500") == [Decimal(plain), Decimal("1.5")], "the column makes it plain"
    assert told("3", "1.500", delimiter=",") == [3, Decimal("1.5")]
    assert told("3", "1500") == [3, 1500]
    for doubtful in ("1,5", "1,500"):
        with pytest.raises(Exception, match=f"'?{doubtful}'?"):
            told("1.500", doubtful)


def test_numbers_of_workbooks_are_numbers_already(tmp_path: Path) -> None:
    path = tmp_path / "came.xlsx"
    path.write_bytes(workbook("came", ["sku", "received"], [["TEA", 1.5], ["TEA", 1500]]))
    assert of_receipts(path, AS_IT_IS) == [Decimal("1.5"), 1500]
