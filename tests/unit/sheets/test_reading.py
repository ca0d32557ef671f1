"""Workbooks of strangers: what a person sees is read, what cannot be trusted refused, nothing runs away."""

import io
import math
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from cloud.sheets import reading, xml
from cloud.sheets.listing import Column, FormError, Kind, Listing, Value
from cloud.sheets.parquet_file import write_parquet
from cloud.sheets.reading import Cell, Row, read_rows
from cloud.sheets.workbook import workbook
from cloud.sheets.xml import SheetError, elements

Fill = Callable[[xlsxwriter.Workbook, "xlsxwriter.worksheet.Worksheet"], object]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
BOOK = f"""<workbook xmlns="{MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"""
LOST = "expected at most 15 digits: a spreadsheet has lost the others; format the column as text"
RELATIONS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>"""


def written(path: Path, fill: Fill, **options: object) -> Path:
    """Write a workbook as a spreadsheet does, its first sheet filled."""
    with xlsxwriter.Workbook(path, options) as book:
        fill(book, book.add_worksheet("Lines"))
    return path


def forged(path: Path, sheet: str | bytes, **parts: str | bytes) -> Path:
    """Write a workbook by hand: its sheet's XML, and other parts under their names."""
    known = {"xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": RELATIONS}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (known | parts | {"xl/worksheets/sheet1.xml": sheet}).items():
            archive.writestr(name, content)
    return path


