"""Batches and statements in, one list of entries with resolved identities out; pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from cloud.ledger.domain import (
    AcceptedBatch,
    CloudStatement,
    EffectiveRow,
    NotPostableError,
    UnknownGatewayError,
)
from contracts.base import EpochId, GatewayId, epoch_to_int
from contracts.records import RowRef

CLOUD_GATEWAY: Final = GatewayId("_cloud")
CLOUD_EPOCH: Final = EpochId("0" * 16)

Gateways = Mapping[str, tuple[int, str | None]]
"""gateway_id and site by gateway name."""


class Entry(NamedTuple):
    """One row to store: who stated it, under which identity, at which site."""

    gateway_id: int
    epoch: int
    seq: int
    site: str
    row: EffectiveRow
    batch: int | None
    """Index of its batch in the posting; None for a statement."""


def named_gateways(batches: Sequence[AcceptedBatch], statements: Sequence[CloudStatement]) -> set[str]:
    """List every gateway that a posting names.

    Args:
        batches: Of the posting.
        statements: Of the posting.

    Returns:
        Gateway names: senders, origins, and those of reversed rows.
    """
    names: set[str] = {CLOUD_GATEWAY, *(batch.header.gateway for batch in batches)}
    names |= {statement.origin.gateway for statement in statements if statement.origin}
    rows = [row for batch in batches for row in batch.rows] + [statement.row for statement in statements]
    names |= {
        row.record.reverses.gateway for row in rows if row.record.kind == "movement" and row.record.reverses
    }
    return names


def entries_of_batches(batches: Sequence[AcceptedBatch], gateways: Gateways) -> Iterator[Entry]:
    """Give each row of the batches its identity.

    Args:
        batches: Of the posting.
        gateways: Those registered.

    Yields:
        An entry per row.

    Raises:
        UnknownGatewayError: If a batch's gateway is not registered, or for another site.
    """
    for index, batch in enumerate(batches):
        header = batch.header
        gateway_id, site = gateways.get(header.gateway, (None, None))
        if gateway_id is None or site != header.site:
            known = "not registered" if gateway_id is None else f"registered for site {site!r}"
            raise UnknownGatewayError(
                f"batch {header.batch_no} is from {header.site}/{header.gateway}: {known}"
            )
        epoch = epoch_to_int(header.epoch)
        for row in batch.rows:
            yield Entry(gateway_id, epoch, row.record.seq, header.site, row, index)


def references(statements: Sequence[CloudStatement], seqs: Iterator[int]) -> tuple[RowRef, ...]:
    """Give each statement an identity: its origin's, or one of the cloud's own.

    Args:
        statements: Of the posting.
        seqs: Unused numbers of the cloud's sequence, at least one per statement without an origin.

    Returns:
        One reference per statement.
    """
    return tuple(
        statement.origin or RowRef(gateway=CLOUD_GATEWAY, epoch=CLOUD_EPOCH, seq=next(seqs))
        for statement in statements
    )


def entries_of_statements(
    statements: Sequence[CloudStatement], refs: Sequence[RowRef], gateways: Gateways
) -> Iterator[Entry]:
    """Turn statements into entries.

    Args:
        statements: Of the posting.
        refs: Their identities, in the same order.
        gateways: Those registered.

    Yields:
        An entry per statement.

    Raises:
        NotPostableError: If an origin's gateway is not registered.
    """
    for statement, ref in zip(statements, refs, strict=True):
        if ref.gateway not in gateways:
            raise NotPostableError(f"origin {ref.gateway!r} is not a registered gateway")
        yield Entry(
            gateways[ref.gateway][0], epoch_to_int(ref.epoch), ref.seq, statement.site, statement.row, None
        )
