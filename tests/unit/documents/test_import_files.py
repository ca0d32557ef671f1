"""Files for an import: what is wrong is told all at once, by line, value and expectation."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cloud.documents.import_file import ImportFileError, ImportPaper, read_import
from cloud.documents.json_lines import line_at, lines_of

GTIN = "09521141123454"
CASE = "19521141123451"
PALLET = "106141412345678908"
GOOD: dict[str, Any] = {
    "site": "leeds",
    "items": [{"code": "HAM", "levels": [{"gtin": GTIN, "base_units": 1}, {"gtin": CASE, "base_units": 24}]}],
    "documents": [
        {
            "type": "asn",
            "id": "ASN-1",
            "lines": [
                {
                    "line": "1",
                    "identifier": {"scheme": "gtin", "value": CASE},
                    "quantity": "20",
                    "units": [PALLET],
                },
                {"line": "2", "identifier": {"scheme": "gtin", "value": GTIN}, "quantity": "5.5"},
            ],
        }
    ],
}


def written(directory: Path, content: object, name: str = "dock.json") -> Path:
    """Write a file as it is, or as JSON of one value per line."""
    path = directory / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(json.dumps(content, indent=1), "utf-8")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(ImportFileError) as caught:
        read_import(path)
    return [fault.removeprefix(f"{path}, ") for fault in caught.value.faults]


def changed(*steps: tuple[str | int, ...], to: object) -> dict[str, Any]:
    """Copy the good file with one value changed."""
    copy = json.loads(json.dumps(GOOD))
    for path in steps:
        place = copy
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to
    return copy


def test_a_good_file_is_read_with_the_site_of_all(tmp_path: Path) -> None:
    papers = read_import(written(tmp_path, GOOD))
    assert isinstance(papers, ImportPaper)
    assert [document.site for document in papers.documents] == ["leeds"]
    assert papers.placed("wrong", "documents", 0) == f"{tmp_path}/dock.json, line 19: wrong"


FIRST = ("documents", 0, "lines", 0)
BAD = [
    (
        (*FIRST, "quantity"),
        "0",
        "line 29: documents.0.lines.0.quantity: Input should be greater than 0, got '0'",
    ),
    ((*FIRST, "quantity"), "12,5", "line 29: documents.0.lines.0.quantity"),
    (
        (*FIRST, "units"),
        ["106141412345678909"],
        "line 31: documents.0.lines.0.units.0: SSCC '106141412345678909': its check digit is wrong",
    ),
    (
        ("items", 0, "levels", 0, "gtin"),
        "5.01E+12",
        "line 8: items.0.levels.0.gtin: GTIN '5.01E+12': expected 14 digits (a spreadsheet",
    ),
    (
        ("items", 0, "levels", 0, "gtin"),
        9521141123454,
        "line 8: items.0.levels.0.gtin: Input should be a valid string",
    ),
    (("items", 0, "levels", 1, "gtin"), GTIN, f"line 4: items.0: item 'HAM': GTIN {GTIN} stands there twice"),
    (
        ("items", 0, "levels", 1, "base_units"),
        0,
        "line 13: items.0.levels.1.base_units: Input should be greater",
    ),
    (
        ("documents", 0, "lines", 1, "line"),
        "1",
        "line 35: documents.0.lines.1.line: document 'ASN-1': line '1' stands there twice",
    ),
    (
        ("documents", 0, "type"),
        "invoice",
        "line 20: documents.0.type: Input should be 'asn', 'outbound_order'",
    ),
    (("documents", 0, "lines"), [], "line 22: documents.0.lines"),
    (("shipments",), [], "line 45: shipments: Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("place", "value", "told"), BAD)
def test_a_wrong_value_is_told_with_its_line(
    tmp_path: Path, place: tuple[str | int, ...], value: object, told: str
) -> None:
    (fault,) = faults(written(tmp_path, changed(place, to=value)))
    assert fault.startswith(told)


def test_every_wrong_value_is_told_at_once(tmp_path: Path) -> None:
    places = (*FIRST, "quantity"), ("items", 0, "levels", 0, "base_units"), ("documents", 0, "partner")
    assert [fault.split(":")[0] for fault in faults(written(tmp_path, changed(*places, to=-1)))] == [
        "line 9",
        "line 43",
        "line 29",
    ]


def test_a_file_that_is_no_utf8_or_no_json_says_where(tmp_path: Path) -> None:
    cafe = b'{"site": "leeds",\n"items": [{"code": "caf\xe9"}]}'
    assert faults(written(tmp_path, cafe)) == [
        "line 2: byte 0xe9 is not UTF-8: save it as UTF-8, not as Windows-1252"
    ]
    assert faults(written(tmp_path, b'{"items":\n[,]}'))[0].startswith("line 2: ")
    assert faults(written(tmp_path, b"[]")) == ["line 1: expected a JSON object, got list"]
    with pytest.raises(ImportFileError, match="No such file"):
        read_import(tmp_path / "none.json")
    assert read_import(written(tmp_path, b"\xef\xbb\xbf{}")).documents == ()


def test_lines_are_those_of_every_value_whatever_stands_in_strings() -> None:
    text = '{"a\\"b": [1, "x}\\n]",\n {"c": {}, "d": [\n[], true]}],\n"e": null}'
    lines = lines_of(text)
    assert lines[('a"b', 0)] == 1
    assert lines['a"b', 2, "d"] == 2
    assert lines['a"b', 2, "d", 1] == 3
    assert lines[("e",)] == 4
    assert line_at(lines, ("e", "beyond")) == 4
    assert line_at({}, ("e",)) is None


ROWS = f"""type;id;line;gtin;quantity;unit;lot
asn;ASN-1;1;{CASE};20;{PALLET};L-1

