"""Writes EPCs, so that reading them can be proven: bit strings from fields, by the standard's tables."""

from math import ceil, log2

PREFIX_BITS = (40, 37, 34, 30, 27, 24, 20)
BASE_64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CODE_40 = "\0ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"


def number(value: int, width: int) -> str:
    assert value < 1 << width
    return f"{value:0{width}b}" if width else ""


def partitioned(prefix: str, reference: str, together: int) -> str:
    """Partition value, company prefix and reference; ``together`` bits for the last two."""
    partition = 12 - len(prefix)
    bits = PREFIX_BITS[partition]
    return number(partition, 3) + number(int(prefix), bits) + number(int(reference or 0), together - bits)


def seven_bit(text: str, width: int) -> str:
    return "".join(number(ord(character), 7) for character in text).ljust(width, "0")


def six_bit(text: str) -> str:
    return "".join(number(ord(character) & 0x3F, 6) for character in text)


def decimal(digits: str) -> str:
    return "".join(number(int(digit), 4) for digit in digits)


def integer(digits: str) -> str:
    return number(int(digits), ceil(len(digits) * log2(10)))


def alphanumeric(text: str, encoding: int) -> str:
    """A text by one of the six encodings of section 14.5.6."""
    body = {
        0: lambda: integer(text),
        1: lambda: "".join(number(int(character, 16), 4) for character in text),
        2: lambda: "".join(number(int(character, 16), 4) for character in text),
        3: lambda: "".join(number(BASE_64.index(character), 6) for character in text),
        4: lambda: seven_bit(text, 0),
        5: lambda: code_40(text),
    }[encoding]
    return number(encoding, 3) + number(len(text), 5) + body()


def code_40(text: str) -> str:
    padded = text + "\0" * (-len(text) % 3)
    groups = [padded[at : at + 3] for at in range(0, len(padded), 3)]
    values = [[CODE_40.index(character) for character in group] for group in groups]
    return "".join(number(1600 * one + 40 * two + three + 1, 16) for one, two, three in values)


def hexadecimal(bits: str, *, words: bool = True) -> str:
    """Whole 16-bit words, as a reader reports them, padded with zeros."""
    digits = bits.ljust(ceil(len(bits) / 16) * 16 if words else ceil(len(bits) / 4) * 4, "0")
    return f"{int(digits, 2):0{len(digits) // 4}X}"


def sgtin_96(prefix: str, reference: str, serial: int, filter_value: int = 1) -> str:
    return hexadecimal(
        number(0x30, 8) + number(filter_value, 3) + partitioned(prefix, reference, 44) + number(serial, 38)
    )


def sscc_96(prefix: str, reference: str, filter_value: int = 2) -> str:
    return hexadecimal(
        number(0x31, 8) + number(filter_value, 3) + partitioned(prefix, reference, 58) + number(0, 24)
    )
