"""A tag's hexadecimal digits in, its pure identity out, for goods and units (TDS 2.3, 14.6); pure."""

from collections.abc import Callable
from typing import Final

from cloud.units.gs1 import NamingError, escaped

_PREFIX_BITS: Final = (40, 37, 34, 30, 27, 24, 20)
"""Bits of a company prefix at each partition value; its digits are 12 less the partition value."""
_CHARACTER: Final = 7


class _Bits:
    """Reads a bit string from its left end."""

    def __init__(self, digits: str) -> None:
        self._value, self._left = int(digits, 16), 4 * len(digits)

    def take(self, width: int) -> int:
        if width > self._left:
            raise NamingError(f"expected {width} more bits, got {self._left}")
        self._left -= width
        return self._value >> self._left & ((1 << width) - 1)

    def key(self, digits: int, all_bits: int) -> tuple[str, str]:
        """Read a company prefix and the reference that fills its digits."""
        partition = self.take(3)
        if partition >= len(_PREFIX_BITS):
            raise NamingError(f"partition {partition}: expected 0 to 6")
        bits, width = _PREFIX_BITS[partition], 12 - partition
        company, reference = self.take(bits), self.take(all_bits - bits)
        rest = digits - width
        if company >= 10**width or reference >= 10**rest:
            raise NamingError(f"{company}.{reference}: expected at most {width} and {rest} digits")
        return f"{company:0{width}d}", f"{reference:0{rest}d}" if rest else ""

    def text(self, width: int) -> str:
        """Read 7-bit characters up to a zero."""
        value, count = self.take(width) >> width % _CHARACTER, width // _CHARACTER
        characters = [chr(value >> _CHARACTER * at & 0x7F) for at in reversed(range(count))]
        text, _, after = "".join(characters).partition("\0")
        if after.strip("\0") or not text or not text.isprintable() or " " in text:
            raise NamingError(f"serial {text!r}: expected 1 to {count} printable characters")
        return escaped(text)


def _sgtin(serial: Callable[[_Bits], str]) -> Callable[[_Bits], str]:
    def read(bits: _Bits) -> str:
        prefix, reference = bits.key(13, 44)
        return f"urn:epc:id:sgtin:{prefix}.{reference}.{serial(bits)}"

    return read


def _grai(serial: Callable[[_Bits], str]) -> Callable[[_Bits], str]:
    def read(bits: _Bits) -> str:
        prefix, reference = bits.key(12, 44)
        return f"urn:epc:id:grai:{prefix}.{reference}.{serial(bits)}"

    return read


def _sscc(bits: _Bits) -> str:
    prefix, reference = bits.key(17, 58)
    if bits.take(24):
        raise NamingError("expected 24 zero bits at the end of an SSCC")
    return f"urn:epc:id:sscc:{prefix}.{reference}"


_SCHEMES: Final = {
    0x30: (96, _sgtin(lambda bits: str(bits.take(38)))),
    0x31: (96, _sscc),
    0x33: (96, _grai(lambda bits: str(bits.take(38)))),
    0x36: (198, _sgtin(lambda bits: bits.text(140))),
    0x37: (170, _grai(lambda bits: bits.text(112))),
}
"""Width and reader by header."""


def pure_identity(digits: str) -> str | None:
    """Tell what a tag names.

    Args:
        digits: At least 16 hexadecimal digits.

    Returns:
        Its pure identity; None if its header is of no scheme that names goods or units in a URI.

    Raises:
        NamingError: If it begins like one and is none.

    Examples:
        >>> pure_identity("311BA1B300CE0A6A83000000")
        'urn:epc:id:sscc:952012.03456789123'
    """
    header = int(digits[:2], 16)
    if header not in _SCHEMES:
        return None
    width, read = _SCHEMES[header]
    if 4 * len(digits) < width:
        raise NamingError(f"tag {digits}: expected {-(-width // 4)} digits at least, got {len(digits)}")
    bits = _Bits(digits)
    bits.take(8 + 3)
    try:
        return read(bits)
    except NamingError as error:
        raise NamingError(f"tag {digits}: {error}") from error
