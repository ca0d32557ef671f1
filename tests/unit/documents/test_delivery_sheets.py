"""A delivery from a spreadsheet: what could be two things is asked, what Excel has spoilt is refused."""

from pathlib import Path

import pytest

from cloud.documents.domain import DocumentError
from cloud.documents.import_file import ImportFileError, read_import, read_visits
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.receiving.sheet import Delivered, UnreadDeliveryError, read_delivery
from cloud.documents.shipping.sheet import Leaving, read_shipment
from cloud.sheets.fields import Conventions
from cloud.sheets.table import Encoding
from cloud.sheets.workbook import workbook

CASE = "19521141123451"
HEAD = Delivered("leeds", "R-1", "STAGE-1", ("asn", "ASN-1"))
COMMA = Conventions(has_decimal_comma=True)


def read(
    directory: Path,
    text: str | bytes,
    *,
    conventions: Conventions = Conventions(),  # noqa: B008  a value
    encoding: Encoding = "utf-8",
    name: str = "a.csv",
) -> DeliveryPaper:
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_delivery(path, HEAD, conventions=conventions, encoding=encoding)


def test_semicolons_commas_and_windows_1252_are_read_when_they_are_said(tmp_path: Path) -> None:
    text = "of_line;received;damaged;lot;reason\n1;2,5;;L-é;\n2;;1,25;;damaged\n3;0;;;\n"
    paper = read(tmp_path, text.encode("cp1252"), conventions=COMMA, encoding="windows-1252")
    assert [
        (line.of.line if line.of else "", line.received, line.damaged, line.lot) for line in paper.lines
    ] == [
        ("1", 2.5, 0, "L-é"),
        ("2", 0, 1.25, None),
    ], "a line of zero did not come"
    with pytest.raises(
        DocumentError, match=r"line 2: byte 0xe9 is not utf-8: expected utf-8, or say --encoding"
    ):
        read(tmp_path, text.encode("cp1252"), conventions=COMMA)


def test_every_trap_of_a_spreadsheet_is_told_with_its_place_at_once(tmp_path: Path) -> None:
    text = (
        "gtin,sku,received,unit_seen,reason,sscc\n"
        "5.01E+12,,1,,,\n"
        "19521141123450,,1,,,\n"
        "9521141123454,,1,,,\n"
        ',TEA,"1,5",,,\n'
        ",TEA,-3,,,\n"
        ",TEA,1,,gone,\n"
        ",TEA,1,,,123\n"
        f"{CASE},TEA,1,,,\n"
        ",TEA,1\n"
    )
    with pytest.raises(DocumentError) as caught:
        read(tmp_path, text)
    told = [line.partition("a.csv: ")[2] for line in str(caught.value).splitlines()]
    expected = (
        "line 10: expected 6 cells as in the header, got 3",
        "line 2, gtin: '5.01E+12': a spreadsheet has made the GTIN a rounded number",
        "line 3, gtin: '19521141123450': the GTIN's check digit is wrong",
        "line 5, received: '1,5': a comma may part decimals or thousands: say --decimal-comma",
        "line 6, received: '-3': expected a quantity above zero",
        "line 7, reason: 'gone': expected damaged, expired",
        "line 8: unit: unit '123': expected an SSCC of 18 digits",
        "line 9: gtin and sku: expected one of them",
    )
    assert [line[: len(words)] for line, words in zip(told, expected, strict=True)] == list(expected)


def test_a_workbook_keeps_leading_zeros_and_tells_its_cells(tmp_path: Path) -> None:
    path = tmp_path / "came.xlsx"
    path.write_bytes(workbook("came", ["of_line", "received", "gtin"], [["01", 3, CASE], ["02", 4, "12"]]))
    with pytest.raises(UnreadDeliveryError, match=r"cell C3 \(gtin\): '12': expected a GTIN") as caught:
        read_delivery(path, HEAD, conventions=COMMA)
    assert [line.received for line in caught.value.rest.lines] == [3], "to be checked in the same answer"
    path.write_bytes(workbook("came", ["of_line", "received"], [["01", 3]]))
    (line,) = read_delivery(path, HEAD, conventions=COMMA).lines
    assert (line.of.line if line.of else "", line.received) == ("01", 3)


