"""Numbers of goods in, bytes of their tags out: EPC Tag Data Standard 2.3, section 14 (96-bit schemes)."""

from typing import Final

EPC_BITS: Final = 96

_COMPANY_BITS: Final = (40, 37, 34, 30, 27, 24, 20)
"""Bits of the company prefix by partition value 0 to 6, for prefixes of 12 down to 6 digits."""
_SERIAL_BITS: Final = 38
_LONGEST_PREFIX: Final = 12
_SHORTEST_PREFIX: Final = 6


def sgtin96(gtin: str, prefix_digits: int, serial: int, *, filter_value: int) -> bytes:
    """Encode one instance of a trade item.

    Args:
        gtin: GTIN-14, check digit included.
        prefix_digits: Length of the GS1 company prefix, in [6, 12].
        serial: In [0, 2**38).
        filter_value: 1 for an item at the point of sale, 2 for a full case, in [0, 7].

    Returns:
        12 bytes.

    Raises:
        ValueError: If an argument is outside its range.

    Examples:
        >>> sgtin96("09506000134352", 11, 123456789, filter_value=3).hex()
        '3066c4409047e140075bcd15'
    """
    body = _digits(gtin, 14, "GTIN-14")[:-1]
    company, reference = body[1 : 1 + prefix_digits], body[0] + body[1 + prefix_digits :]
    return _assemble(0x30, filter_value, company, (int(reference or "0"), 44), (serial, _SERIAL_BITS))


def sscc96(sscc: str, prefix_digits: int, *, filter_value: int = 6) -> bytes:
    """Encode a logistic unit.

    Args:
        sscc: 18 digits, check digit included.
        prefix_digits: Length of the GS1 company prefix, in [6, 12].
        filter_value: 6 for a unit load, in [0, 7].

    Returns:
        12 bytes.

    Raises:
        ValueError: If an argument is outside its range.

    Examples:
        >>> sscc96("095201234567891235", 6, filter_value=0).hex()
        '311ba1b300ce0a6a83000000'
    """
    body = _digits(sscc, 18, "SSCC")[:-1]
    company, reference = body[1 : 1 + prefix_digits], body[0] + body[1 + prefix_digits :]
    return _assemble(0x31, filter_value, company, (int(reference), 58), (0, 24))


def grai96(company: str, asset_type: str, serial: int, *, filter_value: int = 0) -> bytes:
    """Encode a returnable asset: a pallet or tote that comes back.

    Args:
        company: GS1 company prefix, 6 to 12 digits.
        asset_type: The digits that fill the prefix up to 12.
        serial: In [0, 2**38).
        filter_value: In [0, 7].

    Returns:
        12 bytes.

    Raises:
        ValueError: If an argument is outside its range.

    Examples:
        >>> grai96("9521141", "12345", 5678, filter_value=3).hex()
        '3376451fd40c0e400000162e'
    """
    _digits(company + asset_type, 12, "company prefix and asset type")
    return _assemble(0x33, filter_value, company, (int(asset_type or "0"), 44), (serial, _SERIAL_BITS))


def giai96(company: str, asset: int, *, filter_value: int = 0) -> bytes:
    """Encode an individual asset: a forklift, a trailer.

    Args:
        company: GS1 company prefix, 6 to 12 digits.
        asset: Individual asset reference, a number.
        filter_value: In [0, 7].

    Returns:
        12 bytes.

    Raises:
        ValueError: If an argument is outside its range.

    Examples:
        >>> giai96("9521141", 5678, filter_value=3).hex()
        '3476451fd40000000000162e'
    """
    return _assemble(0x34, filter_value, company, (asset, 82))


def check_digit(body: str) -> str:
    """Compute GS1's modulo-10 check digit.

    Args:
        body: The digits before it.

    Returns:
        One digit.

    Examples:
        >>> check_digit("0950600013435")
        '2'
    """
    total = sum(int(digit) * (3 if n % 2 == 0 else 1) for n, digit in enumerate(reversed(body)))
    return str(-total % 10)


def _assemble(header: int, filter_value: int, company: str, *parts: tuple[int, int]) -> bytes:
    """Join header, filter, partition, company prefix and parts.

    The first part's width is given together with the company prefix's (44, 58 or 82 bits), as the standard's
    partition tables do; what remains of the 96 bits is zero.
    """
    if not _SHORTEST_PREFIX <= len(company) <= _LONGEST_PREFIX or not company.isdecimal():
        raise ValueError(f"company prefix {company!r}: expected 6 to 12 digits")
    partition = _LONGEST_PREFIX - len(company)
    company_bits = _COMPANY_BITS[partition]
    (reference, together_bits), *others = parts
    fields = [
        (header, 8),
        (filter_value, 3),
        (partition, 3),
        (int(company), company_bits),
        (reference, together_bits - company_bits),
        *others,
    ]
    number = bits = 0
    for value, width in fields:
        if not 0 <= value < 1 << width:
            raise ValueError(
                f"value {value} of an EPC of header 0x{header:02X}: expected 0 to {(1 << width) - 1}"
            )
        number, bits = number << width | value, bits + width
    return (number << (EPC_BITS - bits)).to_bytes(EPC_BITS // 8, "big")


def _digits(text: str, count: int, what: str) -> str:
    if len(text) != count or not text.isdecimal():
        raise ValueError(f"{what} {text!r}: expected {count} digits")
    return text
