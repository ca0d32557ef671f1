"""Tags are numbered as the EPC Tag Data Standard says."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from simulators.warehouse.dock import epc

VECTORS: Final = (
    Path(__file__).resolve().parents[3].parent / "shared" / "vectors" / "epc" / "tds23_annex_e3.json"
)


def standard(scheme: str) -> dict[str, Any]:
    if not VECTORS.exists():
        pytest.skip(f"{VECTORS} is absent: the standard's examples are not part of the project")
    found: dict[str, Any] = next(
        row for row in json.loads(VECTORS.read_text("utf-8")) if row["scheme"] == scheme
    )
    return found


def parts(row: dict[str, Any]) -> tuple[int, list[str]]:
    filter_value, *rest = row["tag_uri"].rpartition(":")[2].split(".")
    return int(filter_value), rest


def test_trade_items_are_numbered_as_in_the_standard() -> None:
    row = standard("SGTIN-96")
    filter_value, (company, _, serial) = parts(row)
    gtin = row["gs1"][4:18]
    made = epc.sgtin96(gtin, len(company), int(serial), filter_value=filter_value)
    assert made.hex().upper() == row["hex"]


def test_logistic_units_are_numbered_as_in_the_standard() -> None:
    row = standard("SSCC-96")
    filter_value, (company, _) = parts(row)
    made = epc.sscc96(row["gs1"][4:], len(company), filter_value=filter_value)
    assert made.hex().upper() == row["hex"]


def test_assets_are_numbered_as_in_the_standard() -> None:
    returnable = standard("GRAI-96")
    filter_value, (company, kind, serial) = parts(returnable)
    made = epc.grai96(company, kind, int(serial), filter_value=filter_value)
    assert made.hex().upper() == returnable["hex"]
    individual = standard("GIAI-96")
    filter_value, (company, asset) = parts(individual)
    assert epc.giai96(company, int(asset), filter_value=filter_value).hex().upper() == individual["hex"]


@pytest.mark.parametrize(
    ("gtin", "digits", "serial", "filter_value", "told"),
    [
        ("0950600013435", 11, 1, 1, "GTIN-14 '0950600013435': expected 14 digits"),
        ("0950600013435x", 11, 1, 1, "expected 14 digits"),
        ("09506000134352", 5, 1, 1, "company prefix '95060': expected 6 to 12 digits"),
        ("09506000134352", 11, 1 << 38, 1, "expected 0 to 274877906943"),
        ("09506000134352", 11, -1, 1, "value -1 of an EPC of header 0x30"),
        ("09506000134352", 11, 1, 8, "value 8 of an EPC of header 0x30: expected 0 to 7"),
    ],
)
def test_an_impossible_number_is_refused_with_what_was_expected(
    gtin: str, digits: int, serial: int, filter_value: int, told: str
) -> None:
    with pytest.raises(ValueError) as refused:
        epc.sgtin96(gtin, digits, serial, filter_value=filter_value)
    assert told in str(refused.value)
