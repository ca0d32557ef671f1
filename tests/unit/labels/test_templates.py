"""Labels: what templates may say, what hostile values become, and bars that say what GS1 says."""

import re
from itertools import pairwise

import numpy as np
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from reportlab.graphics.barcode import code128 as other

from cloud.labels.bars import bars
from cloud.labels.reportlab_door import pdf, qr_rows
from cloud.labels.svg import svg
from cloud.labels.zxing_door import matrix_rows
from contracts.code128 import Code128, encode
from contracts.gs1 import FNC1, element_string
from contracts.label_templates import STANDARD
from contracts.labels import LabelError, LabelKind, LabelTemplate, sample
from contracts.zpl import Barcode, Matrix, Qr, Text, draw, require_valid

SSCC = "376104250021234569"
"""Of the GS1 General Specifications, 7.9.1."""
MODULES = {"a": 1, "b": 2, "c": 3, "d": 4}
INVOKED = {">;": "C", ">5": "C", ">:": "B", ">6": "B"}
SPELT = {">8": FNC1, ">0": ">", "><": "^", ">=": "~"}


def scanned(code: Code128) -> str:
    """Read codewords as a scanner does: subsets, changes of them, FNC1, the check character."""
    *words, check, stop = code.codewords
    assert (check, stop) == (sum(max(1, place) * word for place, word in enumerate(words)) % 103, 106)
    subset, text = {104: "B", 105: "C"}[words[0]], ""
    for word in words[1:]:
        if word in {99, 100} and (subset, word) in {("B", 99), ("C", 100)}:
            subset = "C" if word == 99 else "B"
        else:
            text += FNC1 if word == 102 else f"{word:02d}" if subset == "C" else chr(word + 32)
    return text


def printed(zpl: str) -> str:
    """Read a bar code's ^FD as a printer does (ZPL II Programming Guide, ^BC)."""
    subset, text = "", ""
    while zpl:
        two = zpl[:2]
        if two in INVOKED:
            subset = INVOKED[two]
        elif two in SPELT:
            text += SPELT[two]
        else:
            two = two if subset == "C" else zpl[0]
            text += two
        zpl = zpl[len(two) :]
    return text


