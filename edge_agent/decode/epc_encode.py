"""Any spelling of an identity in, the bits of a tag out: what ``decode_epc`` reads, the other way round.

Whatever is written is read again, and given only if it says what was asked for: so no check of the reader's
is repeated here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from edge_agent.decode.barcode import decode_barcode
from edge_agent.decode.decoded import Fault, FaultCode
from edge_agent.decode.epc import decode_epc
from edge_agent.decode.epc_checks import EpcError
from edge_agent.decode.epc_host import write_host
from edge_agent.decode.epc_identity import CANONICAL_HOST, Epc, EpcScheme
from edge_agent.decode.epc_partitioned import LAYOUTS
from edge_agent.decode.epc_plus import PLUS_LAYOUTS
from edge_agent.decode.epc_schemes import SPLIT, write_data, write_whole
from edge_agent.decode.epc_writer import BitWriter

_LONGEST: Final = 400
"""No identity is longer in any spelling."""
_HEX: Final = re.compile(r"[0-9A-Fa-f]{8,124}")
_URN: Final = re.compile(r"urn:epc:(tag|id):([a-z0-9+-]+):(.+)")
_PARTS: Final = {"sscc": 2, "gsrn": 2, "gsrnp": 2, "giai": 2, "usdod": 2, "itip": 5}
"""Of a URI's body, by key; 3 of any other."""
_KEYS: Final = {"01": "sgtin", "00": "sscc", "414": "sgln", "8003": "grai", "8004": "giai", "253": "gdti",
    "255": "sgcn", "8010": "cpi", "8006": "itip", "8018": "gsrn", "8017": "gsrnp"}  # fmt: skip
_KNOWN: Final = "|".join(
    [*_KEYS, "21", "254", "8011", "10", "11", "12", "13", "15", "16", "17", "30", "37", "7006", "7007"]
)
_ELEMENT: Final = re.compile(rf"\(({_KNOWN})\)")
_BRACKETS: Final = re.compile(r"\([0-9]{2,4}\)")
_HEADERS: Final = {layout.scheme: (header, layout.filter_bits) for header, layout in LAYOUTS.items()}
_PLUS_HEADERS: Final = {layout.scheme: header for header, layout in PLUS_LAYOUTS.items()}
_OLD: Final = EpcScheme.GDTI_113
"""Read for ever, but no longer written unless somebody asks for it."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an input says."""

    key: str
    parts: tuple[str, ...] | None = None
    """Of a URI's body, unescaped."""
    elements: tuple[tuple[str, str], ...] = ()
    scheme: EpcScheme | None = None
    filter: int | None = None
    host: str | None = None
    uri: str | None = field(default=None, kw_only=True)
    """What reading it again must give."""


def encode_epc(
    text: str,
    *,
    scheme: EpcScheme | None = None,
    filter_value: int | None = None,
    prefix_digits: int | None = None,
) -> Epc:
    """Encode one identity.

    Args:
        text: EPC tag URI, pure-identity URI, element string with brackets, barcode with its AIM identifier,
            Digital Link, or the hexadecimal digits of another encoding.
        scheme: The coding scheme; None: the tag URI's own, else the shortest that holds it. What is no URI,
            and comes without ``prefix_digits``, gets the ``+`` scheme, which needs none.
        filter_value: None: the input's own, else 0, which says nothing.
        prefix_digits: Digits of the company prefix, which element strings do not tell.

    Returns:
        The EPC; with faults and no scheme if it cannot be encoded. Never raises.

    Examples:
        >>> encode_epc("urn:epc:tag:sgtin-96:3.0614141.812345.6789").hex
        '3074257BF7194E4000001A85'
        >>> encode_epc("(00)095201234567891235").hex
        'F90095201234567891235000'
    """
    try:
        wanted = _read(text)
        candidates = (
            [scheme or wanted.scheme] if scheme or wanted.scheme else list(_fitting(wanted, prefix_digits))
        )
        return _first(wanted, candidates, filter_value, prefix_digits)
    except EpcError as error:
        return Epc(text[:124], faults=(Fault(error.code, f"{text[:124]!r}: {error}"),))


def _first(
    wanted: _Wanted,
    candidates: Sequence[EpcScheme | None],
    filter_value: int | None,
    prefix_digits: int | None,
) -> Epc:
    """Write by the first scheme that holds it; else tell why the last one does not."""
    last = EpcError(FaultCode.HEADER_UNKNOWN, "no coding scheme is known for it")
    for candidate in candidates:
        if candidate is None:
            continue
        chosen = filter_value if filter_value is not None else wanted.filter or 0
        try:
            return _checked(_written(candidate, wanted, chosen, prefix_digits), candidate, wanted)
        except EpcError as error:
            last = EpcError(error.code, f"{candidate}: {error}")
    raise last


