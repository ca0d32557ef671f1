"""What people type, scan and paste names one thing, in whatever form it comes."""

import json
from pathlib import Path

import pytest

from cloud.units.gs1 import NamingError
from cloud.units.names import Serial, Tag, Unit, named

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "epc" / "tds23_annex_e3.json"
TEA = Serial("80614141123458", "6789")
PALLET = Unit("395211411234567893")


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("80614141123458 6789", TEA),
        (" (01)80614141123458(21)6789 ", TEA),
        ("(01)80614141123458(10)L-7(21)6789", TEA),
        ("]C101806141411234582167 89".replace(" ", ""), TEA),
        ("018061414112345810L-7\x1d216789", TEA),
        ("https://id.gs1.org/01/80614141123458/10/L-7/21/6789?17=261231", TEA),
        ("01/80614141123458/21/6789", TEA),
        ("urn:epc:id:sgtin:0614141.812345.6789", TEA),
        ("urn:epc:tag:sgtin-96:3.0614141.812345.6789", TEA),
        ("3074257bf7194e4000001a85", Serial("80614141123458", "6789", ("3074257BF7194E4000001A85",))),
        ("urn:epc:id:sgtin:0614141.712345.32a%2Fb", Serial("70614141123451", "32a/b")),
        ("395211411234567893", PALLET),
        ("(00)395211411234567893", PALLET),
        ("00395211411234567893", PALLET),
        ("urn:epc:id:sscc:9521141.3123456789", PALLET),
        ("urn:epc:id:grai:9521141.12345.400", Unit("urn:epc:id:grai:9521141.12345.400")),
        ("TOTE-7", Unit("TOTE-7")),
        ("12345", Unit("12345")),
        ("F73795211411234538566CB0AFC4", Tag(("F73795211411234538566CB0AFC4",))),
    ],
)
def test_every_form_of_a_name_leads_to_one_thing(text: str, thing: object) -> None:
    assert named(text) == thing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected 1 to 256 printable characters"),
        ("a\x00b", "expected 1 to 256 printable characters"),
        ("x" * 257, "expected 1 to 256 printable characters"),
        ("395211411234567890", "expected 3 as its last digit"),
        ("80614141123457 1", "expected 8 as its last digit"),
        ("(01)80614141123458", r"expected \(01\) and \(21\)"),
        ("(01)80614141123458(21)1(21)2", r"\(21\) says both '1' and '2'"),
        ("(01)8061414112345821 x(", "in brackets"),
        ("https://example.com/item/7", "expected a link with /01/GTIN/21/serial"),
        ("urn:epc:class:lgtin:0614141.812345.L", "expected urn:epc:id"),
        ("urn:epc:id:sgtin:0614141.812345", "expected urn:epc:id:sgtin:prefix.item.serial"),
        ("3074257BF7194E4000001A", "expected 24 digits at least, got 22"),
        ("30FC257BF7194E4000001A85", "partition 7: expected 0 to 6"),
        ("311BA1B300CE0A6A83000001", "expected 24 zero bits"),
        ("0180614141", "no application identifier with its value"),
    ],
)
def test_what_names_nothing_is_told_with_value_and_expectation(text: str, expected: str) -> None:
    text = f"{text}{'0' * 10}" if text == "0180614141" else text
    with pytest.raises(NamingError, match=expected):
        named(text)


@pytest.mark.skipif(not VECTORS.exists(), reason="shared vectors are not beside the repository")
def test_tags_of_the_standards_own_table_name_what_it_says() -> None:
    rows = json.loads(VECTORS.read_text("utf-8"))
    told = (
        rows if isinstance(rows, list) else next(value for value in rows.values() if isinstance(value, list))
    )
    checked = 0
    for row in told:
        thing = named(row["hex"])
        uri = row.get("pure_uri")
        if uri is None or uri.split(":")[3] not in {"sgtin", "sscc", "grai"}:
            assert thing == Tag((row["hex"],))
            continue
        checked += 1
        match thing:
            case Serial():
                assert uri in thing.names
            case Unit():
                assert thing.code == getattr(named(uri), "code", None)
            case _:
                pytest.fail(f"{row['hex']} names nothing")
    assert checked >= 4
