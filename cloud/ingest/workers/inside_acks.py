"""What reaches a gateway inside an acknowledgement: which batches to send again, which forks are settled."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from cloud.db import Connection
from cloud.ingest.quarantine.store import SETTLED_CHANNEL, settled_forks
from cloud.ingest.workers import store
from contracts.base import NO_PREDECESSOR, EpochId, GatewayId
from contracts.feedback import Ack, BatchAck, Resend

RESEND_CHANNEL: Final = "resend"
"""A message on this channel of `gateway_message` asks for batches once more."""
ASKS_FOR: Final = timedelta(days=7)
"""How long a gateway that cannot be heard by the broker is asked for them."""
LIMIT: Final = 10
"""Acknowledgements of this kind that a gateway over HTTPS is given at once, the last ones first."""


def said_inside(conn: Connection, *, gateway: str, channel: str, payload: Mapping[str, Any]) -> Ack | None:
    """Spell a message as the acknowledgement that carries it.

    Args:
        conn: A connection.
        gateway: To whom.
        channel: Of the message.
        payload: Of the message.

    Returns:
        An ack of the epoch that the message names; None for a message that goes out as it is.
    """
    resend: tuple[Resend, ...] = ()
    extra: tuple[BatchAck, ...] = ()
    if channel == RESEND_CHANNEL:
        resend = (Resend.model_validate(payload),)
    elif channel == SETTLED_CHANNEL:
        extra = settled_forks(conn, gateway, payload["epoch"])
    else:
        return None
    epoch = EpochId(payload["epoch"])
    state = store.epoch_state(conn, gateway, epoch)
    return Ack(
        ledger_id=state.ledger_id,
        gateway=GatewayId(gateway),
        epoch=epoch,
        position=state.position,
        contiguous_no=state.contiguous_no or 0,
        contiguous_sha256=state.contiguous_sha256 or NO_PREDECESSOR,
        extra=extra,
        resend=resend,
    )


def all_said_inside(conn: Connection, *, gateway: str, gateway_id: int) -> list[Ack]:
    """Give what a gateway should have heard inside acknowledgements, for one that hears no broker.

    Args:
        conn: A connection.
        gateway: To whom.
        gateway_id: The same.

    Returns:
        At most `LIMIT` acks; the same ones again as long as they hold.
    """
    asked = {"gateway_id": gateway_id, "settled": SETTLED_CHANNEL, "resend": RESEND_CHANNEL}
    rows = conn.execute(store.SQL["asked_inside_acks"], {**asked, "asks_for": ASKS_FOR, "limit": LIMIT})
    acks = [
        said_inside(conn, gateway=gateway, channel=channel, payload=payload)
        for channel, payload in rows.fetchall()
    ]
    return [ack for ack in acks if ack is not None]
