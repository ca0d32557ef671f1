"""Whatever a tag or a label says names one thing, or is refused with words; both of them agree on it.

A short seeded part runs in the suite; `make soak` runs each of them for half an hour.
"""

import json
import random
import string
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from edge_agent.decode.barcode import decode_barcode
from edge_agent.decode.decoded import Decoded, Scheme, as_json_object
from edge_agent.decode.epc import Epc, decode_epc, epc_as_json_object
from edge_agent.decode.epc_partitioned import LAYOUTS
from edge_agent.decode.epc_plus import PLUS_LAYOUTS
from edge_agent.decode.tag_role import TagRole, TagRules, tag_role
from simulators.scanner.element_strings import check_digit, element_string
from tests.unit.decode import epc_encoder as to
from tests.unit.edge_fuzz.mutation import HALF_AN_HOUR_S, damaged, run, run_for_half_an_hour

VECTORS: Final = Path(__file__).parents[4] / "shared" / "vectors" / "epc" / "tds23_annex_e3.json"
SHORT: Final = 150
RULES: Final = TagRules(own_prefixes=("0614141", "9521141"), foreign_patterns=("3.*9",))
HEADERS: Final = (*LAYOUTS, *PLUS_LAYOUTS, 0x00, 0xE2, 0xFF)
SET_82: Final = string.ascii_letters + string.digits + "!\"%&'()*+,-./:;<=>?_"
AIMS: Final = (
    "]C1",
    "]e0",
    "]d2",
    "]Q3",
    "]J1",
    "]E0",
    "]E4",
    "]I1",
    "]d1",
    "]Q0",
    "]Q1",
    "]C0",
    "]X9",
    "]",
    "",
)
VALUES: Final[dict[str, Callable[[random.Random], str]]] = {
    "00": lambda source: checked(source, 17),
    "01": lambda source: checked(source, 13),
    "02": lambda source: checked(source, 13),
    "414": lambda source: checked(source, 12),
    "17": lambda source: digits(source, 6),
    "7003": lambda source: digits(source, 10),
    "15": lambda source: digits(source, 6),
    "3103": lambda source: digits(source, 6),
    "3105": lambda source: digits(source, 6),
    "30": lambda source: digits(source, source.randrange(1, 9)),
    "37": lambda source: digits(source, source.randrange(1, 9)),
    "10": lambda source: letters(source, 20),
    "21": lambda source: letters(source, 20),
    "254": lambda source: letters(source, 20),
    "8003": lambda source: "0" + checked(source, 12) + letters(source, 16),
    "8004": lambda source: letters(source, 30),
    "99": lambda source: letters(source, 90),
}
"""Application identifiers and what may stand behind each."""


def digits(source: random.Random, count: int) -> str:
    return "".join(source.choices(string.digits, k=count))


def letters(source: random.Random, most: int) -> str:
    return "".join(source.choices(SET_82, k=source.randrange(1, most + 1)))


def checked(source: random.Random, count: int) -> str:
    payload = digits(source, count)
    return payload + check_digit(payload)


@cache
def tags() -> tuple[str, ...]:
    """Give EPCs of many schemes: the standard's own, and some that a small encoder writes."""
    plus = to.number(0xF7, 8) + "1001" + to.decimal("79521141123453") + to.alphanumeric("77", 0)
    expiry = to.decimal("17") + to.number(27, 7) + to.number(2, 4) + to.number(0, 5)
    made = [
        to.sgtin_96("0614141", "812345", 6789),
        to.sscc_96("0614141", "1234567890"),
        to.hexadecimal(plus + to.decimal("10") + to.alphanumeric("L-7", 3) + expiry),
    ]
    if VECTORS.exists():
        made += [vector["hex"] for vector in json.loads(VECTORS.read_text("utf-8"))]
    return tuple(made)