def _fitting(wanted: _Wanted, prefix_digits: int | None) -> Iterator[EpcScheme]:
    if wanted.parts is None and prefix_digits is None:
        yield EpcScheme(f"{wanted.key}{'+' if wanted.host is None else '++'}")
        return
    yield from (each for each in SPLIT if each.key == wanted.key and each is not _OLD)


def _written(scheme: EpcScheme, wanted: _Wanted, filter_value: int, prefix_digits: int | None) -> str:
    if scheme.key != wanted.key:
        raise EpcError(FaultCode.CONTRADICTION, f"it is for {scheme.key.upper()}, got {wanted.key.upper()}")
    bits = BitWriter()
    if scheme in SPLIT:
        header, filter_bits = _HEADERS[scheme]
        bits.put(header, 8, "header")
        if filter_bits:
            bits.put(filter_value, filter_bits, "filter value")
        SPLIT[scheme](bits, wanted.parts or _split(wanted, prefix_digits))
        return bits.hexadecimal()
    elements = dict(wanted.elements) or dict(_elements(wanted))
    bits.put(_PLUS_HEADERS[scheme], 8, "header")
    name = scheme.value.rstrip("+")
    rest = [pair for pair in elements.items() if pair[0] not in write_whole(BitWriter(), name, elements)]
    bits.put(1 if rest else 0, 1, "data toggle")
    bits.put(filter_value, 3, "filter value")
    write_whole(bits, name, elements)
    if scheme.value.endswith("++"):
        write_host(bits, wanted.host or CANONICAL_HOST)
    write_data(bits, rest)
    return bits.hexadecimal()


def _checked(digits: str, scheme: EpcScheme, wanted: _Wanted) -> Epc:
    """Read what was written: it must say what was asked for, in the standard's own spelling."""
    epc = decode_epc(digits)
    if epc.faults:
        raise EpcError(
            epc.faults[0].code, epc.faults[0].message.partition(f"{scheme}: ")[2] or epc.faults[0].message
        )
    if wanted.uri is not None and scheme in SPLIT and wanted.uri not in {epc.tag_uri, epc.pure_uri}:
        told = epc.tag_uri if wanted.uri.startswith("urn:epc:tag:") else epc.pure_uri
        raise EpcError(FaultCode.CHARACTER, f"the standard spells it {told}")
    if wanted.elements and sorted(epc.elements) != sorted(wanted.elements):
        raise EpcError(FaultCode.ELEMENT_STRING, f"it holds {epc.element_string}, not all that was given")
    return epc


def _elements(wanted: _Wanted) -> Sequence[tuple[str, str]]:
    """Find the element string of a URI by the shortest scheme that holds it."""
    epc = _first(replace(wanted, uri=None), list(_fitting(wanted, None)), 0, None)
    if not epc.elements:
        raise EpcError(FaultCode.ELEMENT_STRING, f"{wanted.key.upper()} has no element string")
    return epc.elements


def _read(text: str) -> _Wanted:
    if len(text) > _LONGEST:
        raise EpcError(FaultCode.LENGTH, f"{len(text)} characters, expected at most {_LONGEST}")
    if found := _URN.fullmatch(text):
        return _of_uri(text, *found.groups())
    if text.startswith(("https://", "http://")):
        return _of_link(text)
    if text.startswith("]"):
        decoded = decode_barcode(text)
        if decoded.faults:
            raise EpcError(decoded.faults[0].code, decoded.faults[0].message)
        text = decoded.element_string or ""
    if text.startswith("("):
        return _of_elements(_pairs(text))
    if _HEX.fullmatch(text):
        epc = decode_epc(text)
        if epc.scheme is None:
            raise EpcError(epc.faults[0].code, epc.faults[0].message)
        parts = None if epc.body is None else _parts(epc.scheme.key, epc.body)
        return _Wanted(epc.scheme.key, parts, epc.elements, None, epc.filter, epc.hostname)
    raise EpcError(
        FaultCode.CHARACTER,
        "expected urn:epc:tag:…, urn:epc:id:…, (01)…(21)…, https://…/01/…/21/…, a barcode with its AIM "
        "identifier, or hexadecimal digits",
    )