def test_documents_come_from_workbooks_too_and_dates_that_could_be_two_are_asked(tmp_path: Path) -> None:
    rows = [["asn", "A-1", "1", CASE, 20, "02/03/2026"], ["asn", "A-1", "2", CASE, 1, None]]
    path = tmp_path / "asn.xlsx"
    path.write_bytes(workbook("asn", ["type", "id", "line", "gtin", "quantity", "due_on"], rows))
    with pytest.raises(Exception, match=r"cell F2 \(due_on\): '02/03/2026' is 2026-03-02 by --dates dmy or"):
        read_import(path, site="leeds")
    (notice,) = read_import(path, site="leeds", conventions=Conventions(dates="dmy")).documents
    assert (f"{notice.due_on}", len(notice.lines), notice.lines[0].quantity) == ("2026-03-02", 2, 20)


def test_a_shipments_rows_name_lines_places_and_units_and_wrong_cells_are_told(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    head = Leaving("leeds", "S-1", "STAGE-1", ("outbound_order", "SO-1"), "DSV")
    rows = "of_line,quantity,sscc,with_unit,lot\n1,3,,,L1\n2,4,095211410000000014,yes,\n"
    path.write_text(rows, encoding="utf-8")
    paper = read_shipment(path, head, conventions=Conventions())
    assert (paper.shipment, paper.location, paper.carrier) == ("S-1", "STAGE-1", "DSV")
    assert [(each.of.id, each.of.line, each.quantity, each.lot, each.with_unit) for each in paper.lines] == [
        ("SO-1", "1", 3, "L1", False),
        ("SO-1", "2", 4, None, True),
    ]
    path.write_text(rows.replace("yes", "perhaps").replace("1,3,", "1,0,"), encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        read_shipment(path, head, conventions=Conventions())
    told = [fault.removeprefix(f"{path}: ") for fault in str(caught.value).splitlines()]
    assert [fault[: len("line 2, quantity: '0'")] for fault in told] == [
        "line 2, quantity: '0'",
        "line 3, with_unit: 'p",
    ]
    path.write_text(rows.replace(",yes,", ",,").replace("4,095211410000000014", "4,"), encoding="utf-8")
    nameless = Leaving("leeds", "S-1", "STAGE-1")
    with pytest.raises(DocumentError, match=r"line 2: of\.type: .*outbound_order"):
        read_shipment(path, nameless, conventions=Conventions())


def test_vehicles_come_from_rows_with_their_papers(tmp_path: Path) -> None:
    path = tmp_path / "trucks.csv"
    rows = "visit,door,direction,from_at,to_at,documents\nV-1,dock-1,inbound,{},{},ASN-1;ASN-2\n"
    path.write_text(rows.format("2026-03-02T07:00:00Z", "2026-03-02T09:00:00+01:00"), encoding="utf-8")
    (visit,) = read_visits(path, site="leeds").visits
    assert (visit.site, visit.door, f"{visit.from_at:%H}", f"{visit.to_at:%H}") == (
        "leeds",
        "dock-1",
        "07",
        "08",
    )
    assert [(name.type, name.id) for name in visit.documents] == [("asn", "ASN-1"), ("asn", "ASN-2")]
    path.write_text(rows.format("2026-03-02T07:00:00", ""), encoding="utf-8")
    with pytest.raises(ImportFileError, match=r"line 2, from_at: .* has no offset"):
        read_visits(path, site="leeds")
    path.write_text(rows.format("2026-03-02T07:00:00Z", "2026-03-02T06:00:00Z"), encoding="utf-8")
    with pytest.raises(ImportFileError, match=r"line 2: visits\.0: visit 'V-1': to_at .* is before from_at"):
        read_visits(path, site="leeds")
