"""What the parts of an EPC may hold: characters and check digits, and the error that says they do not."""

import re
from typing import Final

from edge_agent.decode.decoded import FaultCode

SET_82: Final = frozenset(
    "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
)
"""What a serial may hold (GS1 General Specifications, figure 7.11-1)."""
_CAGE: Final = re.compile(r"[0-9A-HJ-NP-Z]{5,6}")
_ZERO: Final = ord("0")
SET_39: Final = frozenset("#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""What a component reference may hold (figure 7.11-2), and the 6-bit character set of TDS, annex G."""


class EpcError(ValueError):
    """Bits that are not what the standard asks for; ``decode_epc`` turns it into a fault."""

    def __init__(self, code: FaultCode, message: str) -> None:
        """Keep the stable code beside the text.

        Args:
            code: The kind of fault.
            message: Value, expectation and place.
        """
        super().__init__(message)
        self.code = code


def in_set_82(text: str, what: str) -> str:
    """Check the characters of a serial or extension.

    Args:
        text: The characters.
        what: The field's name, for messages.

    Returns:
        The same text.

    Raises:
        EpcError: If one may not stand in a GS1 element string.
    """
    if not SET_82.issuperset(text):
        wrong = next(character for character in text if character not in SET_82)
        raise EpcError(FaultCode.CHARACTER, f"{what} {text!r} holds {wrong!r}, which GS1's set 82 has not")
    return text


def in_set_39(text: str, what: str) -> str:
    """Check the characters of a component reference.

    Args:
        text: The characters.
        what: The field's name, for messages.

    Returns:
        The same text.

    Raises:
        EpcError: If one is not in GS1's set 39.
    """
    if not SET_39.issuperset(text):
        raise EpcError(FaultCode.CHARACTER, f"{what} {text!r}: expected A to Z, 0 to 9, '#', '-' or '/'")
    return text


def cage(text: str) -> str:
    """Check a CAGE code or DoDAAC.

    Args:
        text: The characters.

    Returns:
        The same text.

    Raises:
        EpcError: If it is not five or six digits and capitals without I and O.
    """
    if _CAGE.fullmatch(text) is None:
        raise EpcError(FaultCode.CHARACTER, f"CAGE code {text!r}: expected 5 or 6 of 0-9 A-H J-N P-Z")
    return text


def check_digit(digits: str) -> str:
    """Compute the last digit of a GS1 key.

    Args:
        digits: All other digits.

    Returns:
        One digit.

    Examples:
        >>> check_digit("8061414112345")
        '8'
    """
    codes = digits.encode("ascii")
    threes, ones = codes[::-2], codes[-2::-2]
    return str((_ZERO * (3 * len(threes) + len(ones)) - 3 * sum(threes) - sum(ones)) % 10)


def checked(digits: str, what: str) -> str:
    """Check the last digit of a GS1 key.

    Args:
        digits: The whole key.
        what: Its name, for messages.

    Returns:
        The same digits.

    Raises:
        EpcError: If the check digit is another one.
    """
    expected = check_digit(digits[:-1])
    if digits[-1] != expected:
        raise EpcError(
            FaultCode.CHECK_DIGIT,
            f"{what} {digits!r} ends with {digits[-1]}, expected check digit {expected}",
        )
    return digits
