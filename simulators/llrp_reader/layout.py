"""Layouts compiled from a line of text, and the encoding and decoding of fields by them (LLRP 1.0.1, 9).

A line reads ``Name number  Field:kind …; Parameter …``. Kinds are a number of bits, ``u8 … u64``,
``s8``, ``s16``, ``utf8``, ``u1v``, ``u8v``, ``u16v``, ``u32v`` (a 16-bit count before the values), ``u96``
(12 bytes) and ``rest``. A field named ``-`` is reserved. A parameter's name may be followed by ``?`` (none or
one), ``*`` or ``+``; several joined by ``|`` stand for each other.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from simulators.llrp_reader.element import Bits, Element, LlrpError, Value
from simulators.llrp_reader.vocabulary import StatusCode

_CODES: Final = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s8": "b", "s16": "h"}
_COUNT: Final = struct.Struct(">H")
_BYTE_BITS: Final = 8
_MANY: Final = 1 << 16
_OCCURRENCES: Final = {"?": (0, 1), "*": (0, _MANY), "+": (1, _MANY)}


class Piece(Protocol):
    """One or several fields that are encoded together."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields, reserved ones left out."""

    def encode(self, values: tuple[Value, ...]) -> bytes:
        """Give the bytes of the values of ``names``."""

    def decode(self, data: memoryview) -> tuple[tuple[Value, ...], int]:
        """Give the values of ``names`` and how many bytes they took."""


@dataclass(frozen=True)
class _Scalar:
    names: tuple[str, ...]
    form: struct.Struct

    def encode(self, values: tuple[Value, ...]) -> bytes:
        return self.form.pack(*values)

    def decode(self, data: memoryview) -> tuple[tuple[Value, ...], int]:
        return self.form.unpack_from(data), self.form.size


@dataclass(frozen=True)
class _BitRun:
    names: tuple[str, ...]
    widths: tuple[int, ...]
    """Of every field, reserved ones included."""
    is_reserved: tuple[bool, ...]

    @property
    def size(self) -> int:
        return sum(self.widths) // _BYTE_BITS

    def encode(self, values: tuple[Value, ...]) -> bytes:
        given = iter(values)
        packed = 0
        for width, is_reserved in zip(self.widths, self.is_reserved, strict=True):
            value = 0 if is_reserved else next(given)
            if not isinstance(value, int) or not 0 <= value < 1 << width:
                raise struct.error(f"{value!r} does not fit {width} bits")
            packed = packed << width | value
        return packed.to_bytes(self.size, "big")

    def decode(self, data: memoryview) -> tuple[tuple[Value, ...], int]:
        if len(data) < self.size:
            raise struct.error(f"{len(data)} bytes left, expected {self.size}")
        packed = int.from_bytes(data[: self.size], "big")
        values, left = [], sum(self.widths)
        for width, is_reserved in zip(self.widths, self.is_reserved, strict=True):
            left -= width
            if not is_reserved:
                values.append(packed >> left & (1 << width) - 1)
        return tuple(values), self.size


@dataclass(frozen=True)
class _Counted:
    names: tuple[str, ...]
    kind: str

    def encode(self, values: tuple[Value, ...]) -> bytes:
        (value,) = values
        match self.kind, value:
            case "utf8", str():
                data = value.encode()
                return _COUNT.pack(len(data)) + data
            case "u1v", Bits():
                if len(value.data) != (value.bits + _BYTE_BITS - 1) // _BYTE_BITS:
                    raise struct.error(f"{value.bits} bits are not {len(value.data)} bytes")
                return _COUNT.pack(value.bits) + value.data
            case "u8v", bytes():
                return _COUNT.pack(len(value)) + value
            case _, tuple():
                form = f">{len(value)}{_CODES[self.kind[:-1]]}"
                return _COUNT.pack(len(value)) + struct.pack(form, *value)
            case _:
                raise struct.error(f"{value!r} is no {self.kind}")

    def decode(self, data: memoryview) -> tuple[tuple[Value, ...], int]:
        (count,) = _COUNT.unpack_from(data)
        size = (count + _BYTE_BITS - 1) // _BYTE_BITS if self.kind == "u1v" else count * self._item_bytes
        body = data[_COUNT.size : _COUNT.size + size]
        if len(body) < size:
            raise struct.error(f"{len(body)} bytes left, expected {size}")
        return (self._value(count, bytes(body)),), _COUNT.size + size

    @property
    def _item_bytes(self) -> int:
        return {"u16v": 2, "u32v": 4}.get(self.kind, 1)

    def _value(self, count: int, body: bytes) -> Value:
        match self.kind:
            case "utf8":
                return body.decode()
            case "u1v":
                return Bits(count, body)
            case "u8v":
                return body
            case _:
                return struct.unpack(f">{count}{_CODES[self.kind[:-1]]}", body)


