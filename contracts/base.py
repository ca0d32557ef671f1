"""What every contract shares: frozen models that keep unknown fields, and constrained value types."""

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, NewType, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

SCHEMA_VERSION: Final = 1
"""The version this release writes. The cloud reads this one and the three before it."""

OLDEST_READABLE_SCHEMA: Final = 1
"""The oldest version this release reads (N-3 once there are four)."""

ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"
"""Sites, gateways and devices (PROTOCOL P1): a space in a topic disconnects some brokers for ever."""

EPOCH_PATTERN: Final = r"^[0-9a-f]{16}$"
SHA256_PATTERN: Final = r"^[0-9a-f]{64}$"

SiteId = NewType("SiteId", str)
GatewayId = NewType("GatewayId", str)
EpochId = NewType("EpochId", str)
"""A random 64-bit id made with the outbox file, as 16 lower-case hexadecimal digits."""

NO_PREDECESSOR: Final = "0" * 64
"""``prev_sha256`` of the first batch of an epoch."""


PRINTABLE_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
WITHOUT_NUL_PATTERN: Final = r"^[^\x00]*$"

QUANTITY_PATTERN: Final = r"^[0-9]{1,14}(\.[0-9]{1,6})?$"
_QUANTITY: Final = re.compile(QUANTITY_PATTERN[1:-1])
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.*(Z|[+-][0-9]{2}:[0-9]{2})$")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _spelled_out(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and _INSTANT.match(value)):
        return value
    msg = f"instant {value!r:.60} must be written like '2026-05-04T03:02:01.5Z', with its offset"
    raise ValueError(msg)


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        msg = f"instant {value.isoformat()} is outside the years 1 to 9999 in UTC"
        raise ValueError(msg) from error


def _whole_day(value: object) -> object:
    if type(value) is date or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    msg = f"day {value!r:.60} must be written like '2027-03-31'"
    raise ValueError(msg)


def _exact(value: object) -> object:
    if isinstance(value, Decimal) or type(value) is int:
        return value
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return value
    msg = (
        f"quantity {value!r:.60} must be a whole number or a string of at most 14 digits before "
        "and 6 after the point, never a binary float"
    )
    raise ValueError(msg)


def write_quantity(value: Decimal) -> str:
    """Write a quantity as it is sealed and kept.

    Args:
        value: Finite; zero or more.

    Returns:
        Its digits, without an exponent and without zeros that say nothing.

    Examples:
        >>> write_quantity(Decimal("1.50")), write_quantity(Decimal("1E+2"))
        ('1.5', '100')
    """
    return format(abs(value.normalize()), "f")


def _quantity_schema(least: int) -> WithJsonSchema:
    return WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": least}, {"type": "string", "pattern": QUANTITY_PATTERN}]}
    )


UtcDatetime = Annotated[
    AwareDatetime,
    BeforeValidator(_spelled_out),
    AfterValidator(_to_utc),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An instant in RFC 3339 with an offset on the wire, UTC in memory."""

Day = Annotated[date, BeforeValidator(_whole_day)]
"""A day of the calendar, in RFC 3339 on the wire; no number, and no instant."""

PositiveQuantity = Annotated[
    Decimal,
    Field(gt=0, max_digits=20, decimal_places=6, allow_inf_nan=False),
    BeforeValidator(_exact),
    PlainSerializer(write_quantity, return_type=str, when_used="json"),
    _quantity_schema(1),
]
"""A moved quantity: finite, above zero, at most 14 digits before and 6 after the point."""

CountedQuantity = Annotated[
    Decimal,
    Field(ge=0, max_digits=20, decimal_places=6, allow_inf_nan=False),
    BeforeValidator(_exact),
    PlainSerializer(write_quantity, return_type=str, when_used="json"),
    _quantity_schema(0),
]
"""An observed quantity: finite, zero or more."""

Site = Annotated[SiteId, Field(pattern=ID_PATTERN)]
Gateway = Annotated[GatewayId, Field(pattern=ID_PATTERN)]
Epoch = Annotated[EpochId, Field(pattern=EPOCH_PATTERN)]
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
BatchNo = Annotated[int, Field(strict=True, ge=1, le=2**53 - 1)]
Seq = Annotated[int, Field(strict=True, ge=1, le=2**53 - 1)]
MonotonicNs = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
WholeNumber = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
SchemaVersion = Annotated[int, Field(strict=True, alias="schema", ge=1)]
Code = Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE_PATTERN)]
"""A short printable text: a location code, lot, serial, document number, reason code."""


_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def is_storable(value: object) -> bool:
    r"""Tell whether a JSON value can be stored: Unicode without NUL, numbers finite and within 64 bits.

    Args:
        value: What a JSON parser gave.

    Returns:
        True if every text and number in it can be stored.

    Examples:
        >>> is_storable({"a": [1, "b"]}), is_storable(float("inf"))
        (True, False)
        >>> is_storable(["\0"]), is_storable("\ud800")
        (False, False)
    """
    match value:
        case str():
            return not _UNSTORABLE.search(value)
        case float():
            return math.isfinite(value)
        case int():
            return -(2**63) <= value < 2**64
        case dict():
            return all(is_storable(part) for pair in value.items() for part in pair)
        case list() | tuple():
            return all(is_storable(part) for part in value)
        case _:
            return True


Storable = TypeVar("Storable")


def _require_storable(value: Storable) -> Storable:
    if not is_storable(value):
        msg = "expected texts without NUL or half a surrogate pair, and finite numbers within 64 bits"
        raise ValueError(msg)
    return value


STORABLE: Final = AfterValidator(_require_storable)
"""Annotates free texts and JSON: what a database column can hold."""


class Contract(BaseModel):
    """A frozen message part. Unknown fields are kept, so an old reader loses nothing (FAULTS F12)."""

    model_config = ConfigDict(
        frozen=True,
        use_attribute_docstrings=True,
        extra="allow",
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        json_schema_extra={"additionalProperties": True},
    )

    # Only what is there is checked: a validator of the model would be called for each part without any.
    __pydantic_extra__: dict[Annotated[str, STORABLE], Annotated[Any, STORABLE]]


def is_valid_id(text: str) -> bool:
    """Tell whether a text may be a site, gateway or device id.

    Args:
        text: Any text.

    Returns:
        True if it matches ``[A-Za-z0-9_-]{1,64}`` (PROTOCOL P1).
    """
    return re.fullmatch(ID_PATTERN[1:-1], text) is not None


def epoch_to_int(epoch: str) -> int:
    """Map an epoch's 64 bits to the signed integer that a database column holds.

    Args:
        epoch: 16 lower-case hexadecimal digits.

    Returns:
        The two's complement value, in [-2**63, 2**63).

    Examples:
        >>> epoch_to_int("ffffffffffffffff"), epoch_to_int("0000000000000010")
        (-1, 16)
    """
    return int.from_bytes(bytes.fromhex(epoch), "big", signed=True)


def epoch_from_int(value: int) -> EpochId:
    """Map a signed 64-bit integer back to an epoch's text.

    Args:
        value: An integer in [-2**63, 2**63).

    Returns:
        16 lower-case hexadecimal digits.

    Examples:
        >>> epoch_from_int(-1)
        'ffffffffffffffff'
    """
    return EpochId(value.to_bytes(8, "big", signed=True).hex())
