"""From what handhelds recorded to claims and tasks: picked, undone, short; each once."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple, TypeVar

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.allocation import store
from cloud.allocation.domain import AllocationError, ClaimKind, LineName
from cloud.allocation.sending import tell_of
from cloud.allocation.serving import serve_again
from cloud.allocation.store import NewClaim, OpenClaim
from cloud.allocation.taking_back import end_tasks
from cloud.db import Connection, DataError, IntegrityError
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

JOB: Final = Actor("job:allocation", frozenset({Role.DEVICE}), all_sites=True)
"""Who keeps claims true when nobody is asked to."""
SHORT_PICK: Final = "short_pick"
REFUSED: Final = "task_record_refused"
_AT_ONCE: Final = 2_000
"""Ledger entries of one round."""


_Told = TypeVar("_Told")


class Fact(NamedTuple):
    """What a record says of a task's line."""

    site: str
    task: str
    number: int
    kind: str
    item_id: int
    quantity: Decimal
    from_cell: int | None
    to_cell: int | None
    gateway_id: int
    epoch: int
    seq: int
    occurred_at: datetime
    actor: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class TaskLineRow:
    """A line of a task, and what became of it so far."""

    task: str
    number: int
    site: str
    type: str | None
    id: str | None
    line: str | None
    item_id: int
    item: str
    cell_id: int
    from_location: str
    to_location: str
    quantity: Decimal
    picked: Decimal
    short: Decimal
    open: Decimal
    lot: str | None
    wave_id: int | None
    gateway: str
    kind: str
    ended_because: str | None

    @property
    def name(self) -> LineName | None:
        """For whom it is picked; None: to fill up a pick face."""
        if self.type is None or self.id is None or self.line is None:
            return None
        return LineName(self.type, self.id, self.line)


@dataclass(slots=True)
class _Round:
    told: Counter[str] = field(default_factory=Counter)
    tasks: set[str] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)
    """Tasks of which something was taken back: their gateways must hear of it, whoever did it."""
    shorts: list[tuple[TaskLineRow, Fact]] = field(default_factory=list)


def follow(conn: Connection, actor: Actor, *, now: datetime) -> dict[str, int]:
    """Tell claims and tasks what records have said since the last round.

    A pick moves a line's claim from its bin to where the goods were put, whatever bin they came from; what
    goes beyond the claim is claimed too. An undone pick is claimed where it lies again. A short one ends the
    claim of the remainder, which is served from elsewhere if anything is there, and raises a ticket.

    Args:
        conn: In a transaction that the caller commits.
        actor: A job with all sites.
        now: The present.

    Returns:
        How many lines were ``picked``, ``undone`` and ``short``.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    ((above, head, has_tasks),) = store.tuples(conn, "begin_following")
    up_to = min(head, above + _AT_ONCE) if has_tasks else head
    facts = store.rows(conn, Fact, "facts", above=above, up_to=up_to) if has_tasks else []
    _lock(conn, facts)
    done = _Round()
    for fact in facts:
        _refusing(conn, fact, partial(_apply, conn, actor.id, fact, done))
    changed = end_tasks(conn, done.tasks) | done.undone
    store.change(conn, "followed", position=up_to)
    for line, fact in done.shorts:
        again = _refusing(conn, fact, partial(_serve_short, conn, actor.id, line, fact, now))
        changed |= {line.task, *(again or ())}
    tell_of(conn, changed, sent_by=actor.id, now=now)
    return {kind: done.told[kind] for kind in ("picked", "undone", "short")}


def _refusing(conn: Connection, fact: Fact, tell: Callable[[], _Told]) -> _Told | None:
    """Tell a fact whole or not at all; one that claims cannot follow raises a ticket and is passed by."""
    try:
        with conn.transaction():
            return tell()
    except (AllocationError, ArithmeticError, DataError, IntegrityError) as error:
        alerts.notice(conn, [_refused(fact, error)])
    return None


def _lock(conn: Connection, facts: Sequence[Fact]) -> None:
    items: defaultdict[str, set[int]] = defaultdict(set)
    for fact in facts:
        items[fact.site].add(fact.item_id)
    for site in sorted(items):
        store.lock_items(conn, site, sorted(items[site]))


def _apply(conn: Connection, by: str, fact: Fact, done: _Round) -> None:
    (line,) = store.rows(conn, TaskLineRow, "task_line", task=fact.task, number=fact.number)
    quantity = max(line.open, Decimal(0)) if fact.kind == "short" else fact.quantity
    if not _is_new(conn, fact, line, quantity):
        return
    if line.name is not None:
        claims = store.rows(conn, OpenClaim, "claims_of_task_line", task=fact.task, number=fact.number)
        if fact.kind == "picked":
            _picked(conn, by, fact, line.name, claims)
        elif fact.kind == "undone":
            _undone(conn, by, fact, line, claims)
        else:
            hard = [each.allocation_id for each in claims if each.kind == ClaimKind.HARD]
            store.end_claims(conn, hard, by, "short")
    done.told[fact.kind] += 1
    done.tasks.add(fact.task)
    if fact.kind == "undone":
        done.undone.add(fact.task)
    if fact.kind == "short":
        done.shorts.append((line, fact))


def _is_new(conn: Connection, fact: Fact, line: TaskLineRow, quantity: Decimal) -> bool:
    added = store.change(
        conn,
        "add_fact",
        task=fact.task,
        number=fact.number,
        site=fact.site,
        kind=fact.kind,
        quantity=quantity,
        cell_id=line.cell_id if fact.kind == "short" else fact.from_cell,
        gateway_id=fact.gateway_id,
        epoch=fact.epoch,
        seq=fact.seq,
        occurred_at=fact.occurred_at,
        actor=fact.actor,
        reason=fact.reason,
    )
    return bool(added)


def _picked(conn: Connection, by: str, fact: Fact, name: LineName, claims: Sequence[OpenClaim]) -> None:
    hard = [each for each in claims if each.kind == ClaimKind.HARD]
    made, left = _moved_on(hard, fact, ClaimKind.PICKED)
    if left > 0:
        day = claims[0].needed_on if claims else fact.occurred_at.date()
        surplus = NewClaim(
            name,
            fact.item_id,
            ClaimKind.PICKED,
            fact.to_cell,
            left,
            day,
            {"rule": "beyond_claim"},
            fact.task,
            fact.number,
        )
        made.append(surplus)
    _replace(conn, by, fact, hard, made, because="picked")


def _undone(conn: Connection, by: str, fact: Fact, line: TaskLineRow, claims: Sequence[OpenClaim]) -> None:
    """Claim where they lie again what was picked, and no more than that."""
    picked = [each for each in claims if each.kind == ClaimKind.PICKED]
    made, _ = _moved_on(picked, fact, ClaimKind.HARD)
    if line.ended_because == "expired":
        made = [
            replace(each, task=None, task_line=None) if each.kind is ClaimKind.HARD else each for each in made
        ]
    _replace(conn, by, fact, picked, made, because="undone")


def _moved_on(held: Sequence[OpenClaim], fact: Fact, kind: ClaimKind) -> tuple[list[NewClaim], Decimal]:
    """Split claims: what goes on to the fact's cell as another kind, what stays, and what had no claim."""
    left, made = fact.quantity, list[NewClaim]()
    for each in held:
        taken = min(left, each.quantity)
        parts = ((taken, kind, fact.to_cell), (each.quantity - taken, each.kind, each.cell_id))
        made += [
            each.going_on(quantity, ClaimKind(part_kind), cell_id)
            for quantity, part_kind, cell_id in parts
            if quantity > 0 and taken > 0
        ]
        left -= taken
    return made, left


