"""Files as spreadsheets leave them: read as they are meant, or refused with value, expectation and place."""

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud.demand.csv_file import read_csv
from cloud.demand.domain import DemandError, Faults, StagedLine
from cloud.demand.parquet_file import read_parquet
from cloud.demand.rows import Defaults
from cloud.demand.store import copy_line
from cloud.sheets.fields import Conventions

Read = Callable[..., tuple[list[StagedLine], list[str]]]

HEADER = "document,line,gtin,quantity,requested_at"
ROW = "T-1,1,05012345678900,2,2026-03-02T09:00:00Z"


def parquet_lines(file: Path, faults: Faults) -> Iterator[StagedLine]:
    return read_parquet(
        file,
        defaults=Defaults("leeds", "till"),
        conventions=Conventions(),
        faults=faults,
        progress=lambda _: None,
    )


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a text as a file: the lines that are right, and what is wrong with the others."""

    def of(
        text: str | bytes,
        *,
        encoding: str = "utf-8",
        site: str | None = "leeds",
        source: str | None = "till",
        **conventions: object,
    ) -> tuple[list[StagedLine], list[str]]:
        file = tmp_path / "pos.csv"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        faults = Faults()
        lines = list(
            read_csv(
                file,
                defaults=Defaults(site, source),
                conventions=Conventions(**conventions),
                encoding=encoding,
                faults=faults,
                progress=lambda _: None,
            )
        )
        return lines, [f"{fault.place}: {fault.field}: {fault.message}" for fault in faults.told]

    return of


def row(**cells: str) -> str:
    """Give a file of one row that differs in some cells."""
    known = dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | cells
    quoted = (f'"{cell}"' if "," in cell else cell for cell in known.values())
    return f"{','.join(known)}\n{','.join(quoted)}\n"


def test_a_plain_file_is_read_as_it_stands(read: Read) -> None:
    lines, faults = read(f"{HEADER}\n{ROW}\n")
    assert faults == []
    assert [tuple(filter(None, line)) for line in lines] == [
        (
            *(2, "leeds", "till", "T-1", "1", "requested", "gtin", "05012345678900"),
            *("2026-03-02T09:00:00+00:00", "2"),
        )
    ]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"gtin": "5.01E+12"}, "gtin: '5.01E+12': a spreadsheet has made the GTIN a rounded number"),
        ({"gtin": "5,01235E+12"}, "a rounded number and its digits are lost: format the column as text"),
        ({"gtin": "12345678905"}, "expected a GTIN of 8, 12, 13 or 14 digits; a spreadsheet drops leading"),
        ({"gtin": "05012345678901"}, "'05012345678901': the GTIN's check digit is wrong"),
        ({"quantity": "-3"}, "'-3': expected a quantity above zero; what was cancelled or returned is"),
        ({"quantity": "\u22123"}, "expected a quantity above zero; what was cancelled or returned is"),
        ({"quantity": "0"}, "'0': expected a quantity above zero"),
        ({"quantity": "NaN"}, "'NaN': expected a number"),
        ({"quantity": "1e3"}, "'1e3': expected all digits, not a number that a spreadsheet has rounded"),
        ({"quantity": "2,5"}, "'2,5': a comma may part decimals or thousands: say --decimal-comma"),
        ({"quantity": "1,250"}, "'1,250': a comma may part decimals or thousands: say --decimal-comma"),
        ({"quantity": "1.0000001"}, "at most 14 before and 6 after the decimal mark"),
        ({"quantity": ""}, "'': expected digits"),
        (
            {"requested_at": "03/04/2026"},
            "is 2026-04-03 by --dates dmy or 2026-03-04 by --dates mdy: say which",
        ),
        ({"requested_at": "13/04/2026"}, "'13/04/2026' is 2026-04-13 by --dates dmy: say which"),
        ({"requested_at": "2026-03-02T09:00:00"}, "has no offset: expected one like Z or +01:00"),
        ({"requested_at": "2026-03-02"}, "has no offset: expected one like Z or +01:00"),
        ({"requested_at": "46083.5"}, "a spreadsheet's day number is no date"),
        ({"requested_at": "2026-02-30T00:00:00Z"}, "'2026-02-30T00:00:00Z': day is out of range"),
        ({"requested_at": "0001-01-01T00:00:00+14:00"}, "expected a time within the years 1970 to now"),
        ({"requested_at": "2026-W10-1T00:00:00Z"}, "expected a time like 2026-03-02T09:30:00Z"),
        ({"document": ""}, "document: expected a value, got none"),
        ({"document": "x" * 129}, "has 129 characters: expected at most 128"),
        ({"document": "T\0"}, "document: 'T\\x00': expected no control characters"),
        ({"kind": "sold"}, "kind: 'sold': expected requested, cancelled, returned"),
        ({"revision": "0"}, "revision: '0': expected a whole number from 1"),
        ({"revision": "99999999999999999999"}, "expected a whole number from 1"),
        ({"site": "le eds"}, "site: 'le eds': expected a site's id"),
        ({"sku": "A"}, "item: expected exactly one of gtin, sku, got gtin '05012345678900' and sku 'A'"),
        ({"of_document": "T-0", "of_line": "1"}, "only what is cancelled or returned names another line"),
    ],
)
def test_what_is_wrong_or_ambiguous_is_refused_with_value_and_expectation(
    read: Read, cells: dict[str, str], message: str
) -> None:
    lines, (fault,) = read(row(**cells))
    assert lines == []
    assert message in fault
    assert fault.startswith("2: ")


def test_what_can_mean_two_things_is_read_as_the_file_is_said_to_be(read: Read) -> None:
    (line,), _ = read(row(quantity="2,5"), has_decimal_comma=True)
    assert line.quantity == "2.5"
    _, (fault,) = read(row(quantity="1.250"), has_decimal_comma=True)
    assert "a point with --decimal-comma" in fault
    for order, expected in (("dmy", "2026-04-03T09:30:00"), ("mdy", "2026-03-04T09:30:00")):
        (line,), _ = read(row(requested_at="03/04/2026 9:30"), dates=order, has_local_times=True)
        assert (line.requested_at, line.local_at, line.is_day) == (None, expected, False)
    (line,), _ = read(row(requested_at="3.4.2026"), dates="dmy", has_local_times=True)
    assert (line.local_at, line.is_day) == ("2026-04-03T00:00:00", True)
    (line,), _ = read(row(gtin="5012345678900"))
    assert line.value == "05012345678900", "a GTIN of 13 digits is the same with a zero before it"


def test_semicolons_a_byte_order_mark_and_blank_lines_are_no_trouble(read: Read) -> None:
    text = f"\ufeff{HEADER};channel\n{ROW};\n\n;;;;;\n{ROW};web\n".replace(",", ";")
    lines, faults = read(text)
    assert faults == []
    assert [(line.place, line.channel) for line in lines] == [(2, None), (5, "web")]


def test_every_wrong_cell_of_every_row_is_told(read: Read) -> None:
    lines, faults = read(f"{HEADER}\nT-1,,x,-1,never\n{ROW}\nT-1,1\n")
    assert [line.place for line in lines] == [3]
    assert [fault.partition(": ")[0] for fault in faults] == ["2", "2", "2", "2", "4"]
    assert faults[-1] == "4: row: expected 5 cells as in the header, got 2"


def test_the_encoding_is_named_where_it_is_another(read: Read, tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROW}\n{ROW.replace('T-1', 'Tür')}\n"
    with pytest.raises(
        DemandError, match=r"line 3: byte 0xfc is not utf-8: .* or say --encoding windows-1252"
    ):
        read(text.encode("cp1252"))
    lines, faults = read(text.encode("cp1252"), encoding="windows-1252")
    assert (lines[1].document, faults) == ("Tür", [])
    with pytest.raises(DemandError, match="byte 0x81 is not windows-1252"):
        read(text.replace("ü", "Á").encode(), encoding="windows-1252")
    with pytest.raises(DemandError, match="this is UTF-16: save it as CSV UTF-8"):
        read(text.encode("utf-16"))
    with pytest.raises(DemandError, match="the last character is not whole in utf-8"):
        read(f"{HEADER}\nTür".encode()[:-2])
    with pytest.raises(DemandError, match=f"{tmp_path}/nothing.csv: No such file"):
        list(
            read_csv(
                tmp_path / "nothing.csv",
                defaults=Defaults("leeds", "till"),
                conventions=Conventions(),
                encoding="utf-8",
                faults=Faults(),
                progress=lambda _: None,
            )
        )


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("document,line,gtin,quantity", "line 1: no column 'requested_at': expected document, line"),
        ("document,line,quantity,requested_at", "no column names the item"),
        (f"{HEADER},gtin", "column 'gtin' stands there twice"),
        (f"{HEADER},colour,", "column 'colour' is unknown; column '' is unknown"),
        ("", "no column 'document'"),
        ('"document', "line 1: unexpected end of data"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused_whole(read: Read, header: str, message: str) -> None:
    with pytest.raises(DemandError, match=message):
        read(f"{header}\n{ROW}\n")


def test_site_and_source_are_asked_for_once(read: Read) -> None:
    with pytest.raises(DemandError, match="no column 'site' and no --site; no column 'source' and no --sou"):
        read(f"{HEADER}\n{ROW}\n", site=None, source=None)
    (line,), _ = read(row(site="pune", source=""))
    assert (line.site, line.source) == ("pune", "till")


def test_a_quotation_that_never_ends_is_told_and_ends_the_reading(read: Read) -> None:
    lines, (fault,) = read(f'{HEADER}\n{ROW}\n"T-2,1,\n{ROW}\n')
    assert len(lines) == 1
    assert "expected cells in double quotes or without any; what follows was not read" in fault


def test_a_huge_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    file = tmp_path / "huge.csv"
    with file.open("w") as out:
        out.write(f"{HEADER}\n")
        out.writelines(f"T-{n},1,05012345678900,2,2026-03-02T09:00:00Z\n" for n in range(60_000))
    seen: list[int] = []
    tracemalloc.start()
    try:
        lines = read_csv(
            file,
            defaults=Defaults("leeds", "till"),
            conventions=Conventions(),
            encoding="utf-8",
            faults=Faults(),
            progress=seen.append,
        )
        count = sum(1 for _ in lines)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 60_000
    assert peak < 16 * 1024 * 1024
    assert seen == sorted(seen)
    assert seen[-1] == file.stat().st_size


def test_texts_with_backslashes_survive_the_copy(read: Read) -> None:
    (line,), _ = read(row(document=r"\N", line=r"a\tb"))
    cells = copy_line(line).rstrip("\n").split("\t")
    assert cells[3:6] == [r"\\N", r"a\\tb", r"\N"]


def test_parquet_is_read_in_the_columns_of_the_csv(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: only CSV can be imported")
    write_table = pytest.importorskip("pyarrow.parquet").write_table
    file = tmp_path / "pos.parquet"
    write_table(
        pa.table(
            {
                "document": ["T-1", "T-2", "T-3"],
                "line": [1, 2, 3],
                "gtin": [5012345678900, None, 5012345678900],
                "quantity": [2.0, 2.5, float("nan")],
                "requested_at": [datetime(2026, 3, 2, 9, tzinfo=UTC)] * 3,
                "channel": [None, "web", "web"],
            }
        ),
        file,
    )
    faults = Faults()
    lines = parquet_lines(file, faults)
    assert [(line.line, line.value, line.quantity, line.requested_at) for line in lines] == [
        ("1", "05012345678900", "2", "2026-03-02T09:00:00+00:00")
    ]
    assert [(fault.place, fault.field) for fault in faults.told] == [(2, "item"), (3, "quantity")]
    write_table(pa.table({name: ["T-1"] for name in HEADER.split(",")}), file, compression="none")
    file.write_bytes(file.read_bytes().replace(b"T-1", b"T-\xff"))
    with pytest.raises(DemandError, match="expected a Parquet file of texts"):
        list(parquet_lines(file, Faults()))
    file.write_bytes(b"PAR1 not at all")
    with pytest.raises(DemandError, match="expected a Parquet file"):
        list(parquet_lines(file, Faults()))
