"""Workers, their sites and what they hold, in the database."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

from psycopg import Connection
from psycopg.types.json import Jsonb

from cloud.db import statements
from cloud.ingest.workers.leases import balance
from contracts.base import epoch_to_int

SQL: Final = statements("cloud.ingest.workers")

TERM: Final = timedelta(seconds=5)
"""A worker that has not renewed for so long is dead, or as good as dead."""

TERM_BESIDE: Final = timedelta(seconds=60)
"""Of who works on one batch and renews nothing; a posting takes far less."""

ELSEWHERE: Final = "+"
"""Leased like a site: gateways that connect but belong to no site of ours."""

KEEPER_PREFIX: Final = "dockledger-keeper "
"""How the application name of a keeper's connection begins; the worker's id follows."""

_TURN_LOCK: Final = 0x646F636B_0050


def application_name(worker: str) -> str:
    """Name a worker's posting connection, so that its successor can end it.

    Args:
        worker: The worker's id.

    Returns:
        At most 63 characters.
    """
    return f"dockledger-ingest {worker}"


class Message(NamedTuple):
    """A message from the cloud to a gateway, not yet published."""

    message_id: int
    gateway: str
    site: str
    channel: str
    revision: int
    payload: dict[str, Any]


class EpochState(NamedTuple):
    """How far the ledger is, and one epoch in it."""

    contiguous_no: int | None
    contiguous_sha256: str | None
    ledger_id: str
    position: int


def renew(conn: Connection, worker: str, metrics: Sequence[dict[str, object]]) -> frozenset[str]:
    """Stay alive for another term, bury the dead, and share the sites out again.

    A worker without its keeper's connection loses its sites at once; after its term it counts as dead. The
    dead are fenced: their connections are ended, so that one that was only stopped holds no lock and
    can commit nothing more, and what they held at that moment is suspected of having killed them.

    Args:
        conn: A connection inside a transaction.
        worker: Who renews.
        metrics: Its counters, for whoever asks.

    Returns:
        The sites that this worker serves from now on.
    """
    conn.execute(SQL["take_turn"], {"lock": _TURN_LOCK})
    conn.execute(SQL["stay_alive"], {"worker": worker, "term": TERM, "metrics": Jsonb(list(metrics))})
    dead = [str(row[0]) for row in conn.execute(SQL["bury"]).fetchall()]
    if dead:
        conn.execute(SQL["fence"], {"application_names": list(map(application_name, dead))})
        conn.execute(SQL["blame"], {"workers": dead})
    asked = {"worker": worker, "keeper_prefix": KEEPER_PREFIX}
    living = [str(row[0]) for row in conn.execute(SQL["living"], asked).fetchall()]
    sites = [ELSEWHERE, *(str(row[0]) for row in conn.execute(SQL["sites"]).fetchall())]
    held = {str(site): str(holder) for site, holder in conn.execute(SQL["leases"]).fetchall()}
    shares = balance(sites, living, held)
    for site in sorted(shares):
        if held.get(site) != shares[site]:
            conn.execute(SQL["lease"], {"site": site, "worker": shares[site]})
    return frozenset(site for site, holder in shares.items() if holder == worker)


def leave(conn: Connection, worker: str) -> None:
    """Hand everything over at once, as at an orderly stop.

    Args:
        conn: A connection inside a transaction.
        worker: Who leaves.
    """
    conn.execute(SQL["leave"], {"worker": worker})


def suspects(conn: Connection) -> dict[str, int]:
    """List batches that were in the hands of a worker when it died.

    Args:
        conn: A connection.

    Returns:
        How often, by sha256.
    """
    return {str(sha256): int(deaths) for sha256, deaths in conn.execute(SQL["suspects"]).fetchall()}


def deaths(conn: Connection, sha256: str) -> int:
    """Count the processes that died with one batch in their hands.

    Args:
        conn: A connection.
        sha256: The batch.

    Returns:
        How many.
    """
    row = conn.execute(SQL["deaths"], {"sha256": sha256}).fetchone()
    return 0 if row is None else int(row[0])


def take_up_beside(conn: Connection, worker: str, sha256: str) -> None:
    """Note that somebody who serves no site works on a batch: who does not leave in time, died of it.

    Args:
        conn: A connection inside a transaction of its own.
        worker: Who works.
        sha256: What on.
    """
    conn.execute(SQL["stay_alive"], {"worker": worker, "term": TERM_BESIDE, "metrics": Jsonb([])})
    take_up(conn, worker, [sha256])


def take_up(conn: Connection, worker: str, sha256s: Iterable[str]) -> None:
    """Note, before it begins, what a worker is about to work on.

    Args:
        conn: A connection inside a transaction of its own.
        worker: Who works.
        sha256s: What on.
    """
    conn.execute("SET LOCAL synchronous_commit = off")
    conn.execute(SQL["take_up"], {"worker": worker, "sha256s": list(sha256s)})


def put_down(conn: Connection, worker: str, acquitted: Sequence[str]) -> None:
    """Note, in the posting transaction, that the work is done and what was suspected is harmless.

    Args:
        conn: A connection inside the posting transaction.
        worker: Who worked.
        acquitted: Suspects that were posted or quarantined.
    """
    conn.execute(SQL["put_down"], {"worker": worker})
    if acquitted:
        acquit(conn, acquitted)


def acquit(conn: Connection, sha256s: Sequence[str]) -> None:
    """Forget who died with batches in hand that proved harmless.

    Args:
        conn: A connection inside the posting transaction.
        sha256s: Batches that were posted or quarantined.
    """
    conn.execute(SQL["acquit"], {"sha256s": list(sha256s)})


def due_messages(conn: Connection, sites: Iterable[str]) -> list[Message]:
    """List messages to gateways of some sites that are not published yet, oldest first.

    Args:
        conn: A connection.
        sites: Whose gateways.

    Returns:
        At most 100.
    """
    rows = conn.execute(SQL["due_messages"], {"sites": list(sites)}).fetchall()
    return [Message(*row) for row in rows]


def last_messages(
    conn: Connection, gateway_id: int, *, channels: Iterable[str]
) -> list[tuple[str, dict[str, Any]]]:
    """Read what was said last to a gateway.

    Args:
        conn: A connection.
        gateway_id: To whom.
        channels: On which channels.

    Returns:
        The last payload of each channel that has one, by channel.
    """
    asked = {"gateway_id": gateway_id, "channels": list(channels)}
    return [(str(channel), payload) for channel, payload in conn.execute(SQL["last_messages"], asked)]


def mark_published(conn: Connection, message_ids: Sequence[int]) -> None:
    """Note which messages the broker has accepted.

    Args:
        conn: A connection inside a transaction.
        message_ids: Which.
    """
    conn.execute(SQL["published"], {"message_ids": list(message_ids)})


def epoch_state(conn: Connection, gateway: str, epoch: str) -> EpochState:
    """Ask how far one epoch is in the ledger.

    Args:
        conn: A connection.
        gateway: A registered gateway.
        epoch: Its epoch; one never heard of has no contiguous batch.

    Returns:
        The state.
    """
    asked = {"gateway": gateway, "epoch": epoch_to_int(epoch)}
    (row,) = conn.execute(SQL["epoch_state"], asked).fetchall()
    return EpochState(*row)
