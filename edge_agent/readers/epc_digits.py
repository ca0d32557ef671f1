"""An EPC's digits in; whole bytes in capitals, as many as its length asks, out; pure."""

from collections.abc import Iterable
from typing import Final

EPC_96_BITS: Final = 96
_ASCII_HEX_BITS: Final = 2 * EPC_96_BITS
_HEX_DIGITS: Final = frozenset(b"0123456789ABCDEFabcdef")


class EpcDigitsError(ValueError):
    """Fewer digits than the EPC's length asks, or none at all."""


def spell_epc(digits: bytes, bits: int, may_be_ascii: bool) -> str:  # noqa: FBT001  positional for speed
    """Spell an EPC by its length.

    Args:
        digits: Hexadecimal, at least as many as the length asks.
        bits: Its length.
        may_be_ascii: Whether 192 bits may spell the digits of 96 in ASCII, as some readers send them.

    Returns:
        Whole bytes in capitals, bits beyond the length 0; empty for no bits.

    Raises:
        EpcDigitsError: If there are fewer bytes than bits.

    Examples:
        >>> spell_epc(b"3074257bf7194e4000001a85", 96, False)
        '3074257BF7194E4000001A85'
    """
    count = (bits + 7) // 8
    if len(digits) < 2 * count:
        raise EpcDigitsError(f"EPC {digits.decode()}: expected {bits} bits")
    if bits == _ASCII_HEX_BITS and may_be_ascii:
        text = bytes.fromhex(digits[: 2 * count].decode())
        if _HEX_DIGITS.issuperset(text):
            return text.decode().upper()
    if bits % 8:
        value = int(digits[: 2 * count], 16) >> (8 - bits % 8) << (8 - bits % 8)
        return f"{value:0{2 * count}X}"
    return digits[: 2 * count].decode().upper()


def spell_epcs(epcs: Iterable[bytes], bits: int, *, may_be_ascii: bool) -> list[str]:
    """Spell EPCs of one length, as ``spell_epc`` does.

    Args:
        epcs: Exactly as many bytes each as the length asks.
        bits: Their length, more than 0.
        may_be_ascii: As in ``spell_epc``.

    Returns:
        As many.

    Examples:
        >>> spell_epcs([bytes.fromhex("3074257bf7194e4000001a85")], 96, may_be_ascii=False)
        ['3074257BF7194E4000001A85']
    """
    if bits % 8 or bits == _ASCII_HEX_BITS:
        return [spell_epc(epc.hex().encode(), bits, may_be_ascii) for epc in epcs]
    return [epc.hex().upper() for epc in epcs]
