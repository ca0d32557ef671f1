"""What a gateway hands in over HTTPS: who it says it is and bytes in, an answer or a refusal out."""

from dataclasses import dataclass, field
from typing import Protocol

from contracts.feedback import Ack, IngestState, Messages
from contracts.topics import Channel


@dataclass(frozen=True, slots=True)
class Credential:
    """What a gateway shows; nothing is proven by it yet."""

    gateway: str
    secret: str = field(repr=False)


class NotAdmittedError(Exception):
    """There is no such gateway, or that is not its secret."""


class NotTakenError(Exception):
    """What was handed in is not taken, and will not be if it is handed in again; it may be in quarantine."""

    def __init__(self, reason: str, message: str) -> None:
        """Say why.

        Args:
            reason: Stable snake_case code, as quarantine shows it.
            message: Value, expectation and place.
        """
        super().__init__(message)
        self.reason = reason


class NotNowError(Exception):
    """There is no room at present: the gateway keeps what it has and comes again."""

    def __init__(self, message: str, *, retry_after_s: int, is_its_own: bool) -> None:
        """Say when to come again.

        Args:
            message: Why not now.
            retry_after_s: When there may be room.
            is_its_own: Whether the gateway itself takes all the room that it may.
        """
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.is_its_own = is_its_own


class BatchDoor(Protocol):
    """The way in beside the broker; what comes by both is stored once."""

    def state(self, credential: Credential) -> IngestState:
        """Say which ledger this is, to a gateway that asks whether it may come in.

        Args:
            credential: Who asks.

        Returns:
            As on the topic ``dl/v1/ingest/state``.

        Raises:
            NotAdmittedError: If it may not.
        """

    def messages(self, credential: Credential) -> Messages:
        """Say what the cloud has said last to a gateway, as the broker retains it.

        Args:
            credential: Who asks.

        Returns:
            The last message on each channel.

        Raises:
            NotAdmittedError: If the gateway may not come in.
        """

    def take(self, credential: Credential, frame: bytes) -> Ack:
        """Store a batch, as if it had come by the broker.

        Args:
            credential: Who hands it in.
            frame: The payload of a publish on the topic ``records``.

        Returns:
            What the ledger holds of the batch's epoch, after the commit.

        Raises:
            NotAdmittedError: If the gateway may not come in.
            NotTakenError: If it is not acknowledged.
            NotNowError: If there is no room.
        """

    def hear(self, credential: Credential, channel: Channel, statement: bytes) -> IngestState:
        """Take what a gateway says of itself.

        Args:
            credential: Who speaks.
            channel: ``status``, ``health`` or ``config/reported``.
            statement: The payload of a publish on that topic.

        Returns:
            As `state`.

        Raises:
            NotAdmittedError: If the gateway may not come in.
            NotTakenError: If it cannot be read, or speaks of another.
            NotNowError: If there is no room.
        """
