"""What every contract shares: frozen models that keep unknown fields, and constrained value types."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, NewType

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

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


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _refuse_float(value: object) -> object:
    if isinstance(value, bool | float):
        msg = f"quantity {value!r} must be written as a string or a whole number, never as a binary float"
        raise ValueError(msg)  # noqa: TRY004  pydantic turns ValueError, not TypeError, into a located error
    return value


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant with an offset on the wire, UTC in memory."""

PositiveQuantity = Annotated[
    Decimal, BeforeValidator(_refuse_float), Field(gt=0, max_digits=20, decimal_places=6, allow_inf_nan=False)
]
"""A moved quantity: finite, above zero, at most 14 digits before and 6 after the point."""

CountedQuantity = Annotated[
    Decimal, BeforeValidator(_refuse_float), Field(ge=0, max_digits=20, decimal_places=6, allow_inf_nan=False)
]
"""An observed quantity: finite, zero or more."""

Site = Annotated[SiteId, Field(pattern=ID_PATTERN)]
Gateway = Annotated[GatewayId, Field(pattern=ID_PATTERN)]
Epoch = Annotated[EpochId, Field(pattern=EPOCH_PATTERN)]
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
BatchNo = Annotated[int, Field(ge=1, le=2**53 - 1)]
Seq = Annotated[int, Field(ge=1, le=2**53 - 1)]
MonotonicNs = Annotated[int, Field(ge=0, le=2**63 - 1)]
Code = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A short printable text: a location code, lot, serial, document number, reason code."""


class Contract(BaseModel):
    """A frozen message part. Unknown fields are kept, so an old reader loses nothing (FAULTS F12)."""

    model_config = ConfigDict(
        frozen=True, extra="allow", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )


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
