"""`edge-agent decode` and `edge-agent encode`: what codes name, and what a tag must hold to name it."""

import argparse
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, TextIO

from edge_agent.decode.barcode import decode_barcode
from edge_agent.decode.decoded import as_json_object
from edge_agent.decode.epc import decode_epc
from edge_agent.decode.epc_encode import encode_epc
from edge_agent.decode.epc_identity import EpcScheme, epc_as_json_object

_DECODE_EXAMPLES: Final = """examples:
  edge-agent decode barcode ']C10107032069804988'
  edge-agent decode barcode --aim absent - < scans.txt
  edge-agent decode epc 3074257BF7194E4000001A85 F90095201234567891235
"""
_ENCODE_EXAMPLES: Final = """examples:
  edge-agent encode urn:epc:tag:sgtin-96:3.0614141.812345.6789
  edge-agent encode 'urn:epc:id:sgtin:0614141.812345.32a%2Fb' --filter 1   the shortest scheme that fits
  edge-agent encode '(01)80614141123458(21)6789(10)L7'                SGTIN+, with the lot behind it
  edge-agent encode '(01)80614141123458(21)6789' --prefix-digits 7 --filter 1
  edge-agent encode https://example.com/01/80614141123458/21/6789     SGTIN++, with the host's name
  edge-agent encode 3074257BF7194E4000001A85 --scheme sgtin+          another encoding of the same
"""


def add_code_parsers(commands: "argparse._SubParsersAction[Any]") -> None:
    """Say how the commands are called.

    Args:
        commands: Of the whole command line.
    """
    raw = argparse.RawDescriptionHelpFormatter
    told = commands.add_parser(
        "decode", help="say what a code names", epilog=_DECODE_EXAMPLES, formatter_class=raw
    )
    kinds = told.add_subparsers(required=True, metavar="KIND")
    text = "print one JSON object for each barcode, given as a scanner would send it"
    barcode = kinds.add_parser("barcode", help=text, description=text)
    barcode.add_argument("input", nargs="+", help="AIM identifier and characters; - reads lines")
    barcode.add_argument(
        "--aim",
        choices=("required", "absent"),
        default="required",
        help="absent: the scanner sends no AIM identifiers, so what reads as two things is ambiguous",
    )
    barcode.set_defaults(command="decode")
    text = "print one JSON object for each EPC, given as a tag's hexadecimal digits"
    epc = kinds.add_parser("epc", help=text, description=text)
    epc.add_argument("input", nargs="+", help="hexadecimal digits of the EPC bank; - reads lines")
    epc.set_defaults(command="decode-epc")
    text = "print one JSON object for each identity, with the digits that a tag of it holds"
    parser = commands.add_parser(
        "encode", help=text, description=text, epilog=_ENCODE_EXAMPLES, formatter_class=raw
    )
    parser.add_argument(
        "input",
        nargs="+",
        help="EPC URI, element string, Digital Link, barcode or another EPC; - reads lines",
    )
    parser.add_argument(
        "--scheme",
        choices=[str(each) for each in EpcScheme],
        metavar="SCHEME",
        help="such as sgtin-96 or sgtin+; default: the tag URI's own, else the shortest that fits",
    )
    parser.add_argument(
        "--filter", type=int, metavar="N", help="filter value; default: the input's own, else 0"
    )
    parser.add_argument(
        "--prefix-digits",
        type=int,
        metavar="N",
        help="digits of the company prefix, for a scheme without + from what is no EPC URI",
    )
    parser.set_defaults(command="encode")


def decode_barcodes(options: argparse.Namespace, lines: TextIO, out: TextIO) -> int:
    """Print what barcodes name.

    Args:
        options: As parsed.
        lines: Read where ``-`` asks for it.
        out: Gets one JSON object for each.

    Returns:
        0: what is wrong with one stands in its object.
    """
    for scan in _each(options.input, lines):
        decoded = decode_barcode(scan, aim_required=options.aim == "required")
        print(json.dumps(as_json_object(decoded)), file=out)
    return 0


def decode_epcs(options: argparse.Namespace, lines: TextIO, out: TextIO) -> int:
    """Print what EPCs name.

    Args:
        options: As parsed.
        lines: Read where ``-`` asks for it.
        out: Gets one JSON object for each.

    Returns:
        0: what is wrong with one stands in its object.
    """
    for digits in _each(options.input, lines):
        print(json.dumps(epc_as_json_object(digits, decode_epc(digits))), file=out)
    return 0


def encode(options: argparse.Namespace, lines: TextIO, out: TextIO) -> int:
    """Print what tags must hold.

    Args:
        options: As parsed.
        lines: Read where ``-`` asks for it.
        out: Gets one JSON object for each.

    Returns:
        0, or 1 if one of them cannot be encoded.
    """
    scheme = None if options.scheme is None else EpcScheme(options.scheme)
    worst = 0
    for text in _each(options.input, lines):
        epc = encode_epc(
            text, scheme=scheme, filter_value=options.filter, prefix_digits=options.prefix_digits
        )
        digits = None if epc.faults else epc.hex
        print(json.dumps({"hex": digits, **epc_as_json_object(text, epc)}), file=out)
        worst = 1 if epc.faults else worst
    return worst


def _each(inputs: Sequence[str], lines: TextIO) -> Iterable[str]:
    return (line.rstrip("\r\n") for line in lines) if list(inputs) == ["-"] else inputs