def _replace(
    conn: Connection,
    by: str,
    fact: Fact,
    held: Sequence[OpenClaim],
    made: Sequence[NewClaim],
    *,
    because: str,
) -> None:
    replaced = {each.comes_from for each in made}
    gone = [each.allocation_id for each in held if each.allocation_id in replaced]
    store.end_claims(conn, gone, by, because)
    store.add_claims(conn, fact.site, made, by)


def _serve_short(conn: Connection, by: str, line: TaskLineRow, fact: Fact, now: datetime) -> set[str]:
    """Serve the remainder of a line from elsewhere, and tell people of the place; gives new tasks."""
    tasks, short = set[str](), line.open
    if line.name is not None:
        again = serve_again(
            conn,
            site=line.site,
            names=[line.name],
            gateway=line.gateway,
            to_location=line.to_location,
            wave=line.wave_id,
            by=by,
            now=now,
        )
        tasks, short = set(again.tasks), again.short
    alerts.notice(conn, [_notice(line, fact, short)])
    return tasks


def _refused(fact: Fact, error: Exception) -> Notice:
    record = f"{fact.gateway_id}/{fact.epoch}/{fact.seq}"
    met = " ".join(str(error).split())
    summary = (
        f"Task {fact.task} line {fact.number}: record {record} says {fact.kind} of {_plain(fact.quantity)},"
        f" which claims cannot follow ({type(error).__name__}: {met}); passed by: see to it by hand"
    )
    detail: dict[str, JsonValue] = {
        "task": fact.task,
        "line": fact.number,
        "record": record,
        "quantity": _plain(fact.quantity),
        "error": f"{type(error).__name__}: {met}",
        "page_url": f"/picking/tasks/{fact.task}",
    }
    return Notice(f"{REFUSED}:{record}", REFUSED, Severity.WARNING, summary, site=fact.site, detail=detail)


def _notice(line: TaskLineRow, fact: Fact, uncovered: Decimal) -> Notice:
    lot = f" lot {line.lot}" if line.lot else ""
    rest = "all of it is taken elsewhere" if uncovered <= 0 else f"{_plain(uncovered)} of it is nowhere else"
    whose = f" for {line.name}" if line.name else ""
    summary = (
        f"{line.from_location}: {_plain(line.open)} of {line.item}{lot} not found{whose}"
        f" ({fact.reason or 'no reason given'}); {rest}: count the place"
    )
    detail: dict[str, JsonValue] = {
        "task": line.task,
        "line": line.number,
        "item": line.item,
        "location": line.from_location,
        "lot": line.lot,
        "short": _plain(line.open),
        "uncovered": _plain(uncovered),
        "reason": fact.reason,
        "by": fact.actor,
        "page_url": f"/picking/tasks/{line.task}",
    }
    key = f"{SHORT_PICK}:{line.task}:{line.number}"
    return Notice(key, SHORT_PICK, Severity.WARNING, summary, site=line.site, detail=detail)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
