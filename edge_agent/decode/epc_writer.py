"""Integers and texts in, an EPC's bits out: the coding methods of TDS 2.3, sections 14.4 and 14.5."""

from collections.abc import Callable, Sequence
from typing import Final

from edge_agent.decode.decoded import FaultCode
from edge_agent.decode.epc_bits import BASE_64, CODE_40, PREFIX_BITS
from edge_agent.decode.epc_checks import SET_82, EpcError, in_set_39, in_set_82

_WORD: Final = 16
_NUMERIC: Final = frozenset("0123456789")
_ENCODINGS: Final[Sequence[tuple[int, frozenset[str], Callable[[int], int]]]] = (
    (0, _NUMERIC, lambda count: (10**count - 1).bit_length()),
    (1, _NUMERIC | frozenset("ABCDEF"), lambda count: 4 * count),
    (2, _NUMERIC | frozenset("abcdef"), lambda count: 4 * count),
    (3, frozenset(BASE_64), lambda count: 6 * count),
    (4, SET_82, lambda count: 7 * count),
    (5, frozenset(CODE_40[1:]), lambda count: 16 * -(-count // 3)),
)
"""Encoding indicators with their characters, and the bits that so many take."""


class BitWriter:
    """Writes a bit string from its left end; whatever does not fit is an ``EpcError``."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._value = 0
        self._width = 0

    def put(self, value: int, width: int, what: str) -> None:
        """Write an unsigned integer.

        Args:
            value: The integer.
            width: Bits it has.
            what: The field's name, for messages.

        Raises:
            EpcError: If it needs more bits.
        """
        if not 0 <= value < 1 << width:
            raise EpcError(FaultCode.OUT_OF_RANGE, f"{what} {value}: expected 0 to {(1 << width) - 1}")
        self._value = self._value << width | value
        self._width += width

    def number(self, digits: str, width: int, what: str) -> None:
        """Write an integer that has no leading zeros, so that it reads as it was written.

        Args:
            digits: The integer.
            width: Bits it has.
            what: The field's name, for messages.

        Raises:
            EpcError: If it is none, or needs more bits.
        """
        if all_digits(digits, what) != str(int(digits)):
            raise EpcError(FaultCode.OUT_OF_RANGE, f"{what} {digits!r}: this scheme keeps no leading zeros")
        self.put(int(digits), width, what)

    def digits(self, text: str, count: int, what: str) -> None:
        """Write decimal digits of four bits each (14.5.4).

        Args:
            text: The digits.
            count: How many are expected.
            what: The field's name, for messages.

        Raises:
            EpcError: If they are others.
        """
        if len(all_digits(text, what)) != count:
            raise EpcError(FaultCode.LENGTH, f"{what} {text!r}: expected {count} digits")
        self.put(int(text, 16), 4 * count, what)

    def keyed(self, prefix: str, reference: str, beside: int, digits: int) -> None:
        """Write partition, company prefix and reference (14.4.3).

        Args:
            prefix: Company prefix.
            reference: What fills it up.
            beside: Bits of the reference beside the longest prefix.
            digits: Of both together.

        Raises:
            EpcError: If they have more or fewer.
        """
        bits = self.company(prefix)
        if len(prefix) + len(reference) != digits:
            raise EpcError(
                FaultCode.LENGTH, f"{prefix}.{reference}: expected {digits} digits of prefix and reference"
            )
        value = int(all_digits(reference, "reference")) if reference else 0
        self.put(value, beside + PREFIX_BITS[0] - bits, "reference")

    def company(self, prefix: str) -> int:
        """Write partition and company prefix.

        Args:
            prefix: Its digits.

        Returns:
            Bits that it took, without the partition.

        Raises:
            EpcError: If it has not 6 to 12.
        """
        partition = 12 - len(all_digits(prefix, "company prefix"))
        if not 0 <= partition < len(PREFIX_BITS):
            raise EpcError(FaultCode.LENGTH, f"company prefix {prefix!r}: expected 6 to 12 digits")
        self.put(partition, 3, "partition")
        self.put(int(prefix), PREFIX_BITS[partition], "company prefix")
        return PREFIX_BITS[partition]

    def text(self, text: str, width: int, most: int, what: str) -> None:
        """Write 7-bit characters, zeros behind them (14.4.2).

        Args:
            text: The characters.
            width: Bits of the field.
            most: Characters allowed.
            what: The field's name, for messages.

        Raises:
            EpcError: If there are none, too many, or one is not in set 82.
        """
        if not 1 <= len(in_set_82(text, what)) <= most:
            raise EpcError(FaultCode.OUT_OF_RANGE, f"{what} {text!r}: expected 1 to {most} characters")
        for character in text:
            self.put(ord(character), 7, what)
        self.put(0, width - 7 * len(text), what)

    def six_bit(self, text: str, most: int, what: str) -> None:
        """Write 6-bit characters and the zero that ends them (14.4.9).

        Args:
            text: The characters.
            most: Characters allowed.
            what: The field's name, for messages.

        Raises:
            EpcError: If there are too many, or one is not in set 39.
        """
        if len(in_set_39(text, what)) > most:
            raise EpcError(FaultCode.OUT_OF_RANGE, f"{what} {text!r}: expected at most {most} characters")
        for character in text:
            self.put(ord(character) & 0x3F, 6, what)
        self.put(0, 6, what)

    def numeric(self, text: str, most: int, what: str) -> None:
        """Write a count of digits in four bits, and then an integer (14.5.13).

        Args:
            text: The digits.
            most: Digits allowed.
            what: The field's name, for messages.

        Raises:
            EpcError: If there are none, or too many.
        """
        self._length(all_digits(text, what), 4, most, what)
        self._integer(text, what)

    def alphanumeric(self, text: str, most: int, what: str) -> None:
        """Write an encoding indicator, a length and the characters, in as few bits as may be (14.5.6).

        Args:
            text: The characters.
            most: Characters allowed.
            what: The field's name, for messages.

        Raises:
            EpcError: If there are none, too many, or one is not in set 82.
        """
        in_set_82(text, what)
        _, encoding = min(
            (bits(len(text)), kind) for kind, allowed, bits in _ENCODINGS if allowed.issuperset(text)
        )
        self.put(encoding, 3, what)
        self._length(text, 5, most, what)
        match encoding:
            case 0:
                self._integer(text, what)
            case 1 | 2:
                self.put(int(text, 16), 4 * len(text), what)
            case 3:
                for character in text:
                    self.put(BASE_64.index(character), 6, what)
            case 5:
                self._code_40(text, what)
            case _:
                for character in text:
                    self.put(ord(character), 7, what)

    def hexadecimal(self) -> str:
        """Give whole words of 16 bits, as a tag holds them; what the last one does not need is zero.

        Returns:
            Upper-case hexadecimal digits.
        """
        spare = -self._width % _WORD
        return f"{self._value << spare:0{(self._width + spare) // 4}X}"

    def _length(self, text: str, width: int, most: int, what: str) -> None:
        if not 1 <= len(text) <= most:
            raise EpcError(FaultCode.OUT_OF_RANGE, f"{what} {text!r}: expected 1 to {most} characters")
        self.put(len(text), width, what)

    def _integer(self, text: str, what: str) -> None:
        self.put(int(text), (10 ** len(text) - 1).bit_length(), what)

    def _code_40(self, text: str, what: str) -> None:
        padded = text + CODE_40[0] * (-len(text) % 3)
        for at in range(0, len(padded), 3):
            one, two, three = (CODE_40.index(character) for character in padded[at : at + 3])
            self.put(1600 * one + 40 * two + three + 1, 16, what)


def all_digits(text: str, what: str) -> str:
    """Check that a text is decimal digits.

    Args:
        text: The characters.
        what: The field's name, for messages.

    Returns:
        The same text.

    Raises:
        EpcError: If it is empty, or anything else.
    """
    if not text or not _NUMERIC.issuperset(text):
        raise EpcError(FaultCode.CHARACTER, f"{what} {text!r}: expected decimal digits")
    return text
