"""A database with two sites at which people decide; short names for who they are and what they want."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

from cloud.approvals import service as approvals
from cloud.db import Connection, ConnectionPool
from cloud.decisions import reading, service
from cloud.decisions.domain import Applied, Changed, Decision, DecisionError, Draft, State
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant, actor_of
from cloud.identity.store import act_as
from cloud.master.store import add_site

T = TypeVar("T")

LEEDS, MADRID = "leeds", "madrid"


def person(name: str, *grants: str) -> Actor:
    return actor_of(f"user:{name}", [Grant.parse(grant) for grant in grants])


ADA = person("ada", "inventory_controller@leeds", "approver@leeds")
BOB = person("bob", "approver@leeds")
CAT = person("cat", "supervisor@leeds")
DAN = person("dan", "approver@madrid")
EVE = person("eve", "approver", "auditor")
ROOT = person("root", "admin")
JOB = Actor("job:counting", frozenset({Role.DEVICE}), all_sites=True)


def wanted(subject: str = "variance/1", **changes: Any) -> Draft:
    """Want ten cases of tea to be written off."""
    paper = Draft(
        kind="count_adjustment",
        site=LEEDS,
        subject=subject,
        reason="count_variance",
        effect={"cell_id": 7, "counted": "90"},
        evidence={"count": "gw-1/aa/3"},
        inputs={"as_of_position": 12},
        parameters={"tolerance": "2 %"},
        value=Decimal(-50),
        currency="GBP",
        item="TEA",
    )
    return replace(paper, **changes)


@dataclass
class Shelf:
    """A carrier whose world may have changed, that remembers what it did."""

    kind: str = "count_adjustment"
    now: Changed | None = None
    done: list[int] = field(default_factory=list)
    undone: list[int] = field(default_factory=list)
    may_undo: bool = True

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        assert decision.state is State.APPROVED
        if self.now is not None and self.now.effect != decision.effect:
            return self.now
        self.done.append(decision.decision_id)
        return Applied({"position": 99})

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> dict[str, Any]:
        if not self.may_undo:
            raise DecisionError("a later count stands; count again instead")
        self.undone.append(decision.decision_id)
        return {"position": 100}


@dataclass
class Desk:
    """Commands of people, each in a transaction of its own."""

    pool: ConnectionPool
    shelf: Shelf = field(default_factory=Shelf)

    def run(self, work: Callable[[Connection], T]) -> T:
        with self.pool.connection() as conn:
            return work(conn)

    def submitted(self, paper: Draft | None = None, actor: Actor = ADA) -> Decision:
        def work(conn: Connection) -> Decision:
            drafted = service.draft(conn, actor, paper or wanted())
            return service.submit(conn, actor, drafted.decision_id)

        return self.run(work)

    def approve(self, actor: Actor, decision: Decision) -> Decision:
        return self.run(lambda conn: service.approve(conn, actor, decision.decision_id, decision.revision))

    def apply(self, actor: Actor, decision: Decision) -> Decision:
        return self.run(
            lambda conn: approvals.approve_and_apply(
                conn, actor, decision.decision_id, decision.revision, carriers={self.shelf.kind: self.shelf}
            )
        )

    def reject(
        self, actor: Actor, decision: Decision, reason: str = "not_plausible", note: str = ""
    ) -> Decision:
        return self.run(
            lambda conn: service.reject(
                conn, actor, decision.decision_id, decision.revision, reason=reason, note=note
            )
        )

    def reverse(self, actor: Actor, decision: Decision, reason: str = "approved_in_error") -> Decision:
        return self.run(
            lambda conn: approvals.reverse(
                conn,
                actor,
                decision.decision_id,
                decision.revision,
                reason=reason,
                carriers={self.shelf.kind: self.shelf},
            )
        )

    def find(self, decision_id: int, actor: Actor = EVE) -> Decision:
        found = self.run(lambda conn: reading.find(conn, actor, decision_id))
        assert found is not None
        return found

    def path(self, decision_id: int) -> list[tuple[str, str]]:
        """Who brought the decision to which state, in order."""
        steps = self.run(lambda conn: reading.steps(conn, EVE, decision_id))
        return [(step.actor, step.to_state.value) for step in steps]

    def ask(self, question: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Ask the database itself, as somebody who sees every site."""

        def work(conn: Connection) -> list[tuple[Any, ...]]:
            act_as(conn, EVE)
            return conn.execute(question, arguments).fetchall()

        return self.run(work)

    def audited(self, decision_id: int) -> list[tuple[str, str]]:
        """Who did what with a decision, as the audit chain tells; each step names its link."""
        links = self.ask(
            "SELECT a.actor, a.action FROM decision_step s JOIN audit_event a ON a.audit_id = s.audit_id "
            "WHERE s.decision_id = %s AND a.target = 'decision:' || s.decision_id ORDER BY s.step",
            decision_id,
        )
        return [(str(actor), str(action)) for actor, action in links]


def open_desk(pool: ConnectionPool) -> None:
    """Make the sites at which people decide."""
    with pool.connection() as conn:
        add_site(conn, LEEDS, name="Leeds", time_zone="Europe/London", currency="GBP")
        add_site(conn, MADRID, name="Madrid", time_zone="Europe/Madrid", currency="EUR")