def unescaped(zpl: str) -> list[str]:
    """Give the data of each field as a printer reads it: between ^FD and the next command, _xx as bytes."""
    fields = re.findall(r"\^FH_\^FD([^\^~]*)\^FS", zpl)
    return [re.sub(rb"_([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), f.encode()).decode() for f in fields]


BARRED = st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("0123456789" + FNC1)


@given(st.text(BARRED, min_size=1, max_size=48))
def test_bars_say_what_they_were_given_to_a_scanner_and_to_a_printer(text: str) -> None:
    code = encode(text)
    assert scanned(code) == text
    assert printed(code.zpl) == text


def test_bars_of_an_sscc_are_those_of_another_library_bar_by_bar() -> None:
    peer = other.Code128("\xf1" + "00" + SSCC, quiet=0)
    peer.validate()
    peer.encode()
    ours = encode(element_string([("00", SSCC)]))
    assert list(ours.codewords) == peer.encoded
    end = 11 * len(ours.codewords) + 2
    for words in (ours.codewords, tuple(range(107))):
        drawn = list(bars(Code128(words, "")))
        following = [*(place for place, _ in drawn[1:]), 11 * len(words) + 2]
        widths = [
            each
            for (place, bar), to in zip(drawn, following, strict=True)
            for each in (bar, to - place - bar)
        ]
        theirs = [MODULES[each.lower()] for word in words for each in other._patterns[word]]
        assert [each for each in widths if each] == theirs
    assert end == sum(MODULES[each.lower()] for word in peer.encoded for each in other._patterns[word])


def test_every_template_that_ships_is_valid_and_says_its_bars() -> None:
    said = {
        kind: [each.readable for each in require_valid(template).elements if isinstance(each, Barcode)]
        for kind, template in STANDARD.items()
    }
    assert said == {
        LabelKind.SSCC: ["(02)09521141123454(15)270331(37)60(10)L-2026-07", f"(00){SSCC}"],
        LabelKind.BIN: ["(414)9521141000007(254)A-01-1"],
        LabelKind.ITEM: ["(01)09521141123454(15)270331(10)L-2026-07(21)S0001"],
        LabelKind.BADGE: [""],
        LabelKind.COMMAND: ["$RECEIVE/R-1"],
    }
    inside = next(
        each for each in require_valid(STANDARD[LabelKind.SSCC]).elements if isinstance(each, Barcode)
    )
    assert scanned(inside.code) == f"{FNC1}020952114112345415270331" + f"3760{FNC1}10L-2026-07"
    own = draw(STANDARD[LabelKind.BIN], {"location": "A-01-1"})
    assert [each.readable for each in own.elements if isinstance(each, Barcode)] == ["A-01-1"]
    bare = draw(STANDARD[LabelKind.SSCC], {"sscc": SSCC})
    assert [each.readable for each in bare.elements if isinstance(each, Barcode)] == [f"(00){SSCC}"]
    assert "LOT" not in [each.text for each in bare.elements if isinstance(each, Text)]


HOSTILE = [
    "^XZ^XA^IDR:*.*^XZ",
    "~JR",
    "_5E_7E",
    "^FD{token}^FS",
    "Łódź ☃",
    "a\\&b",
    "</text><script>x()</script>",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_printed_as_it_is_and_commands_nothing(value: str) -> None:
    template = STANDARD[LabelKind.ITEM]
    drawn = draw(template, {"item": "TEA", "name": value}, copies=2)
    assert value in unescaped(drawn.zpl)
    assert drawn.zpl.count("^XA") == drawn.zpl.count("^XZ") == 1
    assert "~" not in drawn.zpl
    assert "^PQ2^XZ" in drawn.zpl
    commands = re.findall(r"\^([A-Z][A-Z0-9])", drawn.zpl)
    blank = re.findall(r"\^([A-Z][A-Z0-9])", draw(template, {"item": "TEA", "name": "x"}, copies=2).zpl)
    assert commands == blank
    assert "<script" not in svg(drawn, title=value)


WRONG_VALUES = [
    (LabelKind.SSCC, {}, "sscc of a sscc label is missing"),
    (LabelKind.SSCC, {"sscc": SSCC[:-1] + "0"}, "expected the check digit 9"),
    (LabelKind.SSCC, {"sscc": SSCC, "best_before": "2027-02-30"}, "a day of the calendar"),
    (LabelKind.SSCC, {"sscc": SSCC, "colour": "red"}, "'colour' is no field of a sscc label"),
    (LabelKind.ITEM, {"item": "TEA", "lot": "ä"}, "characters that GS1 allows"),
    (LabelKind.ITEM, {"item": "Tée"}, "cannot be a Code 128"),
    (LabelKind.ITEM, {"item": "T" * 60}, "shorten a value"),
    (LabelKind.BIN, {"location": "A" * 30, "gln": "9521141000007"}, "1 to 20 characters"),
    (LabelKind.BADGE, {"name": "Ada", "token": "top secret"}, "token …"),
    (LabelKind.COMMAND, {"command": "MOVE"}, "a command such as $MOVE"),
]


@pytest.mark.parametrize(("kind", "values", "told"), WRONG_VALUES)
def test_a_wrong_value_is_named_with_what_was_expected(
    kind: LabelKind, values: dict[str, str], told: str
) -> None:
    with pytest.raises(LabelError, match=re.escape(told)):
        draw(STANDARD[kind], values)


WRONG_TEMPLATES = [
    ("^FO1,1^FDx^FS", "expected ^XA first"),
    ("^XA^PW100^LL100^FO1,1^A0N,20^FD{location}^FS^XZ", "has no bar code"),
    ("^XA^PW100^LL100^IDR:*.*^XZ", "^ID is not allowed"),
    ("^XA^PW100^LL100~JR^XZ", "~JR is not allowed"),
    ("^XA^PW100^LL100^XZ^XA^XZ", "expected one label"),
    ("^XA^PW400^LL100^FO1,1^BCN,50^FD{bar}^FS^XZ", "expected placeholders {bars}"),
    ("^XA^PW400^LL100^FO1,1^BCN,50^FDx{bars}^FS^XZ", "placeholder alone"),
    ("^XA^PW400^LL100^FO1,1^FD{bars}^FS^XZ", "in a field of ^BC"),
    ("^XA^PW400^LL100^BCN,50^FD{bars}^FS^XZ", "expected ^FO before it"),
    ("^XA^PW400^LL100^FO1,1^BCR,50^FD{bars}^FS^XZ", "expected N"),
    ("^XA^PW400^LL100^FO1,1^BCN,999999999999^FD{bars}^FS^XZ", "a whole number up to"),
    ("^XA^PW400^LL100^FO1,x^BCN,50^FD{bars}^FS^XZ", "a whole number up to"),
    ("^XA^FO1,1^BCN,50^FD{bars}^FS^XZ", "expected ^PW and ^LL"),
    ("^XA^PW100^LL100^FO1,1^BCN,50^FD{bars}^FS^XZ", "thinner bars"),
    ("^XA^PW800^LL100^FO1,900^BCN,50^FD{bars}^FS^XZ", "lies beyond the label"),
    ("^XA^PW800^LL100^FO1,1^BQN,2,4^FD{name}^FS^XZ", "expected QA,"),
    ("^XA^PW800^LL100^FO1,1^BCN,50^FD{bars}^FDx^FS^XZ", "expected one ^FD"),
    ("^XA junk ^PW8^XZ", "expected ^PW and ^LL"),
]


@pytest.mark.parametrize(("zpl", "told"), WRONG_TEMPLATES)
def test_a_template_that_cannot_be_drawn_is_refused_with_its_command(zpl: str, told: str) -> None:
    with pytest.raises(LabelError, match=re.escape(told)):
        require_valid(LabelTemplate(name="bin", kind=LabelKind.BIN, zpl=zpl))


@given(st.text(st.sampled_from("^~XAZFODSBCQNPWLH{}bars0123456789,\\_>< "), max_size=80))
def test_no_template_whatever_breaks_more_than_itself(noise: str) -> None:
    template = LabelTemplate(name="bin", kind=LabelKind.BIN, zpl=f"^XA^PW800^LL400{noise}^XZ")
    told = None
    try:
        drawn = require_valid(template).zpl
    except LabelError as error:
        drawn, told = "^XA^CI28^XZ", str(error)
    assert told is None or "template 'bin'" in told
    assert drawn.startswith("^XA^CI28")
    assert drawn.endswith("^XZ")


def test_a_pdf_has_a_page_for_each_copy_and_says_which_character_it_lacks() -> None:
    drawn = require_valid(STANDARD[LabelKind.ITEM])
    made = pdf([(drawn, 8, 3)], title="labels")
    assert made.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", made)) == 3
    assert b"/MediaBox [ 0 0 226.7717 141.7323 ]" in made  # 80 x 50 mm
    with pytest.raises(LabelError, match="has no '☃'"):
        pdf([(draw(STANDARD[LabelKind.ITEM], {"item": "TEA", "name": "☃"}), 8, 1)], title="x")


MATRICES = [
    (LabelKind.SSCC, {"sscc": SSCC}, "]d2", f"00{SSCC}", 16),
    (LabelKind.BIN, {"location": "A_1^~\\ 9"}, "]d1", "A_1^~\\ 9", 14),
    (LabelKind.COMMAND, {"command": "$RECEIVE/R-1"}, "]d1", "$RECEIVE/R-1", 16),
    (LabelKind.BIN, {"location": "A_01-1", "gln": "9521141000007"}, "]d2", "4149521141000007254A_01-1", 18),
    (
        LabelKind.ITEM,
        {
            "item": "TEA",
            "gtin": "09521141123454",
            "best_before": "2027-03-31",
            "lot": "L-2026",
            "serial": "(9)",
        },
        "]d2",
        f"01095211411234541527033110L-2026{FNC1}21(9)",
        22,
    ),
]


@pytest.mark.parametrize(("kind", "values", "symbology", "text", "side"), MATRICES)
def test_a_data_matrix_is_read_back_from_its_picture_and_from_what_the_printer_gets(
    kind: LabelKind, values: dict[str, str], symbology: str, text: str, side: int
) -> None:
    zpl = "^XA^PW400^LL300^FO16,16^BXN,4,200^FD{bars}^FS^XZ"
    template = LabelTemplate(name=kind.value, kind=kind, zpl=zpl)
    drawn = draw(template, values)
    (code,) = [each for each in drawn.elements if isinstance(each, Matrix)]
    assert (code.code.side, code.size) == (side, side * 4)
    (read,) = zxingcpp.read_barcodes(pixels(svg(drawn, title="x"), drawn.width, drawn.height))
    assert (read.symbology_identifier, read.bytes.decode()) == (symbology, text)
    (data,) = re.findall(rf"\^BXN,4,200,{side},{side},,_\^FH\\\^FD([^\^~]*)\^FS", drawn.zpl)
    hexed = re.sub(r"\\([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), data)
    taken = re.sub("__|_1", lambda match: {"__": "_", "_1": FNC1}[match[0]], hexed)
    assert taken == (FNC1 if symbology == "]d2" else "") + text
    assert pdf([(drawn, 8, 1)], title="labels").startswith(b"%PDF-")


def pixels(picture: str, width: int, height: int) -> np.ndarray:
    """Paint the rectangles of a label's picture."""
    dots = np.full((height, width), 255, np.uint8)
    for found in re.finditer(r'class="ink" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', picture):
        x, y, wide, high = map(int, found.groups())
        dots[y : y + high, x : x + wide] = 0
    return dots


def test_a_data_matrix_that_is_too_long_or_leaves_its_label_is_refused() -> None:
    def made(words: str, kind: LabelKind = LabelKind.COMMAND, **values: str) -> object:
        zpl = f"^XA^PW80^LL80^FO4,4^BX{words}^FS^XZ"
        return draw(LabelTemplate(name="x", kind=kind, zpl=zpl), values)

    for words, told in (
        ("N,4,200^FD" + "a" * 205, "takes 205 codewords: expected at most 204"),
        ("N,4,200^FDé", "expected characters from space to '~', got 'é'"),
        ("N,9,200^FD{bars}", "the Data Matrix at 4,4 of 90 dots leaves the label"),
        ("N,4,0^FD{bars}", "the size of a module in dots, and 200"),
        ("N,4,200,30^FD{bars}", "how many follows the data"),
        ("R,4,200^FD{bars}", "only upright fields"),
        ("N,4,200^FDx{bars}", "expected the bars' placeholder alone"),
    ):
        with pytest.raises(LabelError, match=re.escape(told)):
            made(words, command="$A")
    assert made("N,4,200^FD{content_bars}", LabelKind.SSCC, sscc=SSCC)
    with pytest.raises(LabelError, match="cannot be drawn as a Data Matrix"):
        matrix_rows("x" * 9, (), 10)


def test_a_qr_code_holds_a_link_that_names_item_and_lot() -> None:
    (code,) = [each for each in require_valid(STANDARD[LabelKind.ITEM]).elements if isinstance(each, Qr)]
    assert code.text == "https://id.gs1.org/01/09521141123454/10/L-2026-07/21/S0001?15=270331"
    rows = qr_rows(code.text, code.level)
    assert len(rows) == len(rows[0]) == 41  # version 6
    finder = [[(r in {0, 6} or c in {0, 6} or (1 < r < 5 and 1 < c < 5)) for c in range(7)] for r in range(7)]
    assert [row[:7] for row in rows[:7]] == finder
    assert sample(LabelKind.ITEM)["lot"] in code.text
    assert all(a != b for a, b in pairwise([row[6] for row in rows[8:33]]))  # the timing pattern