def _of_uri(text: str, kind: str, name: str, body: str) -> _Wanted:
    if kind == "id":
        if not any(each.key == name for each in SPLIT):
            raise EpcError(FaultCode.HEADER_UNKNOWN, f"{name!r} is no key of the standard")
        return _Wanted(name, _parts(name, body), uri=text)
    scheme = next((each for each in SPLIT if each == name), None)
    if scheme is None:
        raise EpcError(FaultCode.HEADER_UNKNOWN, f"{name!r} is no scheme with a tag URI, such as sgtin-96")
    filter_value: int | None = None
    if _HEADERS[scheme][1]:
        digits, _, body = body.partition(".")
        if re.fullmatch(r"0|[1-9][0-9]?", digits) is None:
            raise EpcError(FaultCode.CHARACTER, f"filter value {digits!r}: expected a number")
        filter_value = int(digits)
    return _Wanted(scheme.key, _parts(scheme.key, body), (), scheme, filter_value, uri=text)


def _parts(key: str, body: str) -> tuple[str, ...]:
    count = _PARTS.get(key, 3)
    parts = body.split(".", count - 1)
    if len(parts) != count:
        raise EpcError(FaultCode.LENGTH, f"{body!r}: expected {count} parts with dots between them")
    return tuple(unquote(part) for part in parts)


def _pairs(text: str) -> list[tuple[str, str]]:
    pieces = _ELEMENT.split(text)
    if pieces[0] or not all(pieces[2::2]):
        raise EpcError(FaultCode.ELEMENT_STRING, "expected known application identifiers, each with a value")
    if doubtful := next((value for value in pieces[2::2] if _BRACKETS.search(value)), None):
        raise EpcError(
            FaultCode.AMBIGUOUS,
            f"{doubtful!r} holds what reads as an identifier: expected a Digital Link for it",
        )
    return list(zip(pieces[1::2], pieces[2::2], strict=True))


def _of_link(text: str) -> _Wanted:
    link = urlsplit(text)
    steps = link.path.strip("/").split("/")
    start = next((at for at, step in enumerate(steps) if step in _KEYS), len(steps))
    if start == len(steps) or (len(steps) - start) % 2:
        raise EpcError(FaultCode.ELEMENT_STRING, "expected a Digital Link, https://host/01/GTIN/21/serial")
    path = [unquote(step) for step in steps[start:]]
    pairs = [*zip(path[::2], path[1::2], strict=True), *parse_qsl(link.query)]
    host = None if link.netloc == CANONICAL_HOST else link.netloc
    return _of_elements(pairs, host)


def _of_elements(pairs: Sequence[tuple[str, str]], host: str | None = None) -> _Wanted:
    if not all(value for _, value in pairs):
        raise EpcError(FaultCode.ELEMENT_STRING, "an application identifier has no value")
    if len(dict(pairs)) != len(pairs):
        raise EpcError(FaultCode.CONTRADICTION, "an application identifier is there twice")
    key = next((_KEYS[identifier] for identifier, _ in pairs if identifier in _KEYS), None)
    if key is None:
        raise EpcError(FaultCode.ELEMENT_STRING, f"expected one of ({') ('.join(_KEYS)})")
    return _Wanted(key, None, tuple(pairs), host=host)


def _split(wanted: _Wanted, prefix_digits: int | None) -> tuple[str, ...]:
    """Split a key after its company prefix, as the schemes of TDS 1.x do."""
    if prefix_digits is None:
        raise EpcError(
            FaultCode.ELEMENT_STRING,
            "it splits the key after its company prefix: expected how many digits that has",
        )
    told = {"254": "0", **dict(wanted.elements)}
    identifier, start, end, is_led, tails, *more = _SPLITS[wanted.key]
    missing = next((each for each in (identifier, *more) if each not in told), None)
    if missing is not None:
        raise EpcError(FaultCode.ELEMENT_STRING, f"({missing}) is missing")
    value, behind = told[identifier], start + prefix_digits
    reference = (value[0] if is_led else "") + value[behind:end]
    return value[start:behind], reference, *(value[tail] for tail in tails), *(told[each] for each in more)


_SPLITS: Final[Mapping[str, Any]] = {
    "sgtin": ("01", 1, 13, True, (), "21"),
    "itip": ("8006", 1, 13, True, (slice(14, 16), slice(16, None)), "21"),
    "sscc": ("00", 1, 17, True, ()),
    "gsrn": ("8018", 0, 17, False, ()),
    "gsrnp": ("8017", 0, 17, False, ()),
    "sgln": ("414", 0, 12, False, (), "254"),
    "grai": ("8003", 1, 13, False, (slice(14, None),)),
    "gdti": ("253", 0, 12, False, (slice(13, None),)),
    "sgcn": ("255", 0, 12, False, (slice(13, None),)),
    "giai": ("8004", 0, None, False, ()),
    "cpi": ("8010", 0, None, False, (), "8011"),
}
"""By key: its application identifier, where prefix and check digit stand, whether a digit before the prefix
begins the reference, what follows, and the application identifiers of the parts after these."""
