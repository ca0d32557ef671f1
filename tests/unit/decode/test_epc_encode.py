"""What a tag must hold: every spelling of every scheme, written and read again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.cli import main
from edge_agent.decode.epc import Epc, EpcScheme, decode_epc
from edge_agent.decode.epc_encode import encode_epc
from edge_agent.decode.epc_partitioned import LAYOUTS
from edge_agent.decode.epc_plus import PLUS_LAYOUTS
from edge_agent.decode.epc_schemes import SPLIT
from tests.unit.decode import epc_encoder as to
from tests.unit.decode.test_epc import VECTORS, vectors


def spellings(epc: Epc) -> dict[str, dict[str, Any]]:
    """Give every spelling of an EPC, and what else must be said to come back to it."""
    told: dict[str, dict[str, Any]] = {epc.hex: {"scheme": epc.scheme}}
    if epc.tag_uri and epc.pure_uri:
        told[epc.tag_uri] = {}
        told[epc.pure_uri] = {"scheme": epc.scheme, "filter_value": epc.filter}
    digits = len(epc.company_prefix) if epc.company_prefix else None
    for text in filter(None, (epc.element_string, epc.digital_link)):
        told[text] = {"scheme": epc.scheme, "filter_value": epc.filter, "prefix_digits": digits}
    return told


@pytest.mark.skipif(not VECTORS.exists(), reason="shared vectors are not beside the repository")
@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: str(vector["scheme"]))
def test_every_example_of_the_standard_is_written_from_each_of_its_spellings(vector: dict[str, Any]) -> None:
    for text, more in spellings(decode_epc(vector["hex"])).items():
        written = encode_epc(text, **more)
        assert written.faults == (), text
        assert written.hex.rstrip("0") == vector["hex"].rstrip("0"), text


@given(header=st.sampled_from(sorted({*LAYOUTS, *PLUS_LAYOUTS})), rest=st.binary(max_size=61))
def test_whatever_a_tag_says_can_be_written_again(header: int, rest: bytes) -> None:
    epc = decode_epc((bytes([header]) + rest).hex())
    if epc.scheme is None:
        return
    again = encode_epc(epc.hex, scheme=epc.scheme)
    assert (again.faults, again.scheme, again.filter, again.hostname) == (
        (),
        epc.scheme,
        epc.filter,
        epc.hostname,
    )
    assert (again.tag_uri, again.elements) == (epc.tag_uri, epc.elements)


def test_every_scheme_of_the_standard_is_written() -> None:
    assert {*SPLIT, *(layout.scheme for layout in PLUS_LAYOUTS.values())} == set(EpcScheme)


@pytest.mark.parametrize(
    "digits",
    [
        to.hexadecimal(to.number(0x2E, 8) + "011" + to.partitioned("9521141", "1234567890", 58) + "0" * 24),
        to.hexadecimal(to.number(0x38, 8) + "001" + to.partitioned("9521141", "", 24)
                       + to.seven_bit("32a/b", 164)),
        to.hexadecimal(to.number(0x3A, 8) + "011" + to.partitioned("9521141", "12345", 41)
                       + to.number(10056, 58)),
        to.hexadecimal(to.number(0x3F, 8) + "011" + to.partitioned("4012345", "67890", 41)
                       + to.number(104711, 41)),
        to.hexadecimal(to.number(0x3D, 8) + "011" + to.partitioned("9521141", "", 24)
                       + to.six_bit("5PQ7/Z43") + "0" * 6 + to.number(12345, 40)),
        to.hexadecimal(to.number(0x3B, 8) + to.number(3, 6) + to.six_bit("W81X9C") + "0" * 6
                       + to.six_bit("#3-9/B") + "0" * 6),
        to.hexadecimal(to.number(0xE6, 8) + "0000" + to.decimal("9521141") + "1110"
                       + to.alphanumeric("PQ-7", 5) + to.number(3, 4) + to.integer("012")
                       + "1" + to.number(5, 6) + to.seven_bit("gs1.a", 0)),
        "FD3795211411234538566CB0AFC525065F1876F0D996D800",
        to.hexadecimal(to.number(0xF8, 8) + "0000" + to.decimal("9521141123454") + to.number(5, 4)
                       + to.integer("04711")),
    ],
)  # fmt: skip
def test_the_rarer_schemes_are_written_from_each_of_their_spellings(digits: str) -> None:
    read = decode_epc(digits)
    assert read.faults == ()
    for text, more in spellings(read).items():
        written = encode_epc(text, **more)
        assert (written.faults, written.identity, written.filter) == ((), read.identity, read.filter), text


def test_the_shortest_scheme_is_taken_and_the_filter_value_goes_along() -> None:
    number = encode_epc("urn:epc:id:sgtin:0614141.812345.6789", filter_value=3)
    assert number.hex == "3074257BF7194E4000001A85"
    letters = encode_epc("urn:epc:id:sgtin:0614141.812345.06789")
    assert (letters.scheme, letters.filter) == (EpcScheme.SGTIN_198, 0), "a leading zero needs letters"
    whole = encode_epc(number.hex, scheme=EpcScheme.SGTIN_PLUS)
    assert (whole.element_string, whole.filter) == (number.element_string, 3)
    back = encode_epc(whole.hex, scheme=EpcScheme.SGTIN_96, prefix_digits=7)
    assert back.tag_uri == number.tag_uri
    scanned = encode_epc("]C10180614141123458172702282167892\x1d10L7")
    assert (scanned.scheme, scanned.lot, str(scanned.expiry)) == (EpcScheme.SGTIN_PLUS, "L7", "2027-02-28")
    hosted = encode_epc("https://www.example.com/01/80614141123458/21/6789?10=L7")
    assert (hosted.scheme, hosted.hostname, hosted.lot) == ("sgtin++", "www.example.com", "L7")


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        ("", {}, "expected urn:epc:tag:"),
        ("(01)80614141123459(21)1", {}, "expected check digit 8"),
        ("(01)80614141123458", {}, "(21) is missing"),
        ("(01)80614141123458(21)1", {"scheme": EpcScheme.SGTIN_96}, "how many digits"),
        ("(01)80614141123458(21)1", {"prefix_digits": 13}, "expected 6 to 12 digits"),
        ("(01)80614141123458(21)1", {"scheme": EpcScheme.SSCC_PLUS}, "it is for SSCC, got SGTIN"),
        ("(01)80614141123458(21)1(21)2", {}, "is there twice"),
        ("(01)80614141123458(21)1(99)x", {}, "reads as an identifier"),
        ("(01)80614141123458(21)1(7006)270228", {}, "(7006) cannot be written behind"),
        ("https://id.gs1.org/01//21/1", {}, "has no value"),
        ("https://id.gs1.org/about", {}, "expected a Digital Link"),
        ("urn:epc:tag:sgtin-96:8.0614141.812345.1", {}, "filter value 8: expected 0 to 7"),
        ("urn:epc:tag:sgtin-96:3.0614141.812345.01", {}, "keeps no leading zeros"),
        ("urn:epc:tag:sgtin-96:3.061414.812345.1", {}, "expected 13 digits"),
        ("urn:epc:tag:sgtin+:3.0614141.812345.1", {}, "no scheme with a tag URI"),
        ("urn:epc:id:isbn:1.2", {}, "no key of the standard"),
        ("urn:epc:id:sgtin:0614141.812345.32a/b", {}, "the standard spells it"),
        ("urn:epc:id:gid:1.2.3", {"scheme": EpcScheme.GID_96, "filter_value": 5}, None),
        ("3074257BF7194E4000001A", {}, "expected 38 bits"),
        ("]E07032069804989", {}, "check digit"),
        ("9" * 5000, {}, "expected at most 400"),
    ],
)
def test_what_cannot_be_encoded_says_why(text: str, more: dict[str, Any], told: str | None) -> None:
    epc = encode_epc(text, **more)
    if told is None:
        assert epc.faults == ()
    else:
        [fault] = epc.faults
        assert told in fault.message
        assert (epc.scheme, epc.elements) == (None, ())


@given(
    text=st.one_of(
        st.text(max_size=40),
        st.from_regex(
            r"urn:epc:(tag|id):(sgtin-96|sgtin|adi-var|grai|itip):[0-9A-Z.%#]{0,30}", fullmatch=True
        ),
        st.from_regex(r"(\((01|21|8006|8010|253|17|00)\)[0-9A-F]{0,15}){1,3}", fullmatch=True),
        st.from_regex(r"https://[a-z.]{0,9}/(01|8003|414)/[0-9a-z%]{0,14}(/21/[0-9]{0,3})?", fullmatch=True),
    ),
    digits=st.one_of(st.none(), st.integers(-1, 20)),
)
def test_no_text_breaks_the_encoder(text: str, digits: int | None) -> None:
    epc = encode_epc(text, prefix_digits=digits)
    assert (epc.scheme is None) == bool(epc.faults)


def test_the_command_answers_like_decode_and_tells_what_a_tag_must_hold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tag = "3074257BF7194E4000001A85"
    assert main(["encode", "urn:epc:tag:sgtin-96:3.0614141.812345.6789"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert main(["decode", "epc", tag]) == 0
    read = json.loads(capsys.readouterr().out)
    assert written == {"hex": tag} | read | {"input": "urn:epc:tag:sgtin-96:3.0614141.812345.6789"}
    assert main(["encode", "(21)1"]) == 1
    assert json.loads(capsys.readouterr().out)["hex"] is None
