"""What went to quarantine in, the ticket a person should read out."""

from typing import Final

from cloud.alerts.domain import Notice, Severity
from cloud.ingest.arrival import Unpostable

_SUMMARIES: Final = {
    "conflict": "Gateway {gateway} has a twin: two branches of one epoch; one is in the ledger",
    "forged": "A batch on topic {topic} names another gateway",
    "unregistered": "Gateway {gateway} sends batches but is not registered",
    "retired": "Gateway {gateway} is retired but sends batches",
    "wrong_site": "Gateway {gateway} sends from a site where it is not registered",
    "schema_too_new": "Gateway {gateway} speaks a newer schema than this release reads",
    "schema_too_old": "Gateway {gateway} speaks a schema that this release no longer reads",
    "crashed_worker": "A batch of gateway {gateway} ended an ingest process three times",
}
_CRITICAL: Final = frozenset({"conflict", "forged", "wrong_site", "crashed_worker"})


def notice_of(held: Unpostable) -> Notice:
    """Describe a publish in quarantine.

    Args:
        held: What went there.

    Returns:
        A notice; publishes of one gateway held for one reason share a ticket.
    """
    gateway = held.claim.gateway if held.claim else None
    summary = _SUMMARIES.get(held.reason, "A batch on topic {topic} is in quarantine: {reason}")
    return Notice(
        dedup_key=f"quarantine:{held.reason}:{gateway or held.delivery.topic}",
        kind=held.reason,
        severity=Severity.CRITICAL if held.reason in _CRITICAL else Severity.WARNING,
        summary=summary.format(gateway=gateway, topic=held.delivery.topic, reason=held.reason),
        site=held.site,
        detail={
            "topic": held.delivery.topic,
            "message": held.message,
            "epoch": held.claim.epoch if held.claim else None,
            "batch_no": held.claim.batch_no if held.claim else None,
            "sha256": held.sha256,
        },
    )