def tag(source: random.Random) -> str:
    """Give what a reader, or a person at a keyboard, says that a tag holds."""
    whole = source.choice(tags())
    what = source.randrange(6)
    if what == 0:
        return f"{source.choice(HEADERS):02X}{source.randbytes(source.randrange(62)).hex()}"
    if what == 1:
        return damaged(whole.encode(), source).decode("latin-1")
    if what == 2:
        return damaged(bytes.fromhex(whole + "0" * (len(whole) % 2)), source).hex()
    bits = list(f"{int(whole, 16):0{4 * len(whole)}b}")
    for _ in range(source.choice((1, 2, 8))):
        bits[source.randrange(8, len(bits))] = source.choice("01")
    cut = "".join(bits)[: source.choice((len(bits), source.randrange(8, len(bits)) // 4 * 4))]
    return f"{int(cut, 2):0{max(1, len(cut) // 4)}X}" if cut else ""


def epc(source: random.Random) -> None:
    """A tag that was written wrong, or read wrong."""
    raw = tag(source)
    found = decode_epc(raw)
    small = decode_epc(raw.lower())
    assert (found.hex, found.scheme, found.identity) == (small.hex, small.scheme, small.identity)
    assert (found.scheme is None) == bool(found.faults)
    assert all(fault.message for fault in found.faults)
    json.dumps(epc_as_json_object(raw, found))
    role = tag_role(found, RULES)
    if found.faults:
        assert role in {TagRole.UNENCODED, TagRole.FOREIGN}
        assert found.identity == found.hex
        assert (found.tag_uri, found.element_string, found.unit) == (None, None, None)
    else:
        assert found.identity
        assert len(found.unit or "") <= 128
        a_label_says_the_same(found)


def a_label_says_the_same(found: Epc) -> None:
    """Read the tag's Digital Link from a QR code: what is not refused there names the same thing."""
    if found.digital_link is None or found.hostname is not None:
        return
    label = decode_barcode("]Q1" + found.digital_link)
    if label.scheme in {None, Scheme.LOCAL}:
        return
    told = (label.gtin, label.sscc, label.gln, label.serial if label.gtin else None, label.lot, label.expiry)
    serial = found.serial if found.gtin else None
    assert told == (found.gtin, found.sscc, found.gln, serial, found.lot, found.expiry)


def label(source: random.Random) -> str:
    """Give what a scanner says that a label holds."""
    elements = [
        (identifier, VALUES[identifier](source))
        for identifier in source.choices(sorted(VALUES), k=source.randrange(1, 6))
    ]
    what = source.randrange(8)
    if what == 0:
        text = "/".join(("https://id.gs1.org", *(part for pair in elements for part in pair)))
    elif what == 1:
        text = digits(source, source.randrange(1, 40))
    elif what == 2:
        text = "".join(map(chr, (source.randrange(0x11_0000) for _ in range(source.randrange(60)))))
    else:
        text = element_string(*elements)
    if source.random() < 0.7:
        text = damaged(text.encode("utf-8", "surrogatepass"), source).decode("utf-8", "replace")
    return source.choice(AIMS) + text * source.choice((1, 1, 1, 1, 1, 1, 1, 40))


def gs1(source: random.Random) -> None:
    """A label that was printed wrong, or scanned wrong."""
    raw, aim_required = label(source), source.random() < 0.5
    found = decode_barcode(raw, aim_required=aim_required)
    assert found.raw == raw
    assert (found.scheme is None) == bool(found.faults)
    assert all(fault.message for fault in found.faults)
    json.dumps(as_json_object(found))
    if found.faults:
        assert (found.gtin, found.sscc, found.lot, found.quantity) == (None, None, None, None)
    elif found.is_gs1:
        it_reads_again_as_it_was_read(found)


def it_reads_again_as_it_was_read(found: Decoded) -> None:
    assert found.gtin is None or (len(found.gtin) == 14 and found.gtin.isascii() and found.gtin.isdigit())
    assert found.sscc is None or len(found.sscc) == 18
    assert found.quantity is None or found.quantity > 0
    assert found.weight_kg is None or found.weight_kg > 0
    if found.digital_link is not None:
        again = decode_barcode("]Q1" + found.digital_link)
        assert again.faults or (again.gtin, again.sscc, again.serial, again.lot, again.expiry) == (
            found.gtin,
            found.sscc,
            found.serial,
            found.lot,
            found.expiry,
        )


STEPS: Final[dict[str, Callable[[random.Random], None]]] = {"epc": epc, "gs1": gs1}


@pytest.mark.parametrize("name", STEPS)
def test_codes_are_read_or_refused(name: str) -> None:
    run(STEPS[name], range(SHORT))


@pytest.mark.soak
@pytest.mark.timeout(HALF_AN_HOUR_S * 2)
@pytest.mark.parametrize("name", STEPS)
def test_half_an_hour_of_codes_neither_fails_nor_hangs(name: str) -> None:
    run_for_half_an_hour(name, STEPS[name])