asn;ASN-1;2;{GTIN};3;;
outbound_order;SO-1;1;{CASE};1;;
"""


def test_a_spreadsheets_rows_become_documents(tmp_path: Path) -> None:
    notice, order = read_import(written(tmp_path, ROWS.encode(), "asn.csv"), site="leeds").documents
    assert [(line.line, line.quantity, line.unit_seen, line.units, line.lot) for line in notice.lines] == [
        ("1", 20, CASE, (PALLET,), "L-1"),
        ("2", 3, GTIN, (), None),
    ]
    assert (order.type, order.site, len(order.lines)) == ("outbound_order", "leeds", 1)
    comma = ROWS.replace(";", ",").replace(",L-1", ',"L,1"').encode()
    assert read_import(written(tmp_path, comma, "b.csv"), site="leeds").documents[0].lines[0].lot == "L,1"


ORDERED = """type,id,line,sku,quantity,partner,sent_at,price,due_on,to_site,carrier
purchase_order,PO-1,1,TEA-500,24,ACME,2026-03-01T09:00:00+01:00,1.25,2026-03-09,,
purchase_order,PO-1,2,MUG,6,ACME,,,2026-03-10,,
transfer,T-1,1,MUG,6,,,,2026-03-04,york,DSV
asn,ASN-2,1,MUG,6,ACME,,,2026-03-04,,
"""


def test_orders_and_transfers_stand_among_a_spreadsheets_documents(tmp_path: Path) -> None:
    papers = read_import(written(tmp_path, ORDERED.encode(), "all.csv"), site="leeds")
    (order,), (transfer,), (notice,) = papers.orders, papers.transfers, papers.documents
    assert (order.site, order.id, order.supplier, f"{order.sent_at:%H:%M}") == (
        "leeds",
        "PO-1",
        "ACME",
        "08:00",
    )
    assert [(line.item, line.quantity, line.price, f"{line.due_on}") for line in order.lines] == [
        ("TEA-500", 24, Decimal("1.25"), "2026-03-09"),
        ("MUG", 6, None, "2026-03-10"),
    ]
    assert (transfer.from_site, transfer.to_site, transfer.carrier) == ("leeds", "york", "DSV")
    assert (f"{transfer.due_on}", notice.partner) == ("2026-03-04", "ACME")
    unsaid = ORDERED.replace("york", "").replace("1.25", "1.2.5").replace("2026-03-10", "10/03/2026")
    with pytest.raises(ImportFileError) as caught:
        read_import(written(tmp_path, unsaid.encode(), "b.csv"), site="leeds")
    assert [fault.partition(", ")[2][:24] for fault in caught.value.faults] == [
        "line 2, price: '1.2.5': ",
        "line 3, due_on: '10/03/2",
    ]
    with pytest.raises(ImportFileError, match=r"line 4: transfers\.0\.to_site: Field required"):
        read_import(written(tmp_path, ORDERED.replace("york", "").encode(), "c.csv"), site="leeds")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            f";{CASE};20",
            ";1.95E+13;20",
            "line 2, gtin: '1.95E+13': a spreadsheet has made the GTIN a rounded",
        ),
        (
            f";{CASE};20",
            ";19521141123451;1,5",
            "line 2, quantity: '1,5': a comma may part decimals",
        ),
        (f"{GTIN};3;;", f"{GTIN};3", "line 4: expected 7 cells as in the header, got 5"),
        (
            "gtin;",
            "ean;",
            "line 1: column 'ean' is unknown: expected type, id, line, quantity",
        ),
        (";lot", ";unit", "line 1: column 'unit' stands there twice"),
        (f";2;{GTIN}", f";1;{GTIN}", "line 4: documents.0.lines.1.line: document 'ASN-1': line '1' stands"),
        (
            "outbound_order;SO-1;1;",
            "outbound_order;SO-1;;",
            "line 5: documents.1.lines.0.line: Field required",
        ),
    ],
)
def test_a_wrong_row_is_told_with_its_line(tmp_path: Path, before: str, after: str, told: str) -> None:
    path = written(tmp_path, ROWS.replace(before, after).encode(), "asn.csv")
    with pytest.raises(ImportFileError) as caught:
        read_import(path, site="leeds")
    assert [fault.removeprefix(f"{path}, ")[: len(told)] for fault in caught.value.faults] == [told]
