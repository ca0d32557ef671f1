"""What gateways say of themselves: status, health and reported configuration in, presence and tickets out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic import JsonValue, TypeAdapter

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection
from cloud.gateways import service as configs
from cloud.ingest.arrival import Delivery
from cloud.ingest.presence import store
from cloud.ingest.store import Gateway, gateways
from contracts.gateway import ConfigOutcome, Health, Presence, ReportedConfig, Status
from contracts.topics import Address, Channel, parse_topic

SILENCE: Final = timedelta(seconds=60)
"""An active gateway not heard for so long is silent; it sends a heartbeat every 10 s."""

BACKLOG: Final = timedelta(seconds=60)
"""Unacknowledged rows older than this are worth a ticket (FAULTS F5)."""

Statement = Status | Health | ReportedConfig
_ADAPTERS: Final[dict[Channel, TypeAdapter[Statement]]] = {
    Channel.STATUS: TypeAdapter(Status),
    Channel.HEALTH: TypeAdapter(Health),
    Channel.CONFIG_REPORTED: TypeAdapter(ReportedConfig),
}


@dataclass(frozen=True, slots=True)
class Heard:
    """A valid statement of a gateway about itself."""

    delivery: Delivery
    address: Address
    statement: Statement


def read(delivery: Delivery) -> Heard | None:
    """Take a gateway's statement about itself apart.

    Args:
        delivery: As the broker gave it.

    Returns:
        The statement; None if it is not readable or names another gateway than its topic.
    """
    try:
        address = parse_topic(delivery.topic)
        statement = _ADAPTERS[address.channel].validate_json(delivery.payload)
    except (ValueError, KeyError):
        return None
    if not isinstance(statement, ReportedConfig) and (statement.site, statement.gateway) != (
        address.site,
        address.gateway,
    ):
        return None
    return Heard(delivery, address, statement)


def record(conn: Connection, heard: Sequence[Heard]) -> None:
    """Note presence, health and completeness, and open or close the tickets about them.

    Args:
        conn: A connection inside a transaction.
        heard: Statements in order of arrival; of each gateway and kind the last one counts.
    """
    known = gateways(conn, {each.address.gateway for each in heard})
    last = {(each.address.gateway, type(each.statement)): each for each in heard}
    notices: list[Notice] = []
    resolved: list[str] = []
    for (name, _), each in sorted(last.items(), key=lambda entry: entry[0][0]):
        gateway = known.get(name)
        if (
            gateway is None
            or gateway.state in {"retired", "unregistered"}
            or gateway.site != each.address.site
        ):
            notices.append(_stranger(each.address))
            continue
        received_at = each.delivery.received_at
        if isinstance(each.statement, ReportedConfig):
            configs.hear(conn, gateway.gateway_id, each.statement, heard_at=received_at)
        else:
            store.hear(conn, gateway.gateway_id, received_at, each.statement)
        wrong, right = _assess(gateway, each.statement)
        notices += wrong
        resolved += right
    alerts.resolve(conn, resolved)
    alerts.notice(conn, notices)


def watch_silence(conn: Connection) -> None:
    """Open tickets for active gateways that have gone silent; hearing from one closes its ticket.

    Args:
        conn: A connection inside a transaction.
    """
    alerts.notice(
        conn,
        [
            Notice(
                f"silent:{name}",
                "gateway_silent",
                Severity.WARNING,
                f"Gateway {name} is silent",
                site=site,
                detail={"heard_at": heard_at.isoformat()},
            )
            for name, site, heard_at in store.silent_gateways(conn, SILENCE)
        ],
    )


def _assess(gateway: Gateway, statement: Statement) -> tuple[list[Notice], list[str]]:
    """Compare what a gateway says with how it should be.

    Returns:
        What is wrong, and the keys of what is right.
    """
    detail: dict[str, JsonValue] = {}
    if isinstance(statement, Status):
        findings = {"offline": statement.presence is Presence.OFFLINE}
    elif isinstance(statement, Health):
        findings = {
            "backlog": statement.outbox.oldest_unacked_age_s > BACKLOG.total_seconds(),
            "full": statement.outbox.is_full,
            "clock": not statement.clock.ok,
            "detour": statement.is_on_detour,
            "silent": False,
        }
    else:
        findings = {"config": statement.outcome is not ConfigOutcome.APPLIED}
        detail = {"revision": statement.revision, "errors": list(statement.errors)}
    wrong = [
        Notice(
            f"{kind}:{gateway.name}",
            f"gateway_{kind}",
            Severity.CRITICAL if kind == "full" else Severity.WARNING,
            f"Gateway {gateway.name}: {_WORDS[kind]}",
            site=gateway.site,
            detail=detail,
        )
        for kind, is_wrong in findings.items()
        if is_wrong
    ]
    return wrong, [f"{kind}:{gateway.name}" for kind, is_wrong in findings.items() if not is_wrong]


_WORDS: Final = {
    "offline": "offline",
    "backlog": "rows older than a minute are not acknowledged",
    "full": "its outbox is full and refuses scans",
    "clock": "its clock is not synchronised",
    "detour": "its broker cannot be reached: it sends over HTTPS",
    "config": "it did not take its configuration",
}


def _stranger(address: Address) -> Notice:
    return Notice(
        f"stranger:{address.site}/{address.gateway}",
        "gateway_unregistered",
        Severity.WARNING,
        f"Gateway {address.gateway} at site {address.site} is connected but not registered there",
        site=address.site,
    )