def sheet_of(*cells: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData><row r="1">{"".join(cells)}</row></sheetData></worksheet>'


def refused(path: Path, **how: str) -> str:
    with pytest.raises(SheetError) as error:
        list(read_rows(path, **how))
    return str(error.value)


def test_what_a_spreadsheet_writes_is_read_as_a_person_sees_it(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook, sheet: "xlsxwriter.worksheet.Worksheet") -> None:
        day, moment = book.add_format({"num_format": 14}), book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        money, red = book.add_format({"num_format": '"d"0.00 [Red]'}), book.add_format({"bold": True})
        sheet.write_row(0, 0, ["text", "  blank  ", "=1+1", "_x0041_", "a\nb"])
        sheet.write_row(2, 1, [0.1 + 0.2, 5012345678900, 1e-06, -2, 46083.5])
        sheet.write_datetime(3, 0, datetime(2026, 3, 2), day)  # noqa: DTZ001
        sheet.write_datetime(3, 1, datetime(2026, 3, 2, 9, 30, 1), moment)  # noqa: DTZ001
        sheet.write_number(3, 2, 46083, money)
        sheet.write_rich_string(3, 3, "half ", red, "bold")
        sheet.write_boolean(3, 4, True)  # noqa: FBT003
        sheet.write_blank(3, 7, None, red)

    options = {"strings_to_formulas": False}
    rows = list(read_rows(written(tmp_path / "a.xlsx", fill, **options)))
    assert [row.number for row in rows] == [1, 3, 4], "an empty row is none"
    assert [[cell.text for cell in row.cells] for row in rows] == [
        ["text", "  blank  ", "=1+1", "_x0041_", "a\nb"],
        ["", "0.3", "5012345678900", "0.000001", "-2", "46083.5"],
        ["2026-03-02", "2026-03-02T09:30:01", "46083", "half bold", "true"],
    ]
    old = list(read_rows(written(tmp_path / "b.xlsx", fill, date_1904=True, **options)))
    assert [cell.text for cell in old[2].cells][:2] == ["2026-03-02", "2026-03-02T09:30:01"]


def test_what_a_cell_shows_and_does_not_hold_is_refused_by_its_cell(tmp_path: Path) -> None:
    def fill(_: xlsxwriter.Workbook, sheet: "xlsxwriter.worksheet.Worksheet") -> None:
        sheet.write_formula(0, 0, "=HYPERLINK(A2)", None, 42)
        sheet.write_formula(0, 1, "=NA()", None, "#N/A")
        sheet.write_number(0, 2, 501234567890012345678)
        sheet.write_number(0, 3, 7)

    (row,) = read_rows(written(tmp_path / "a.xlsx", fill))
    assert [cell.fault for cell in row.cells] == [
        "'42': a formula: expected a value; paste the column as values",
        "'#N/A': a formula: expected a value; paste the column as values",
        f"'5.012345678900123E+20': {LOST}",
        None,
    ]
    cells = (
        '<c t="s"><v>9</v></c><c t="e"><v>#REF!</v></c><c><v>ten</v></c><c><v>1e999999</v></c>'
        "<c><v>NaN</v></c>"
        '<c s="99"><v>1</v></c><c t="inlineStr"><is><t>in</t><rPh><t>said</t></rPh></is></c>'
    )
    (row,) = read_rows(forged(tmp_path / "b.xlsx", sheet_of(cells)))
    assert [cell.fault for cell in row.cells] == [
        "'9': there is no text of this number in the file",
        "'#REF!': an error: expected a value",
        "'ten': expected a number",
        f"'1e999999': {LOST}",
        "'NaN': expected a finite number",
        None,
        None,
    ]
    assert row.cells[-1] == Cell("in")


def test_a_sheet_is_chosen_and_never_guessed(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook, sheet: "xlsxwriter.worksheet.Worksheet") -> None:
        sheet.write(0, 0, "first")
        book.add_worksheet("Other").write(0, 0, "second")
        hidden = book.add_worksheet("Hidden")
        hidden.hide()

    path = written(tmp_path / "a.xlsx", fill)
    assert refused(path) == "sheets 'Lines', 'Other': say which one holds the table"
    assert refused(path, sheet="Hidden").startswith("there is no sheet 'Hidden'")
    assert list(read_rows(path, sheet="Other")) == [Row(1, (Cell("second"),))]


@pytest.mark.parametrize(
    ("sheet", "parts", "message"),
    [
        (
            '<!DOCTYPE w [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>' + sheet_of("<c><v>&b;</v></c>"),
            {},
            "declares a document type or an entity",
        ),
        (
            '<!DOCTYPE w SYSTEM "file:///etc/passwd">' + sheet_of(),
            {},
            "declares a document type or an entity",
        ),
        ("<a>" * 200, {}, "nests deeper than 64"),
        ("<worksheet", {}, "expected a workbook saved as .xlsx"),
        (sheet_of('<c r="A1"/><c r="A1"/>'), {}, "A1 stands there twice"),
        (sheet_of('<c r="ZZZ1"/>'), {}, "ZZZ1 stands there twice or too far out"),
        (sheet_of('<c r="1A"/>'), {}, "'1A' is no cell"),
        (sheet_of().replace('<row r="1"></row>', '<row r="5"/><row r="2"/>'), {}, "row 2 comes after row 5"),
        (sheet_of(), {"xl/_rels/workbook.xml.rels": "<Relationships/>"}, "sheets none"),
        (
            sheet_of(),
            {"xl/_rels/workbook.xml.rels": RELATIONS.replace("worksheets/sheet1.xml", "../../../etc/passwd")},
            "it holds no xl/../../../etc/passwd",
        ),
        (f'<worksheet a="{"x" * (3 << 20)}"/>', {}, "holds a tag of more than 1048576 bytes"),
        (sheet_of(f"<c><v>{'1' * 300_000}</v></c>"), {}, "holds a text of more than 262144 characters"),
    ],
)
def test_hostile_workbooks_are_refused(
    tmp_path: Path, sheet: str, parts: dict[str, str], message: str
) -> None:
    assert message in refused(forged(tmp_path / "a.xlsx", sheet, **parts))


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    for content in (
        b"",
        b"document,line\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        b"PK\x03\x04junk",
    ):
        path.write_bytes(content)
        assert "expected a workbook saved as .xlsx" in refused(path)
    whole = forged(path, sheet_of("<c><v>1</v></c>")).read_bytes()
    for cut in range(0, len(whole), 37):
        path.write_bytes(whole[:cut])
        assert refused(path)
    assert refused(tmp_path / "gone.xlsx") == "No such file or directory"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("xl/workbook.xml", BOOK)
    assert "is packed in a way that no spreadsheet uses" in refused(path)


def test_a_bomb_is_stopped_before_it_fills_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_TEXT_BYTES", 4 << 20)
    bomb = forged(tmp_path / "a.xlsx", b"<w>" + b" " * (64 << 20))
    tracemalloc.start()
    assert "holds more than 4194304 bytes" in refused(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    monkeypatch.setattr(reading, "MOST_CHARACTERS", 10)
    texts = f'<sst xmlns="{MAIN}">{"<si><t>abcdef</t></si>" * 3}</sst>'
    path = forged(tmp_path / "b.xlsx", sheet_of(), **{"xl/sharedStrings.xml": texts})
    assert "texts of more than 10 characters" in refused(path)


@given(st.binary(max_size=400))
def test_any_bytes_are_xml_or_refused(content: bytes) -> None:
    try:
        found = list(elements(io.BytesIO(content), "part", {"a"}, most=1000))
    except (SheetError, xml.expat.ExpatError):
        return
    assert all(one.name == "a" for one in found)


@given(
    st.lists(
        st.lists(
            st.one_of(
                st.integers(-(10**15) + 1, 10**15 - 1),
                st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).filter(str.strip),
            ),
            min_size=1,
            max_size=3,
        ),
        max_size=3,
    )
)
def test_what_we_write_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list]) -> None:
    path = tmp_path_factory.mktemp("sheet") / "a.xlsx"
    path.write_bytes(workbook("W", ["a", "b", "c"], rows))
    header, *found = read_rows(path)
    assert [cell.text for cell in header.cells] == ["a", "b", "c"]
    assert [[cell.text for cell in row.cells] for row in found] == [
        [str(value) for value in row] for row in rows
    ]


def test_what_is_no_number_is_written_as_text_or_refused_in_words(tmp_path: Path) -> None:
    odd: list[Value] = [math.inf, math.nan, Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal(5)]
    (tmp_path / "x.xlsx").write_bytes(workbook("odd", ["n"], [[value] for value in odd]))
    told = [row.cells[0].text for row in read_rows(tmp_path / "x.xlsx")]
    assert told == ["n", "inf", "nan", "NaN", "sNaN", "-Infinity", "5"]
    pytest.importorskip("pyarrow", reason="Parquet is an option")

    def write(kind: Kind, *values: Value) -> None:
        column = Column("n", kind, lambda row: row)
        write_parquet(Listing("odd", (column,), values, datetime(2026, 3, 2, tzinfo=UTC)), io.BytesIO())

    with pytest.raises(FormError, match=r"column n: Decimal\('NaN'\) is no decimal that Parquet keeps"):
        write(Kind.DECIMAL, Decimal(1), Decimal("NaN"))
    with pytest.raises(FormError, match=r"column n: 0\.3333333333333333333333333333 has more digits"):
        write(Kind.DECIMAL, Decimal(1) / 3)
    with pytest.raises(FormError, match=r"column n: 1\.5 is no decimal"):
        write(Kind.DECIMAL, 1.5)
    write(Kind.FLOAT, math.inf, 1.5, None)