@dataclass(frozen=True)
class _Rest:
    names: tuple[str, ...]

    def encode(self, values: tuple[Value, ...]) -> bytes:
        (value,) = values
        if not isinstance(value, bytes):
            raise struct.error(f"{value!r} is no bytes")
        return value

    def decode(self, data: memoryview) -> tuple[tuple[Value, ...], int]:
        return (bytes(data),), len(data)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for parameters inside a message or a parameter."""

    names: frozenset[str]
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How one message or parameter is laid out."""

    name: str
    number: int
    pieces: tuple[Piece, ...]
    slots: tuple[Slot, ...]

    def encode_fields(self, fields: Mapping[str, Value]) -> bytes:
        """Encode the fields.

        Args:
            fields: Every field of the layout, and no other.

        Returns:
            Their bytes.

        Raises:
            LlrpError: If a field is missing, unknown, or does not fit.
        """
        expected = [name for piece in self.pieces for name in piece.names]
        if set(expected) != set(fields):
            raise LlrpError(
                f"{self.name} has fields {sorted(fields)}: expected {expected}", StatusCode.M_FieldError
            )
        try:
            return b"".join(
                piece.encode(tuple(fields[name] for name in piece.names)) for piece in self.pieces
            )
        except (struct.error, OverflowError) as error:
            raise LlrpError(f"{self.name} {dict(fields)}: {error}", StatusCode.M_OverflowField) from error

    def decode_fields(self, data: memoryview) -> tuple[dict[str, Value], int]:
        """Decode the fields.

        Args:
            data: They are at its beginning.

        Returns:
            The fields by name, and how many bytes they took.

        Raises:
            LlrpError: If the bytes end too soon, or a text is no UTF-8.
        """
        fields: dict[str, Value] = {}
        offset = 0
        for piece in self.pieces:
            try:
                values, size = piece.decode(data[offset:])
            except (struct.error, UnicodeDecodeError) as error:
                raise LlrpError(
                    f"{self.name}.{'/'.join(piece.names)} at offset {offset}: {error}",
                    StatusCode.M_FieldError,
                    field=len(fields),
                ) from error
            fields.update(zip(piece.names, values, strict=True))
            offset += size
        return fields, offset

    def check_parameters(self, parameters: tuple[Element, ...], numbers: Mapping[str, int]) -> None:
        """Check that each parameter has a place and each place what it needs.

        Args:
            parameters: What the element contains.
            numbers: Type of each parameter, by name.

        Raises:
            LlrpError: If a parameter is unexpected, missing or there too often.
        """
        counts = dict.fromkeys(self.slots, 0)
        for parameter in parameters:
            name = parameter.name if numbers[parameter.name] != numbers["Custom"] else "Custom"
            slot = next((slot for slot in self.slots if name in slot.names), None)
            if slot is None:
                raise LlrpError(
                    f"{self.name} contains {parameter.name}: expected {self._expected()}",
                    StatusCode.M_UnexpectedParameter,
                    (numbers[parameter.name],),
                )
            counts[slot] += 1
            if counts[slot] > slot.most:
                raise LlrpError(
                    f"{self.name} contains {parameter.name} {counts[slot]} times: expected {slot.most}",
                    StatusCode.M_DuplicateParameter,
                    (numbers[parameter.name],),
                )
        for slot, count in counts.items():
            if count < slot.least:
                name = min(slot.names)
                raise LlrpError(f"{self.name} has no {name}", StatusCode.M_MissingParameter, (numbers[name],))

    def _expected(self) -> str:
        return ", ".join("|".join(sorted(slot.names)) for slot in self.slots) or "no parameters"


def compile_layouts(table: str) -> Iterator[Layout]:
    """Compile a table of layouts.

    Args:
        table: A layout in each line, as the module's description says; a line that is indented goes on.

    Yields:
        The layouts, in their order.
    """
    for line in table.strip().replace("\n  ", " ").splitlines():
        head, _, parameters = line.partition(";")
        name, number, *fields = head.split()
        yield Layout(
            name, int(number), tuple(_pieces(fields)), tuple(_slot(text) for text in parameters.split())
        )


def _pieces(fields: list[str]) -> Iterator[Piece]:
    run: list[tuple[str, int]] = []
    for field in fields:
        name, _, kind = field.partition(":")
        if kind.isdecimal():
            run.append((name, int(kind)))
            if sum(width for _, width in run) % _BYTE_BITS == 0:
                yield _bit_run(run)
                run = []
        elif kind in _CODES:
            yield _Scalar((name,), struct.Struct(f">{_CODES[kind]}"))
        elif kind == "u96":
            yield _Scalar((name,), struct.Struct("12s"))
        elif kind == "rest":
            yield _Rest((name,))
        else:
            yield _Counted((name,), kind)


def _bit_run(run: list[tuple[str, int]]) -> _BitRun:
    return _BitRun(
        tuple(name for name, _ in run if name != "-"),
        tuple(width for _, width in run),
        tuple(name == "-" for name, _ in run),
    )


def _slot(text: str) -> Slot:
    least, most = _OCCURRENCES.get(text[-1], (1, 1))
    return Slot(frozenset(text.rstrip("?*+").split("|")), least, most)
