"""An EPC's bits in, integers and texts out: the coding methods of TDS 2.3, sections 14.4 and 14.5."""

from typing import Final

from edge_agent.decode.decoded import FaultCode
from edge_agent.decode.epc_checks import SET_39, EpcError, cage, in_set_82

PREFIX_BITS: Final = (40, 37, 34, 30, 27, 24, 20)
"""Bits of a company prefix at each partition value; its digits are 12 less the partition value."""
_SIX_BIT_LETTERS_BELOW: Final = 32
BASE_64: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CODE_40: Final = "\0ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"


class Bits:
    """Reads a bit string from its left end."""

    __slots__ = ("_value", "left")

    def __init__(self, value: int, width: int) -> None:
        """Start at the left end.

        Args:
            value: The bits as an unsigned integer.
            width: How many there are.
        """
        self._value = value
        self.left = width

    def take(self, width: int, what: str) -> int:
        """Read an unsigned integer.

        Args:
            width: Bits it has.
            what: The field's name, for messages.

        Returns:
            Its value.

        Raises:
            EpcError: If fewer bits are left.
        """
        left = self.left - width
        if left < 0:
            raise EpcError(FaultCode.LENGTH, f"{what}: expected {width} bits, {self.left} are left")
        self.left = left
        return self._value >> left & ((1 << width) - 1)

    def rest(self) -> int:
        """Give the bits that were not read, as an integer."""
        return self._value & ((1 << self.left) - 1)

    def end(self, *, most: int | None = None) -> None:
        """Check that only padding is left.

        Args:
            most: Bits of padding allowed; any number by default.

        Raises:
            EpcError: If more is left, or it is not zero.
        """
        if most is not None and self.left > most:
            raise EpcError(
                FaultCode.LENGTH, f"{self.left} bits after the EPC, expected at most {most} of padding"
            )
        if rest := self.rest():
            raise EpcError(
                FaultCode.PADDING, f"padding {rest:x} in the last {self.left} bits, expected zeros only"
            )

    def zeros(self, width: int, what: str) -> None:
        """Read bits that must be zero.

        Args:
            width: How many.
            what: The field's name, for messages.

        Raises:
            EpcError: If they are not.
        """
        if value := self.take(width, what):
            raise EpcError(FaultCode.PADDING, f"{what} {value:x} in {width} bits, expected zeros only")

    def digits(self, count: int, what: str) -> str:
        """Read decimal digits of four bits each (14.5.4).

        Args:
            count: How many.
            what: The field's name, for messages.

        Returns:
            The digits.

        Raises:
            EpcError: If a group of four bits is no digit.
        """
        text = f"{self.take(4 * count, what):0{count}x}"
        if not text.isdigit():
            raise EpcError(FaultCode.CHARACTER, f"{what} {text!r}: expected {count} decimal digits")
        return text

    def company_prefix(self) -> tuple[str, int]:
        """Read the partition value and the company prefix that it measures (14.4.3).

        Returns:
            The prefix, and the partition value: how many digits it is shorter than twelve.

        Raises:
            EpcError: If the partition is unknown or the prefix has too many digits.
        """
        partition = self.take(3, "partition")
        if partition >= len(PREFIX_BITS):
            raise EpcError(FaultCode.PARTITION, f"partition {partition}, expected 0 to 6")
        company, digits = self.take(PREFIX_BITS[partition], "company prefix"), 12 - partition
        if company >= 10**digits:
            raise EpcError(
                FaultCode.OUT_OF_RANGE,
                f"company prefix {company} at partition {partition}, expected at most {digits} digits",
            )
        return f"{company:0{digits}d}", partition

    def reference(self, width: int, digits: int) -> int:
        """Read the number beside a company prefix (14.4.3, 14.4.4).

        Args:
            width: Its bits.
            digits: Digits it has at most.

        Returns:
            Its value.

        Raises:
            EpcError: If it has more digits.
        """
        value = self.take(width, "reference")
        if value >= 10**digits:
            raise EpcError(FaultCode.OUT_OF_RANGE, f"reference {value}, expected at most {digits} digits")
        return value

    def text(self, width: int, most: int, what: str) -> str:
        """Read 7-bit characters that end at a zero or at the field's end (14.4.2).

        Args:
            width: Bits of the field.
            most: Characters allowed.
            what: The field's name, for messages.

        Returns:
            At least one character of set 82.

        Raises:
            EpcError: If it is empty, too long, holds another character, or something follows its end.
        """
        value, spare = self.take(width, what), width % 7
        count = width // 7
        if value & ((1 << spare) - 1):
            raise EpcError(FaultCode.PADDING, f"{what}: bits after the last character, expected zeros only")
        value >>= spare
        characters = [chr(value >> 7 * at & 0x7F) for at in reversed(range(count))]
        text, _, after = "".join(characters).partition("\0")
        if after.strip("\0"):
            raise EpcError(
                FaultCode.PADDING, f"{what} {text!r} is followed by {after!r}, expected zeros only"
            )
        if not 1 <= len(text) <= most:
            raise EpcError(
                FaultCode.OUT_OF_RANGE, f"{what} {text!r} has {len(text)} characters, expected 1 to {most}"
            )
        return in_set_82(text, what)

    def six_bit(self, most: int, what: str, *, least: int = 0) -> str:
        """Read 6-bit characters up to six zero bits (14.4.9, annex G).

        Args:
            most: Characters allowed.
            what: The field's name, for messages.
            least: Characters needed.

        Returns:
            The characters.

        Raises:
            EpcError: If one is not in the set, or there are too many or too few.
        """
        text = ""
        while code := self.take(6, what):
            text += self._six_bit_character(code, what)
            if len(text) > most:
                raise EpcError(
                    FaultCode.OUT_OF_RANGE, f"{what} {text!r}…: expected at most {most} characters"
                )
        if len(text) < least:
            raise EpcError(FaultCode.OUT_OF_RANGE, f"{what} is empty, expected at least {least} characters")
        return text

    def six_bit_cage(self) -> str:
        """Read a CAGE code or DoDAAC of six 6-bit characters, the first a space if it has five (14.4.10).

        Returns:
            Five or six characters.

        Raises:
            EpcError: If it is neither.
        """
        codes = [self.take(6, "CAGE code") for _ in range(6)]
        first = "" if codes[0] == ord(" ") else self._six_bit_character(codes[0], "CAGE code")
        return cage(first + "".join(self._six_bit_character(code, "CAGE code") for code in codes[1:]))

    @staticmethod
    def _six_bit_character(code: int, what: str) -> str:
        character = chr(code + 64 if code < _SIX_BIT_LETTERS_BELOW else code)
        if character not in SET_39:
            raise EpcError(
                FaultCode.CHARACTER,
                f"{what}: 6-bit code {code:06b}, expected A to Z, 0 to 9, '#', '-' or '/'",
            )
        return character

    def numeric(self, length_bits: int, most: int, what: str) -> str:
        """Read a count of digits and then an integer with leading zeros kept (14.5.13).

        Args:
            length_bits: Bits of the count.
            most: Digits allowed.
            what: The field's name, for messages.

        Returns:
            The digits.

        Raises:
            EpcError: If there are none, too many, or the integer needs more of them.
        """
        return self._numeric(self._length(length_bits, most, what), what)

    def alphanumeric(self, most: int, what: str) -> str:
        """Read an encoding indicator, a length and so many characters (14.5.6).

        Args:
            most: Characters allowed.
            what: The field's name, for messages.

        Returns:
            The characters.

        Raises:
            EpcError: If the encoding is unknown, or the text too long or not allowed.
        """
        encoding = self.take(3, what)
        length = self._length(5, most, what)
        match encoding:
            case 0:
                return self._numeric(length, what)
            case 1:
                return f"{self.take(4 * length, what):0{length}X}"
            case 2:
                return f"{self.take(4 * length, what):0{length}x}"
            case 3:
                return "".join(BASE_64[self.take(6, what)] for _ in range(length))
            case 4:
                return in_set_82("".join(chr(self.take(7, what)) for _ in range(length)), what)
            case 5:
                return self.code_40(length, what)
        raise EpcError(FaultCode.CHARACTER, f"{what}: encoding indicator {encoding}, expected 0 to 5")

    def code_40(self, length: int, what: str) -> str:
        """Read URN Code 40: three characters in 16 bits (14.5.6.5).

        Args:
            length: Characters.
            what: The field's name, for messages.

        Returns:
            The characters.

        Raises:
            EpcError: If a group is no group of three, or padding stands where a character must.
        """
        text = ""
        for _ in range(-(-length // 3)):
            group = self.take(16, what) - 1
            if not 0 <= group < len(CODE_40) ** 3:
                raise EpcError(FaultCode.CHARACTER, f"{what}: {group + 1} is no URN Code 40 group")
            text += CODE_40[group // 1600] + CODE_40[group // 40 % 40] + CODE_40[group % 40]
        text, padding = text[:length], text[length:]
        if "\0" in text or padding.strip("\0"):
            raise EpcError(FaultCode.PADDING, f"{what} {text!r}{padding!r}: expected {length} characters")
        return text

    def _length(self, width: int, most: int, what: str) -> int:
        length = self.take(width, f"length of {what}")
        if not 1 <= length <= most:
            raise EpcError(FaultCode.OUT_OF_RANGE, f"length of {what} {length}, expected 1 to {most}")
        return length

    def _numeric(self, length: int, what: str) -> str:
        value = self.take((10**length - 1).bit_length(), what)
        if value >= 10**length:
            raise EpcError(FaultCode.OUT_OF_RANGE, f"{what} {value}, expected {length} digits")
        return f"{value:0{length}d}"
