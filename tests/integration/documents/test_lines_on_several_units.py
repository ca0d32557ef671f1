"""A line that names several SSCCs is expected, and received, of every one of them; on the real ledger."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from cloud.documents.domain import ConflictingDocumentError
from cloud.documents.import_file import ImportFileError, read_import
from cloud.documents.lines import lines_now
from cloud.documents.receiving import service as receiving
from cloud.documents.receiving.papers import DeliveryPaper
from tests.integration.documents.dock import CASES, KEEPER, NETWORK, PALLET, SECOND, Dock, line, paper, sscc
from tests.integration.ledger.scenario import SITE, at

THIRD = sscc(77)


def kept(dock: Dock, kind: str = "asn", name: str = "ASN-1") -> list[tuple[str, int, str | None, int]]:
    """Give number, ordered and moved base units and unit of each line."""
    rows = dock.ledger.as_app(lambda conn: lines_now(conn, site=SITE, kind=kind, ids=[name]))
    return [(row.line, int(row.ordered or 0), row.unit, int(row.moved)) for row in rows]


def test_each_unit_is_expected_at_the_door_and_received_with_its_part(dock: Dock) -> None:
    notice = paper(line(1, 6) | {"units": [PALLET, SECOND, THIRD]}, line(2, 1))
    assert dock.register(notice)
    assert not dock.register(notice), "the same again changes nothing"
    with pytest.raises(ConflictingDocumentError, match="with other content"):
        dock.register(paper(line(1, 6) | {"units": [PALLET, THIRD, SECOND]}, line(2, 1)))
    dock.expect("V-1", "ASN-1")
    (visit,) = dock.assignments()[-1].visits
    assert [(each.document.line, each.units, each.quantity) for each in visit.lines] == [
        ("1~1", (PALLET,), 2),
        ("1~2", (SECOND,), 2),
        ("1~3", (THIRD,), 2),
        ("2", (), 1),
    ]
    assert [left[1] for left in dock.remains()] == sorted([PALLET, SECOND, THIRD])
    dock.crosses()
    assert dock.confirm().missing_units == tuple(sorted([SECOND, THIRD]))
    assert kept(dock)[:3] == [("1~1", 48, PALLET, 48), ("1~2", 48, SECOND, 0), ("1~3", 48, THIRD, 0)]
    of = {"type": "asn", "id": "ASN-1", "line": "1~2"}
    came = {"line": "1", "of": of, "received": "2", "unit": SECOND}
    stated = {"site": SITE, "receipt": "R-1", "location": "STAGE-1", "lines": [came]}
    delivery = DeliveryPaper.model_validate(stated)
    dock.ledger.as_app(lambda conn: receiving.receive(conn, KEEPER, delivery, now=at(70)))
    assert [moved for _, _, _, moved in kept(dock)] == [48, 48, 0, 24]
    assert [left[1] for left in dock.remains() if left[0] == "missing_unit"] == [THIRD]


def test_a_cell_of_a_file_holds_several_units(dock: Dock, tmp_path: Path) -> None:
    path = tmp_path / "asn.csv"
    rows = f"asn,ASN-1,1,{CASES},4,{PALLET} {SECOND}\nasn,ASN-1,2,{CASES},1,{THIRD};\n"
    path.write_text(f"type,id,line,gtin,quantity,unit\n{rows}", "utf-8")
    assert dock.imports(read_import(path, site=SITE), actor=NETWORK).documents == 1
    assert kept(dock) == [("1~1", 48, PALLET, 0), ("1~2", 48, SECOND, 0), ("2", 24, THIRD, 0)]
    wrong = f"asn,ASN-2,1,{CASES},3,{PALLET};{SECOND}\nasn,ASN-2,2,{CASES},2,{THIRD};{THIRD} {PALLET[:-1]}1\n"
    path.write_text(f"type,id,line,gtin,quantity,unit\n{wrong}", "utf-8")
    with pytest.raises(ImportFileError) as caught:
        read_import(path, site=SITE)
    first, second = caught.value.faults
    assert (
        "line 2: documents.0.lines.0.quantity: line '1': 3 on 2 units: expected a quantity of which" in first
    )
    assert "line 3: documents.0.lines.1.units.2: SSCC" in second


def test_what_does_not_part_or_bears_a_parts_number_is_told_with_all_else() -> None:
    with pytest.raises(ValidationError) as caught:
        paper(
            line(1, 5) | {"units": [PALLET, SECOND]},
            line(2, 4) | {"units": [PALLET, PALLET]},
        )
    told = [each["loc"] for each in caught.value.errors() if each["type"] == "value_error"]
    assert told == [("lines", 0, "quantity"), ("lines", 1, "units")]
    with pytest.raises(ValidationError, match="line '1~2' stands there twice, as a unit's of another"):
        paper(line(1, 4) | {"units": [PALLET, SECOND]}, line(2, 4) | {"line": "1~2"})
    many = [{"line": f"{nth}"} | {"units": [sscc(unit) for unit in range(999)]} for nth in range(21)]
    with pytest.raises(ValidationError, match="20979 lines with one unit each: expected at most 20000"):
        paper(*(line(1, 999) | each for each in many))
