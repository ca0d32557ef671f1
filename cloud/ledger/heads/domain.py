"""A signed head as a value and as a line of a file; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cloud.ledger.heads import signatures
from contracts.base import UtcDatetime


class HeadError(Exception):
    """Heads that cannot be read or are not what they say; the message names the place."""


class SignedHead(BaseModel):
    """The head of a ledger's order at some time, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ledger_id: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    position: Annotated[int, Field(ge=1)]
    recorded_at: UtcDatetime
    chain: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Hash of everything up to the position, as 64 hexadecimal digits."""
    signed_at: UtcDatetime
    public_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]

    @property
    def is_signed(self) -> bool:
        """Whether the signature is that of the rest."""
        message = message_of(self.ledger_id, self.position, self.recorded_at, self.chain, self.signed_at)
        return signatures.is_signed(bytes.fromhex(self.public_key), message, bytes.fromhex(self.signature))


@dataclass(frozen=True, slots=True)
class Head:
    """The head as the ledger has it."""

    ledger_id: str
    position: int
    recorded_at: datetime
    chain: str


def message_of(
    ledger_id: str, position: int, recorded_at: datetime, chain: str, signed_at: datetime
) -> bytes:
    """Write what is signed: one line per part, the first names the form.

    Args:
        ledger_id: Which ledger.
        position: Of the head.
        recorded_at: When that was posted.
        chain: 64 hexadecimal digits.
        signed_at: When it is signed.

    Returns:
        The bytes.
    """
    instants = [at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for at in (recorded_at, signed_at)]
    lines = ("dockledger head 1", ledger_id, str(position), instants[0], chain, instants[1])
    return "\n".join(lines).encode()


def signed(head: Head, seed: bytes, now: datetime) -> SignedHead:
    """Sign a head.

    Args:
        head: What the order's head is.
        seed: The private key, 32 bytes.
        now: The present.

    Returns:
        The head with its signature.
    """
    message = message_of(head.ledger_id, head.position, head.recorded_at, head.chain, now)
    return SignedHead(
        ledger_id=head.ledger_id,
        position=head.position,
        recorded_at=head.recorded_at,
        chain=head.chain,
        signed_at=now,
        public_key=signatures.public_key(seed).hex(),
        signature=signatures.sign(seed, message).hex(),
    )


def read_heads(text: str, place: str) -> list[SignedHead]:
    """Read a file of heads, one JSON object a line.

    Args:
        text: Its content.
        place: Its name.

    Returns:
        The heads, by position.

    Raises:
        HeadError: Naming the first line that is no head, or whose signature is not its own.
    """
    heads = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            head = SignedHead.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "line"
            raise HeadError(f"{place}:{number}: {where}: {first['msg']}") from error
        if not head.is_signed:
            raise HeadError(
                f"{place}:{number}: the signature of position {head.position} is not that of its key: "
                "the line was changed"
            )
        heads.append(head)
    if not heads:
        raise HeadError(f"{place}: expected at least one signed head")
    return sorted(heads, key=lambda head: head.position)


def require_key(heads: Sequence[SignedHead], public_key: str) -> None:
    """Refuse heads that another key signed.

    Args:
        heads: Whose signatures are their own.
        public_key: The one to believe, 64 hexadecimal digits.

    Raises:
        HeadError: Naming the first that another signed.
    """
    for head in heads:
        if head.public_key != public_key:
            raise HeadError(
                f"position {head.position} is signed by {head.public_key}, expected {public_key:.80}"
            )
