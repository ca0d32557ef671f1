"""Barcodes: GS1 by the AIM identifier, everything else as it is, and nothing that is ambiguous guessed."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.records import LabelDates
from edge_agent.decode.barcode import decode_barcode
from edge_agent.decode.decoded import Decoded, FaultCode, Scheme, as_json_object
from simulators.scanner.element_strings import check_digit, element_string

GTIN = "07032069804988"
SSCC = "106141412345678908"
GLN = "9506000134352"


def faults(decoded: Decoded) -> list[FaultCode]:
    return [fault.code for fault in decoded.faults]


@pytest.mark.parametrize(
    ("raw", "scheme", "element_string"),
    [
        ("]E07032069804988", Scheme.GTIN, "(01)07032069804988"),
        ("]E0012345678905", Scheme.GTIN, "(01)00012345678905"),
        ("]E496385074", Scheme.GTIN, "(01)00000096385074"),
        ("]I109506000134352", Scheme.GTIN, "(01)09506000134352"),
        ("]C10107032069804988", Scheme.GTIN, "(01)07032069804988"),
        ("]e00107032069804988", Scheme.GTIN, "(01)07032069804988"),
        ("]C10107032069804988\x1d", Scheme.GTIN, "(01)07032069804988"),
        ("]d2\x1d0107032069804988", Scheme.GTIN, "(01)07032069804988"),
        (f"]C100{SSCC}", Scheme.SSCC, f"(00){SSCC}"),
        (f"]C1414{GLN}254A-01", Scheme.SGLN, f"(414){GLN}(254)A-01"),
        ("]d201070320698049882142", Scheme.SGTIN, "(01)07032069804988(21)42"),
        ("]C110LOT7", Scheme.GS1, "(10)LOT7"),
        ("]Q1https://example.com/01/7032069804988/10/A", Scheme.GTIN, "(01)07032069804988(10)A"),
    ],
)
def test_the_aim_identifier_says_how_to_read_a_code(raw: str, scheme: Scheme, element_string: str) -> None:
    decoded = decode_barcode(raw)
    assert (decoded.scheme, decoded.element_string, decoded.faults) == (scheme, element_string, ())
    assert decoded.raw == raw


@pytest.mark.parametrize(
    "raw", ["]C085123A", "]A0A-01-02", "]Q1hello", "]d1https://example.com/menu", "]X0x"]
)
def test_what_is_not_gs1_is_kept_as_it_is(raw: str) -> None:
    decoded = decode_barcode(raw)
    assert (decoded.scheme, decoded.text, decoded.gtin) == (Scheme.LOCAL, raw[3:], None)


def test_plain_code_128_that_looks_like_element_strings_stays_local() -> None:
    assert decode_barcode("]C00107032069804988").scheme is Scheme.LOCAL


def test_an_ean_13_that_reads_as_another_identifier_needs_its_aim_identifier() -> None:
    assert decode_barcode("]E07032069804988").gtin == GTIN
    assert faults(decode_barcode("7032069804988")) == [FaultCode.AIM_MISSING]
    ambiguous = decode_barcode("7032069804988", aim_required=False)
    assert faults(ambiguous) == [FaultCode.AMBIGUOUS]
    assert (ambiguous.scheme, ambiguous.gtin, ambiguous.raw) == (None, None, "7032069804988")


@pytest.mark.parametrize(
    ("raw", "scheme"), [("SHELF-7", Scheme.LOCAL), ("012345678905", Scheme.GTIN), ("10125", Scheme.GS1)]
)
def test_without_aim_identifiers_the_only_reading_counts(raw: str, scheme: Scheme) -> None:
    assert decode_barcode(raw, aim_required=False).scheme is scheme


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("]E07032069804989", FaultCode.CHECK_DIGIT),
        ("]C10107032069804980", FaultCode.CHECK_DIGIT),
        ("]C10007032069804988123", FaultCode.ELEMENT_STRING),
        (f"]C100{SSCC[:-1]}9", FaultCode.CHECK_DIGIT),
        ("]C14149506000134353254A", FaultCode.CHECK_DIGIT),
        ("]E0 7032069804988", FaultCode.CHECK_DIGIT),
        ("]E0\N{ARABIC-INDIC DIGIT SEVEN}032069804988", FaultCode.CHECK_DIGIT),
        ("]C1 0107032069804988", FaultCode.ELEMENT_STRING),
        ("]C1010703206980498817261399", FaultCode.ELEMENT_STRING),
        ("]C10107032069804988101234567890123456789021SERIAL", FaultCode.SEPARATOR_MISSING),
        ("]C1300000000110A", FaultCode.SEPARATOR_MISSING),
        ("]C110A\x1d10B", FaultCode.CONTRADICTION),
        (f"]Q1https://example.com/01/{GTIN}?17=270227&17=270200", FaultCode.CONTRADICTION),
        (f"]C101{GTIN}02{GTIN}371", FaultCode.CONTRADICTION),
        ("]C1305\x1d376", FaultCode.CONTRADICTION),
        ("]C1370", FaultCode.CONTRADICTION),
        ("]C1", FaultCode.EMPTY),
        ("]C1\x1d", FaultCode.EMPTY),
        ("]", FaultCode.AIM_UNKNOWN),
        ("]??x", FaultCode.AIM_UNKNOWN),
        ("]C0a\x1db", FaultCode.UNPRINTABLE),
        ("", FaultCode.AIM_MISSING),
    ],
)
def test_what_cannot_be_right_is_flagged_and_names_nothing(raw: str, fault: FaultCode) -> None:
    decoded = decode_barcode(raw)
    assert fault in faults(decoded)
    assert decoded.scheme is None
    assert (decoded.gtin, decoded.sscc, decoded.lot, decoded.quantity) == (None, None, None, None)
    assert decoded.raw == raw


def test_lot_expiry_serial_and_count_come_out_of_one_label() -> None:
    text = element_string(("01", GTIN), ("17", "271231"), ("10", "L-7"), ("21", "S/1"), ("30", "6"))
    decoded = decode_barcode("]C1" + text)
    assert (decoded.gtin, decoded.lot, decoded.serial) == (GTIN, "L-7", "S/1")
    assert (decoded.expiry, decoded.quantity, decoded.is_piece_count) == (date(2027, 12, 31), 6, True)
    assert decoded.pure_uri == "urn:epc:id:sgtin:703206.0980498.S%2F1"
    assert decoded.digital_link == f"https://id.gs1.org/01/{GTIN}/10/L-7/21/S%2F1?17=271231&30=6"


def test_day_zero_is_the_last_day_of_the_month() -> None:
    assert decode_barcode(f"]C101{GTIN}17270200").expiry == date(2027, 2, 28)


def test_what_was_made_or_packed_on_day_zero_may_be_as_old_as_its_months_first_day() -> None:
    told = decode_barcode(f"]C101{GTIN}1127020013270200").dates
    assert told == LabelDates(produced_on=date(2027, 2, 1), packed_on=date(2027, 2, 1))


@pytest.mark.parametrize("last", ["17271120", "15271125", "16271101"])
def test_production_on_day_zero_does_not_contradict_a_last_day_in_its_month(last: str) -> None:
    told = decode_barcode(f"]C101{GTIN}11271100{last}")
    assert (told.faults, told.gtin) == ((), GTIN)


def test_a_label_says_each_of_its_dates_apart() -> None:
    text = element_string(
        ("01", GTIN), ("11", "260203"), ("13", "260204"), ("15", "270200"), ("16", "270131"), ("10", "L-7")
    )
    expected = LabelDates(
        produced_on=date(2026, 2, 3),
        packed_on=date(2026, 2, 4),
        best_before=date(2027, 2, 28),
        sell_by=date(2027, 1, 31),
    )
    assert decode_barcode("]C1" + text).dates == expected
    assert decode_barcode(f"]C101{GTIN}17270200").dates == LabelDates(use_by=date(2027, 2, 28))
    assert decode_barcode(f"]C101{GTIN}7003{'2702281530'}").dates == LabelDates(use_by=date(2027, 2, 28))
    assert decode_barcode(f"]C101{GTIN}").dates is None


@pytest.mark.parametrize(
    "told",
    ["17270231", "11271301", "11270300" + "17270228", "11270302" + "17270301", "11270302" + "15270301"],
)
def test_a_date_that_cannot_be_is_told_and_the_label_names_nothing(told: str) -> None:
    decoded = decode_barcode(f"]C101{GTIN}{told}10L-7")
    assert [each for each in decoded.faults if each.code in {"element_string", "contradiction"}]
    assert (decoded.scheme, decoded.lot, decoded.dates) == (None, None, None)


def test_content_of_a_logistic_unit_is_counted_in_trade_items() -> None:
    decoded = decode_barcode("]C1" + element_string(("02", GTIN), ("37", "24"), ("10", "L1")))
    assert (decoded.gtin, decoded.quantity, decoded.is_piece_count) == (GTIN, 24, False)


def test_a_best_before_date_is_no_expiry_date() -> None:
    assert decode_barcode(f"]C101{GTIN}15271231").expiry is None


def test_the_printed_object_has_the_keys_that_every_decoder_answers() -> None:
    assert as_json_object(decode_barcode(f"]C100{SSCC}")) == {
        "input": f"]C100{SSCC}",
        "scheme": "sscc",
        "tag_uri": None,
        "pure_uri": "urn:epc:id:sscc:0614141.1234567890",
        "element_string": f"(00){SSCC}",
        "digital_link": f"https://id.gs1.org/00/{SSCC}",
        "filter": None,
        "gtin": None,
        "sscc": SSCC,
        "serial": None,
        "lot": None,
        "expiry": None,
        "quantity": None,
        "errors": [],
    }


set_82 = st.text("ABCXYZabcxyz0123456789-./!&%+", min_size=1, max_size=20)


@given(st.from_regex(r"[0-9]{13}", fullmatch=True), set_82, set_82, st.integers(1, 99_999_999))
def test_what_our_own_encoder_writes_is_read_back(payload: str, lot: str, serial: str, count: int) -> None:
    gtin = payload + check_digit(payload)
    text = element_string(("01", gtin), ("10", lot), ("21", serial), ("30", str(count)))
    decoded = decode_barcode("]C1" + text)
    if decoded.faults:  # biip knows prefixes that GS1 has not issued: then it is refused whole
        assert faults(decoded) == [FaultCode.CHECK_DIGIT]
    else:
        assert (decoded.gtin, decoded.lot, decoded.serial, decoded.quantity) == (gtin, lot, serial, count)


@given(raw=st.text(max_size=60), aim_required=st.booleans())
def test_no_text_whatever_makes_the_decoder_raise(*, raw: str, aim_required: bool) -> None:
    decoded = decode_barcode(raw, aim_required=aim_required)
    assert decoded.raw == raw
    assert (decoded.scheme is None) == bool(decoded.faults)


@given(
    st.sampled_from(["]C1", "]d2", "]E0", "]E4", "]I1", "]Q3", "]Q1", "]C0"]),
    st.text("0123456789\x1dA", max_size=40),
)
def test_no_digits_under_any_identifier_make_the_decoder_raise(aim: str, digits: str) -> None:
    decoded = decode_barcode(aim + digits)
    assert (decoded.scheme is None) == bool(decoded.faults)


HAM = "9" + GTIN[1:-1] + check_digit("9" + GTIN[1:-1])


def test_a_net_weight_is_read_with_its_decimals() -> None:
    assert decode_barcode(f"]C101{HAM}3103001250").weight_kg == Decimal("1.250")
    assert decode_barcode(f"]C101{HAM}3100000012").weight_kg == 12
    assert decode_barcode(f"]C101{HAM}").weight_kg is None


@pytest.mark.parametrize("weights", ["31030012503102000130", "3103000000"])
def test_two_weights_and_none_are_no_weight(weights: str) -> None:
    decoded = decode_barcode(f"]C101{HAM}{weights}")
    assert (faults(decoded), decoded.weight_kg) == ([FaultCode.CONTRADICTION], None)


def test_one_weight_said_twice_is_one() -> None:
    assert decode_barcode(f"]C101{HAM}31030012503102000125").weight_kg == Decimal("1.250")
