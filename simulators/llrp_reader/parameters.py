"""The parameters of LLRP 1.0.1, and some vendors': elements in, bytes out, and back."""

import struct
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from simulators.llrp_reader.element import Element, LlrpError
from simulators.llrp_reader.layout import Layout, compile_layouts
from simulators.llrp_reader.parameter_table import PARAMETERS, VENDOR_PARAMETERS
from simulators.llrp_reader.vocabulary import StatusCode

CUSTOM: Final = 1023
_TLV: Final = struct.Struct(">HH")
_VENDOR: Final = struct.Struct(">II")
_TV_FLAG: Final = 0x80
_FIRST_TLV: Final = 128
_TYPE_MASK: Final = 0x3FF
_DEEPEST: Final = 16
"""LLRP 1.0.1 nests half as deep."""


class _Tables(NamedTuple):
    by_name: MappingProxyType[str, Layout]
    by_number: MappingProxyType[int, Layout]
    vendors: MappingProxyType[tuple[int, int], Layout]
    keys: MappingProxyType[str, tuple[int, int]]
    """Vendor and subtype, by name."""
    numbers: MappingProxyType[str, int]


@cache
def _tables() -> _Tables:
    standard = list(compile_layouts(PARAMETERS))
    custom = {
        (vendor, layout.number): layout
        for vendor, table in VENDOR_PARAMETERS.items()
        for layout in compile_layouts(table)
    }
    return _Tables(
        MappingProxyType({layout.name: layout for layout in [*standard, *custom.values()]}),
        MappingProxyType({layout.number: layout for layout in standard}),
        MappingProxyType(custom),
        MappingProxyType({layout.name: key for key, layout in custom.items()}),
        MappingProxyType(
            {layout.name: layout.number for layout in standard}
            | {layout.name: CUSTOM for layout in custom.values()}
        ),
    )


def type_of(name: str) -> int:
    """Give a parameter's type number.

    Args:
        name: As the standard, or its vendor, has it.

    Returns:
        The number; 1023 for a vendor's parameter.
    """
    return _tables().numbers[name]


def vendor_of(parameter: Element) -> int | None:
    """Tell whose parameter it is.

    Args:
        parameter: Any.

    Returns:
        The vendor's IANA number, or nothing for a parameter of the standard.
    """
    if parameter.name == "Custom":
        return parameter.number("VendorIdentifier")
    key = _tables().keys.get(parameter.name)
    return None if key is None else key[0]


def check_parameters(layout: Layout, parameters: tuple[Element, ...]) -> None:
    """Check that parameters fit where they are.

    Args:
        layout: Of the message or parameter that contains them.
        parameters: In their order.
    """
    layout.check_parameters(parameters, _tables().numbers)


def encode_parameter(parameter: Element) -> bytes:
    """Encode one parameter with all that it contains.

    Args:
        parameter: Its name selects the layout.

    Returns:
        Its bytes, header included.

    Raises:
        LlrpError: If it does not fit its layout.
    """
    tables = _tables()
    layout = tables.by_name.get(parameter.name)
    if layout is None:
        raise LlrpError(f"no parameter is named {parameter.name}", StatusCode.M_UnknownParameter)
    check_parameters(layout, parameter.parameters)
    body = layout.encode_fields(parameter.fields) + b"".join(map(encode_parameter, parameter.parameters))
    number = tables.numbers[parameter.name]
    if number < _FIRST_TLV:
        return bytes((_TV_FLAG | number,)) + body
    if parameter.name in tables.keys:
        body = _VENDOR.pack(*tables.keys[parameter.name]) + body
    try:
        return _TLV.pack(number, _TLV.size + len(body)) + body
    except struct.error as error:
        raise LlrpError(
            f"{parameter.name} has {len(body)} bytes: expected at most {0xFFFF - _TLV.size}",
            StatusCode.M_OverflowParameter,
        ) from error


def decode_parameters(data: memoryview, depth: int = 0) -> tuple[Element, ...]:
    """Decode the parameters that fill a piece of a message.

    Args:
        data: Nothing but whole parameters.
        depth: How many parameters they lie in.

    Returns:
        The parameters, in their order.

    Raises:
        LlrpError: If one is broken or unknown, or they lie too deep.
    """
    if depth > _DEEPEST:
        raise LlrpError(f"parameters lie {depth} deep: expected {_DEEPEST}", StatusCode.M_ParameterError)
    found = []
    while data:
        parameter, size = _decode_parameter(data, depth)
        found.append(parameter)
        data = data[size:]
    return tuple(found)


def _decode_parameter(data: memoryview, depth: int) -> tuple[Element, int]:
    if data[0] & _TV_FLAG:
        number = data[0] & ~_TV_FLAG
        layout = _known(number)
        try:
            fields, size = layout.decode_fields(data[1:])
        except LlrpError as error:
            raise error.inside(number) from error
        return Element(layout.name, fields), 1 + size
    if len(data) < _TLV.size:
        raise LlrpError(f"{len(data)} bytes left: expected a parameter", StatusCode.M_ParameterError)
    head, length = _TLV.unpack_from(data)
    number = head & _TYPE_MASK
    if not _TLV.size <= length <= len(data):
        raise LlrpError(
            f"parameter {number} has length {length}: expected {_TLV.size} to {len(data)}",
            StatusCode.M_ParameterError,
            (number,),
        )
    body = data[_TLV.size : length]
    layout = _known(number)
    if number == CUSTOM and len(body) >= _VENDOR.size:
        vendors = _tables().vendors
        special = vendors.get(_VENDOR.unpack_from(body))
        if special is not None:
            layout, body = special, body[_VENDOR.size :]
    return _decode_body(layout, number, body, depth), length


def _known(number: int) -> Layout:
    layout = _tables().by_number.get(number)
    if layout is None:
        raise LlrpError(
            f"parameter type {number} is not one of LLRP 1.0.1", StatusCode.M_UnknownParameter, (number,)
        )
    return layout


def _decode_body(layout: Layout, number: int, body: memoryview, depth: int) -> Element:
    try:
        fields, size = layout.decode_fields(body)
        parameters = decode_parameters(body[size:], depth + 1)
        check_parameters(layout, parameters)
    except LlrpError as error:
        raise error.inside(number) from error
    return Element(layout.name, fields, parameters)
