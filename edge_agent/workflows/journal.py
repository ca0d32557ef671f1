"""The outbox as a session's journal: a scanner's state and its records become durable together."""

from collections.abc import Sequence

from contracts.base import EpochId, GatewayId
from contracts.records import RowRef
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.outbox import Outbox


class OutboxJournal:
    """Gives records their identity and keeps what a scanner's user is in the middle of."""

    def __init__(self, outbox: Outbox, gateway: str) -> None:
        """Use an open outbox.

        Args:
            outbox: The gateway's outbox; this does not close it.
            gateway: The gateway's id, a part of every record's identity.
        """
        self._outbox = outbox
        self._gateway = GatewayId(gateway)

    def commit(self, device: str, state: bytes, drafts: Sequence[Draft]) -> Sequence[RowRef]:
        """Store a state and its records in one transaction.

        Args:
            device: The scanner.
            state: What ``recall`` shall give after a restart.
            drafts: Records, perhaps none; no samples.

        Returns:
            The identity of each record, in order.

        Raises:
            OutboxError: If nothing was stored.
        """
        stored = self._outbox.append(drafts, (device, state))
        epoch = EpochId(stored.epoch)
        return [
            RowRef(gateway=self._gateway, epoch=epoch, seq=stored.first_seq + offset)
            for offset in range(stored.count)
        ]

    def recall(self, device: str) -> bytes | None:
        """Give the last stored state of a scanner.

        Args:
            device: The scanner.

        Returns:
            What ``commit`` stored; None if it never did.
        """
        return self._outbox.recall(device)
