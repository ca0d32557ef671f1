"""EPCs: the standard's own examples, everything a small encoder can write, and what no tag should hold."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.records import UnitPosition
from edge_agent.decode.barcode import decode_barcode
from edge_agent.decode.decoded import FaultCode, as_json_object
from edge_agent.decode.epc import Epc, EpcScheme, decode_epc, epc_as_json_object
from edge_agent.decode.epc_checks import check_digit
from tests.unit.decode import epc_encoder as to

VECTORS: Final = Path(__file__).parents[4] / "shared" / "vectors" / "epc" / "tds23_annex_e3.json"
SET_82: Final = "!\"%&'()*+,-./0123456789:;<=>?ABCXYZ_abcxyz"
ITEM: Final = "3074257BF7194E4000001A85"


def vectors() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(VECTORS.read_text("utf-8")) if VECTORS.exists() else []
    return loaded


@pytest.mark.skipif(not VECTORS.exists(), reason="shared vectors are not beside the repository")
@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: str(vector["scheme"]))
def test_every_example_of_the_standard_reads_as_it_says(vector: dict[str, Any]) -> None:
    epc = decode_epc(vector["hex"])
    assert epc.faults == ()
    assert epc.scheme == vector["scheme"].split("/")[0].lower()
    assert (epc.tag_uri, epc.pure_uri, epc.element_string) == (
        vector["tag_uri"],
        vector["pure_uri"],
        vector["gs1"],
    )


def test_an_item_tells_all_its_spellings() -> None:
    epc = decode_epc(ITEM.lower())
    assert epc == Epc(
        ITEM,
        EpcScheme.SGTIN_96,
        3,
        "0614141",
        "0614141.812345.6789",
        (("01", "80614141123458"), ("21", "6789")),
        "6789",
    )
    assert (epc.gtin, epc.serial, epc.sscc, epc.unit) == ("80614141123458", "6789", None, None)
    assert epc.digital_link == "https://id.gs1.org/01/80614141123458/21/6789"
    assert epc.identity == "urn:epc:id:sgtin:0614141.812345.6789"


def test_units_assets_places_and_people_are_told_apart() -> None:
    unit = decode_epc(to.sscc_96("0614141", "1234567890"))
    assert (unit.sscc, unit.unit, unit.gtin) == ("106141412345678908", "106141412345678908", None)
    tote = decode_epc("3376451FD40C0E400000162E")
    assert (tote.grai, tote.serial) == ("095211411234545678", "5678")
    assert tote.unit == "urn:epc:id:grai:9521141.12345.5678", "its 18 digits could be taken for an SSCC"
    assert decode_epc("3476451FD40000000000162E").giai == "95211415678"
    place = decode_epc("3276451FD46072000000162E")
    assert (place.gln, place.gln_extension) == ("9521141123454", "5678")
    assert decode_epc("2D76451FD4499602D2000000").gsrn == "952114112345678906"


def test_a_place_without_an_extension_has_none() -> None:
    place = decode_epc("3276451FD460720000000000")
    assert (place.element_string, place.gln_extension) == ("(414)9521141123454", None)
    assert place.pure_uri == "urn:epc:id:sgln:9521141.12345.0"


@pytest.mark.parametrize(
    ("digits", "link"),
    [
        ("FD3795211411234538566CB0AFC525065F1876F0D996D800", "https://id.example.com/01/79521141123453/21/32a%2Fb"),
        ("FD3795211411234538566CB0AFC5232F8C3B786CCB6C", "https://example.com/01/79521141123453/21/32a%2Fb"),
        (
            "FC342CDE795211411234538566CB0AFC525065F1876F0D996D80",
            "https://id.example.com/01/79521141123453/21/32a%2Fb?17=220630",
        ),
    ],
)  # fmt: skip
def test_a_tag_may_name_the_host_of_its_digital_link(digits: str, link: str) -> None:
    assert decode_epc(digits).digital_link == link


def test_a_host_name_may_be_in_capitals_or_end_with_a_country() -> None:
    sscc = to.number(0xEF, 8) + "0000" + to.decimal("095201234567891235")
    capitals = to.hexadecimal(sscc + "0" + to.number(5, 6) + to.code_40("A-B.C"))
    assert decode_epc(capitals).hostname == "A-B.C"
    country = to.seven_bit("gs1", 0) + to.number(2, 7) + to.number(25, 7)
    assert decode_epc(to.hexadecimal(sscc + "1" + to.number(5, 6) + country)).hostname == "gs1.co.uk"
    wrong = to.hexadecimal(sscc + "1" + to.number(3, 6) + to.seven_bit("a/b", 0))
    assert [fault.code for fault in decode_epc(wrong).faults] == [FaultCode.CHARACTER]


def test_neither_host_nor_data_change_what_a_tag_names() -> None:
    host = decode_epc("FD3795211411234538566CB0AFC525065F1876F0D996D800")
    dated = decode_epc("FB342CDE795211411234538566CB0AFC4")
    plain = decode_epc("F73795211411234538566CB0AFC4")
    assert {host.identity, dated.identity, plain.identity} == {
        "https://id.gs1.org/01/79521141123453/21/32a%2Fb"
    }


@given(serial=st.text(SET_82, min_size=16, max_size=16), host=st.text("abc", min_size=63, max_size=63))
def test_a_unit_of_any_encoding_fits_into_a_record(serial: str, host: str) -> None:
    bits = to.number(0xEB, 8) + "0000" + to.decimal("09521141123454") + to.alphanumeric(serial, 4)
    tote = decode_epc(to.hexadecimal(bits + "1" + to.number(63, 6) + to.seven_bit(host, 0))[:124])
    assert tote.faults or len(tote.unit or "") <= 128
    short = decode_epc(to.hexadecimal(to.number(0xF1, 8) + bits[8:]))
    assert (
        UnitPosition(
            seq=1,
            occurred_at_claimed=datetime.now(UTC),
            mono_ns=1,
            boot_id="b",
            clock_ok=True,
            unit=short.unit,
            location="STAGING",
        ).unit
        == short.unit
    )


def test_lot_expiry_and_count_may_stand_behind_the_epc() -> None:
    item = to.number(0xF7, 8) + "1001" + to.decimal("79521141123453") + to.alphanumeric("77", 0)
    lot = to.decimal("10") + to.alphanumeric("L-7", 3)
    expiry = to.decimal("17") + to.number(27, 7) + to.number(2, 4) + to.number(0, 5)
    count = to.decimal("37") + to.number(2, 4) + to.integer("24")
    epc = decode_epc(to.hexadecimal(item + lot + expiry + count))
    assert (epc.lot, epc.expiry, epc.quantity) == ("L-7", date(2027, 2, 28), 24)
    assert epc.digital_link == "https://id.gs1.org/01/79521141123453/10/L-7/21/77?17=270200&37=24"
    again = decode_epc(to.hexadecimal(item + expiry + expiry))
    assert (again.expiry, again.element_string) == (date(2027, 2, 28), "(01)79521141123453(21)77(17)270200")
    other = to.decimal("17") + to.number(28, 7) + to.number(2, 4) + to.number(0, 5)
    both = decode_epc(to.hexadecimal(item + expiry + other))
    assert ([fault.code for fault in both.faults], both.scheme) == ([FaultCode.CONTRADICTION], None)
    unknown = decode_epc(to.hexadecimal(item + to.decimal("99") + to.number(5, 8) + expiry))
    assert (unknown.serial, unknown.expiry, unknown.faults) == ("77", None, ()), "the EPC itself is complete"


@pytest.mark.parametrize("year", range(0, 100, 7))
def test_a_tag_and_a_label_mean_the_same_century(year: int) -> None:
    item = to.number(0xF7, 8) + "1001" + to.decimal("79521141123453") + to.alphanumeric("77", 0)
    dated = item + to.decimal("17") + to.number(year, 7) + to.number(2, 4) + to.number(0, 5)
    label = decode_barcode(f"]C1017952114112345317{year:02d}0200")
    assert label.expiry is not None
    assert decode_epc(to.hexadecimal(dated)).expiry == label.expiry


prefixes = st.integers(6, 12).flatmap(lambda count: st.text("0123456789", min_size=count, max_size=count))


def references(prefix: str, together: int) -> st.SearchStrategy[str]:
    count = together - len(prefix)
    return st.text("0123456789", min_size=count, max_size=count)


@given(data=st.data(), prefix=prefixes, serial=st.integers(0, 2**38 - 1), filter_value=st.integers(0, 7))
def test_an_item_reads_as_it_was_written(
    data: st.DataObject, prefix: str, serial: int, filter_value: int
) -> None:
    reference = data.draw(references(prefix, 13))
    epc = decode_epc(to.sgtin_96(prefix, reference, serial, filter_value))
    assert epc.tag_uri == f"urn:epc:tag:sgtin-96:{filter_value}.{prefix}.{reference}.{serial}"
    assert epc.gtin is not None
    assert epc.gtin[:13] == reference[0] + prefix + reference[1:]
    barcode = decode_barcode(f"]C101{epc.gtin}21{serial}")
    assert (barcode.gtin, barcode.element_string, barcode.digital_link) == (
        epc.gtin,
        epc.element_string,
        epc.digital_link,
    ), "a barcode of the same item says the same"


@given(data=st.data(), prefix=prefixes)
def test_a_unit_reads_as_it_was_written(data: st.DataObject, prefix: str) -> None:
    reference = data.draw(references(prefix, 17))
    epc = decode_epc(to.sscc_96(prefix, reference))
    assert epc.pure_uri == f"urn:epc:id:sscc:{prefix}.{reference}"
    assert epc.sscc is not None
    assert decode_barcode(f"]C100{epc.sscc}").faults == ()


LONG: Final = {
    "sgtin-198": (0x36, 44, 13, 140, 20),
    "sgln-195": (0x39, 41, 12, 140, 20),
    "grai-170": (0x37, 44, 12, 112, 16),
    "gdti-174": (0x3E, 41, 12, 119, 17),
}
"""Header, bits and digits of prefix and reference, bits and characters of the serial."""


@pytest.mark.parametrize("scheme", LONG)
@given(data=st.data(), prefix=prefixes, words=st.booleans())
def test_letters_in_a_serial_read_as_they_were_written(
    scheme: str, *, data: st.DataObject, prefix: str, words: bool
) -> None:
    header, together, digits, width, most = LONG[scheme]
    reference = data.draw(references(prefix, digits))
    serial = data.draw(st.text(SET_82, min_size=1, max_size=most))
    bits = to.number(header, 8) + "011" + to.partitioned(prefix, reference, together)
    epc = decode_epc(to.hexadecimal(bits + to.seven_bit(serial, width), words=words))
    assert epc.scheme == scheme
    assert epc.body is not None
    read = epc.body.removeprefix(f"{prefix}.{reference}.")
    assert read.replace("%", "") == "".join(
        f"{ord(character):02X}" if character in '"%&/<>?' else character for character in serial
    )
    if scheme != "sgln-195":
        assert epc.serial == serial


@given(data=st.data(), prefix=prefixes)
def test_assets_read_as_they_were_written(data: st.DataObject, prefix: str) -> None:
    bits = 188 - to.PREFIX_BITS[12 - len(prefix)]
    reference = data.draw(st.text(SET_82, min_size=1, max_size=30 - len(prefix)))
    long = to.number(0x38, 8) + "000" + to.partitioned(prefix, "", to.PREFIX_BITS[12 - len(prefix)])
    assert decode_epc(to.hexadecimal(long + to.seven_bit(reference, bits))).giai == prefix + reference
    number = data.draw(st.integers(0, 10 ** (13 + 12 - len(prefix)) - 1).filter(lambda value: value < 2**42))
    short = to.number(0x34, 8) + "000" + to.partitioned(prefix, str(number), 82)
    assert decode_epc(to.hexadecimal(short)).giai == f"{prefix}{number}"


ENCODABLE: Final = {
    0: "0123456789",
    1: "0123456789ABCDEF",
    2: "0123456789abcdef",
    3: to.BASE_64,
    4: SET_82,
    5: to.CODE_40[1:],
}


@pytest.mark.parametrize("encoding", ENCODABLE)
@given(data=st.data(), gtin=st.text("0123456789", min_size=13, max_size=13), words=st.booleans())
def test_a_plus_serial_reads_in_every_encoding(
    encoding: int, *, data: st.DataObject, gtin: str, words: bool
) -> None:
    serial = data.draw(st.text(ENCODABLE[encoding], min_size=1, max_size=20))
    bits = to.number(0xF7, 8) + "0001" + to.decimal(gtin + check_digit(gtin))
    epc = decode_epc(to.hexadecimal(bits + to.alphanumeric(serial, encoding), words=words))
    assert (epc.gtin, epc.serial, epc.filter) == (gtin + check_digit(gtin), serial, 1)
    assert (epc.tag_uri, epc.pure_uri) == (None, None), "the standard gives + schemes no URI"


@pytest.mark.parametrize(
    ("scheme", "digits", "pure_uri"),
    [
        ("gsrnp-96", to.number(0x2E, 8) + "011" + to.partitioned("9521141", "1234567890", 58) + "0" * 24,
         "urn:epc:id:gsrnp:9521141.1234567890"),
        ("gdti-113", to.number(0x3A, 8) + "011" + to.partitioned("9521141", "12345", 41)
         + to.number(10056, 58), "urn:epc:id:gdti:9521141.12345.0056"),
        ("sgcn-96", to.number(0x3F, 8) + "011" + to.partitioned("4012345", "67890", 41)
         + to.number(104711, 41), "urn:epc:id:sgcn:4012345.67890.04711"),
        ("cpi-var", to.number(0x3D, 8) + "011" + to.partitioned("9521141", "", 24) + to.six_bit("5PQ7/Z43")
         + "0" * 6 + to.number(12345, 40), "urn:epc:id:cpi:9521141.5PQ7%2FZ43.12345"),
        ("adi-var", to.number(0x3B, 8) + to.number(3, 6) + to.six_bit(" 35962PQ7VZ4") + "0" * 6
         + to.six_bit("M37GXB92") + "0" * 6, "urn:epc:id:adi:35962.PQ7VZ4.M37GXB92"),
        ("adi-var", to.number(0x3B, 8) + to.number(3, 6) + to.six_bit("W81X9C") + "0" * 6
         + to.six_bit("#3-9/B") + "0" * 6, "urn:epc:id:adi:W81X9C..%233-9%2FB"),
        ("itip-212", to.number(0x41, 8) + "011" + to.partitioned("9521141", "012345", 44) + to.number(1, 7)
         + to.number(2, 7) + to.seven_bit("mw133", 140), "urn:epc:id:itip:9521141.012345.01.02.mw133"),
    ],
)  # fmt: skip
def test_the_rarer_schemes_read_too(scheme: str, digits: str, pure_uri: str) -> None:
    epc = decode_epc(to.hexadecimal(digits))
    assert (epc.scheme, epc.pure_uri, epc.faults) == (scheme, pure_uri, ())


@pytest.mark.parametrize(
    ("scheme", "bits", "element_string"),
    [
        ("sgcn+", to.number(0xF8, 8) + "0000" + to.decimal("9521141123454") + to.number(5, 4)
         + to.integer("04711"), "(255)952114112345404711"),
        ("cpi+", to.number(0xF0, 8) + "0000" + to.decimal("9521141") + "1110" + to.alphanumeric("PQ-7", 5)
         + to.number(3, 4) + to.integer("012"), "(8010)9521141PQ-7(8011)012"),
        ("gsrnp+", to.number(0xF5, 8) + "0000" + to.decimal("952114112345678906"),
         "(8017)952114112345678906"),
        ("giai+", to.number(0xFA, 8) + "0000" + to.decimal("95211410042") + "1111", "(8004)95211410042"),
        ("sgln+", to.number(0xF2, 8) + "0000" + to.decimal("9521141123454") + to.alphanumeric("0", 0),
         "(414)9521141123454"),
    ],
)  # fmt: skip
def test_the_rarer_plus_schemes_read_too(scheme: str, bits: str, element_string: str) -> None:
    epc = decode_epc(to.hexadecimal(bits))
    assert (epc.scheme, epc.element_string, epc.faults) == (scheme, element_string, ())
    assert epc.identity == epc.digital_link


@pytest.mark.parametrize(
    ("digits", "code", "words"),
    [
        ("", "empty", "expected hexadecimal"),
        ("3074257BF7194E40 0001A85", "not_hexadecimal", "expected hexadecimal"),
        ("0x74257BF7194E4000001A85", "not_hexadecimal", "expected hexadecimal"),
        ("30_4257BF7194E4000001A85", "not_hexadecimal", "expected hexadecimal"),
        ("\N{ARABIC-INDIC DIGIT THREE}074257BF7194E4000001A85", "not_hexadecimal", "expected hexadecimal"),
        ("0" * 24, "unencoded", "never encoded"),
        ("E28011702000020A1B2C3D4E", "unencoded", "maker"),
        ("FF74257BF7194E4000001A85", "header_unknown", "header FF"),
        ("3", "length", "header: expected 8 bits, 4 are left"),
        ("3074257BF7194E4000001A", "length", "serial: expected 38 bits, 30 are left"),
        ("3074257BF7194E4000001A850000", "length", "16 bits after the EPC, expected at most 15"),
        ("30" * 70, "length", "140 digits, expected at most 124"),
        ("307E257BF7194E4000001A85", "partition", "partition 7, expected 0 to 6"),
        ("3043" + "F" * 20, "out_of_range", "expected at most 12 digits"),
        ("3674257BF6B7A659B2C2BF10000000000000000000000000001F", "padding", "expected zeros"),
        ("3674257BF6B7A659B2C2BF10000000000000000000000000000F", "padding", "expected zeros only"),
        ("3674257BF6B78000" + "0" * 36, "out_of_range", "0 characters"),
        ("311BA1B300CE0A6A83000001", "padding", "reserved field"),
        ("3F76451FD46072000000162E", "out_of_range", "expected a 1 and then"),
        ("F73795211411234548566CB0AFC4", "check_digit", "expected check digit 3"),
        ("F7379521141123453C566CB0AFC4", "character", "encoding indicator 6"),
        ("F7379521141123453856", "length", "serial"),
        ("FB3F2CDE795211411234538566CB0AFC4", "out_of_range", "date type 15"),
        ("FB342DE0795211411234538566CB0AFC4", "out_of_range", "expected a date"),
        ("F13195211411234548566CB0AFC4", "check_digit", "expected check digit"),
        ("F90095201234567891235FFF", "padding", "expected zeros"),
        ("FA012F", "out_of_range", "expected a company prefix"),
        ("2F3204341474F5900000162E", "character", "CAGE code"),
    ],
)
def test_what_no_tag_should_hold_is_a_fault_that_says_why(digits: str, code: str, words: str) -> None:
    epc = decode_epc(digits)
    [fault] = epc.faults
    assert (fault.code, epc.scheme, epc.gtin, epc.identity) == (code, None, None, epc.hex)
    assert words in fault.message


@given(st.binary(max_size=64))
@example(bytes.fromhex("40" + "F" * 26))
def test_no_bits_of_any_length_break_the_decoder(raw: bytes) -> None:
    epc = decode_epc(raw.hex())
    assert (epc.scheme is None) == bool(epc.faults)
    assert set(epc_as_json_object(raw.hex(), epc)) == set(as_json_object(decode_barcode("]C110A")))
    if epc.scheme is not None:
        assert epc.element_string or epc.pure_uri


@given(header=st.sampled_from(sorted({*range(0x2C, 0x42), *range(0xE6, 0xFE)})), rest=st.binary(max_size=61))
def test_no_content_breaks_a_scheme(header: int, rest: bytes) -> None:
    epc = decode_epc((bytes([header]) + rest).hex())
    assert (epc.scheme is None) == bool(epc.faults)
    assert epc_as_json_object("", epc)["digital_link"] == epc.digital_link


@given(st.text(max_size=40))
def test_no_text_breaks_the_decoder(text: str) -> None:
    assert decode_epc(text).hex == text.upper()


def test_the_quick_way_and_the_thorough_way_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = [decode_epc(to.sgtin_96("0614141", "812345", serial)) for serial in range(0, 2**38, 2**35 + 7)]
    monkeypatch.setattr("edge_agent.decode.epc.sgtin_96", lambda *_: None)
    thorough = [decode_epc(f"{epc.hex}00") for epc in quick]
    assert [epc.tag_uri for epc in thorough] == [epc.tag_uri for epc in quick]
    assert [epc.elements for epc in thorough] == [epc.elements for epc in quick]
