"""Decisions that wait at a site, and people who may or may not answer them, behind served pages."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from cloud.db import ConnectionPool
from cloud.decisions import reading, service
from cloud.decisions.domain import Decision, Draft
from cloud.identity import service as identity
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant, actor_of
from cloud.identity.gate import Gate
from cloud.master.store import add_site

SITE = "leeds"
ROOT = Actor("system:test", frozenset({Role.ADMIN}), all_sites=True)
PEOPLE = {
    "ada": ["inventory_controller@leeds", "approver@leeds"],
    "bob": ["approver@leeds"],
    "kim": ["operator@leeds"],
}


def wanted(subject: str, **changes: Any) -> Draft:
    content = {
        "kind": "count_adjustment",
        "site": SITE,
        "subject": subject,
        "reason": "count_variance",
        "effect": {
            "summary": "Write off 10 each of TEA-500 at A-01-1",
            "item": "TEA-500",
            "location": "A-01-1",
            "book": "200",
            "counted": "190",
            "difference": "-10",
        },
        "evidence": {
            "count": "dock-l1/00000000000000aa/17",
            "variance_url": "/variances?site=leeds",
            "counted_by": "kim",
            "observed_at": "2026-03-02T13:12:07+00:00",
            "movements_within_uncertainty": [
                {"occurred_at": "2026-03-02T13:12:01+00:00", "quantity": "2", "from": "A-01-1", "to": "PACK"},
                {"occurred_at": "2026-03-02T13:12:09+00:00", "quantity": "1", "from": "A-01-1", "to": "PACK"},
            ],
        },
        "inputs": {"as_of_position": 1204, "complete_until": "2026-03-02T13:20:00+00:00"},
        "parameters": {"tolerance": {"quantity": "2", "percent": "1", "value": None}, "zero_book_rule": True},
        "value": Decimal("-52.30"),
        "currency": "GBP",
        "item": "TEA-500",
    }
    return Draft(**(content | changes))


@dataclass
class Desk:
    """Where the pages are, what waits, and a way in for each person."""

    url: str
    gate: Gate
    actors: dict[str, Actor] = field(default_factory=dict)

    def login_link(self, name: str) -> str:
        with self.gate.pool.connection() as conn:
            token = identity.make_login_link(conn, ROOT, name=name, now=self.gate.clock())
        return f"{self.url}/login/link?token={token}"

    def ask(self, subject: str, *, by: str = "ada", **changes: Any) -> Decision:
        with self.gate.pool.connection() as conn:
            drafted = service.draft(conn, self.actors[by], wanted(subject, **changes))
            return service.submit(conn, self.actors[by], drafted.decision_id)

    def change(self, decision: Decision, **effect: str) -> Decision:
        with self.gate.pool.connection() as conn:
            return service.revise(
                conn,
                service.MACHINE,
                decision.decision_id,
                effect={**decision.effect, **effect},
                value=Decimal("-73.22"),
                why="A movement of 4 arrived late, so that the book at the count was 204",
            )

    def reject(self, decision: Decision, *, by: str) -> None:
        with self.gate.pool.connection() as conn:
            service.reject(conn, self.actors[by], decision.decision_id, decision.revision, reason="duplicate")

    def find(self, decision: Decision) -> Decision:
        with self.gate.pool.connection() as conn:
            found = reading.find(conn, self.actors["bob"], decision.decision_id)
        assert found is not None
        return found


def set_up(pool: ConnectionPool, url: str, gate: Gate) -> Desk:
    desk = Desk(url, gate)
    with pool.connection() as conn:
        add_site(conn, SITE, name="Leeds", time_zone="Europe/London", currency="GBP")
        for name, grants in PEOPLE.items():
            parsed = [Grant.parse(grant) for grant in grants]
            identity.add_user(conn, ROOT, name=name, password=None, grants=parsed)
            desk.actors[name] = actor_of(f"user:{name}", parsed)
    return desk


def now() -> datetime:
    return datetime.now(UTC)
