"""A decision as a value: what is to be done, on what grounds, who wants it and who says yes; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from pydantic import JsonValue

from cloud.identity.actor import Actor, NotAllowedError, Role

Json: TypeAlias = Mapping[str, JsonValue]

DRAFTERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.DEVICE,
)
"""Who may ask for something to be decided; a job acts as a device."""
APPROVERS: Final = (
    Role.APPROVER,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.BUYER,
    Role.PLANNER,
    Role.OPERATOR,
)
"""Roles that limits can be given to; without a limit of its own only the first approves anything."""
READERS: Final = (*APPROVERS, Role.AUDITOR)


class State(StrEnum):
    """Where a decision stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    APPLIED = "applied"
    REVERSED = "reversed"


STEPS: Final[Mapping[State, frozenset[State]]] = {
    State.DRAFT: frozenset({State.DRAFT, State.SUBMITTED, State.REJECTED}),
    State.SUBMITTED: frozenset({State.SUBMITTED, State.APPROVED, State.REJECTED}),
    State.APPROVED: frozenset({State.SUBMITTED, State.APPLIED}),
    State.REJECTED: frozenset(),
    State.APPLIED: frozenset({State.SUBMITTED, State.REVERSED}),
    State.REVERSED: frozenset(),
}
"""Which state may follow which; back to submitted, or draft to draft, only with changed content."""

REJECT_REASONS: Final[Mapping[str, str]] = {
    "count_again": "Count again first",
    "not_plausible": "Not plausible",
    "wrong_quantity": "Quantity is wrong",
    "wrong_item": "Item or place is wrong",
    "not_needed": "Not needed",
    "too_expensive": "Costs too much",
    "duplicate": "Decided elsewhere",
    "other": "Another reason (say which)",
}
REVERSE_REASONS: Final[Mapping[str, str]] = {
    "approved_in_error": "Approved in error",
    "facts_changed": "The facts have changed",
    "wrong_quantity": "Quantity was wrong",
    "wrong_item": "Item or place was wrong",
    "other": "Another reason (say which)",
}
MAX_SUBJECT: Final = 400
MAX_NOTE: Final = 2_000
MAX_VALUE: Final = Decimal(10) ** 20
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

WITHDRAWN: Final = "withdrawn"
"""The reason of a decision that whoever asked for it took back."""
CHANGED: Final = "facts_changed"
"""The reason of a step back to submitted: what the decision rests on is not what it was."""


class DecisionError(Exception):
    """A step that cannot be taken; the message names the decision, what was found and what was expected."""


class UnknownDecisionError(DecisionError):
    """The actor's sites hold no such decision."""


class StaleDecisionError(DecisionError):
    """It says something else by now than what the answer was given to."""


class WrongStateError(DecisionError):
    """The step does not follow the state it is in."""


class DifferentDraftError(WrongStateError):
    """Another decision stands on the same subject, with another effect."""


class DraftError(DecisionError, ValueError):
    """A draft, reason or limit is not as it must be."""


class OwnDecisionError(DecisionError, NotAllowedError):
    """Who asked for it, or contributed to it, may not approve it."""


class AboveLimitError(DecisionError, NotAllowedError):
    """It is worth more than any role of the actor's may approve."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to be decided."""

    kind: str
    """Names the carrier: ``count_adjustment``, ``purchase_order``."""
    site: str
    subject: str
    """What it is about, at most one standing decision each: ``variance/…``, ``proposal/…``."""
    reason: str
    """Why, as a stable code: ``count_variance``."""
    effect: Json
    """What will be done, for people and for the carrier."""
    evidence: Json = field(default_factory=dict)
    """What it rests on: ids of rows, pictures, counts."""
    inputs: Json = field(default_factory=dict)
    """What was read to derive it, with its dates."""
    parameters: Json = field(default_factory=dict)
    """Settings that shaped it."""
    value: Decimal | None = None
    """What it is worth, signed; None: unknown, which is above every limit."""
    currency: str | None = None
    item: str | None = None
    """Code of the item against whose limits it counts."""
    author: str | None = None
    """Who wants it, if not the actor: a job drafts for the person whose work it found."""
    contributors: Sequence[str] = ()
    """Others whose work it rests on; they may not approve it as another's either."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as it stands."""

    decision_id: int
    kind: str
    site: str
    subject: str
    item: str | None
    state: State
    revision: int
    """Grows with the content; an answer names the one it was given to."""
    author: str
    contributors: Sequence[str]
    persons: Sequence[str]
    """Behind the author and the contributors, whatever keys they used."""
    reason: str
    note: str
    value: Decimal | None
    currency: str | None
    evidence: Json
    inputs: Json
    parameters: Json
    effect: Json
    approver: str | None
    """Who approved or rejected it."""
    approving_person: str | None
    """The person behind the approver."""
    approved_as: str | None
    """The role whose limit allowed it."""
    verdict_reason: str | None
    """Reason code of the last step: why rejected, reversed or returned."""
    verdict_note: str
    outcome: Json | None
    """What the carrier did; kept when the decision returns to submitted, so that it can do the rest."""
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    applied_at: datetime | None
    reversed_at: datetime | None
    time_zone: str
    """Of the site."""

    @property
    def summary(self) -> str:
        """One sentence for people: the effect's own, or the subject."""
        told = self.effect.get("summary")
        return told if isinstance(told, str) and told else self.subject

    def is_own_of(self, person: str) -> bool:
        """Tell whether somebody asked for it or contributed to it, in a session or by a key.

        Args:
            person: As `Actor.person` names them.

        Returns:
            True if so; their approval is then an approval of their own.
        """
        return person in self.persons


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was taken; never rewritten."""

    step: int
    from_state: State | None
    to_state: State
    revision: int
    actor: str
    acting_as: str | None
    reason: str | None
    note: str
    value: Decimal | None
    currency: str | None
    detail: Json
    taken_at: datetime
    audit_id: int
    """Its place in the audit chain."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one of an actor's roles may approve of a decision's kind, at its site, in its currency."""

    role: str
    is_set: bool
    """Whether somebody set a limit; else it is the default."""
    amount: Decimal | None
    """None: whatever it is worth."""
    self_amount: Decimal


def approving_roles(actor: Actor, site: str) -> list[str]:
    """List the roles under which an actor might approve at a site.

    Args:
        actor: Who would.
        site: Where.

    Returns:
        The roles held there, as `APPROVERS` orders them; none if the site is out of reach.
    """
    if not actor.may_see(site):
        return []
    held = actor.roles | {role for at, role in actor.site_roles if at == site}
    return [role.value for role in APPROVERS if role in held]


def checked(paper: Draft) -> Draft:
    """Check what somebody wants to be decided.

    Args:
        paper: The draft.

    Returns:
        The same.

    Raises:
        DraftError: If a name is not as it must be, the effect is empty, or a value has no currency or too
            many digits.
    """
    for name, value in (("kind", paper.kind), ("reason", paper.reason)):
        if _CODE.fullmatch(value) is None:
            raise DraftError(f"{name} {value!r:.80}: expected 1-64 of a-z 0-9 _, first a letter")
    if not 1 <= len(paper.subject) <= MAX_SUBJECT:
        raise DraftError(f"subject {paper.subject!r:.80}: expected 1-{MAX_SUBJECT} characters")
    if not paper.effect:
        raise DraftError(f"the draft on {paper.subject!r} has no effect: expected what will be done")
    if len(paper.note) > MAX_NOTE:
        raise DraftError(f"note of {len(paper.note)} characters: expected at most {MAX_NOTE}")
    if paper.value is not None:
        if paper.currency is None:
            raise DraftError(f"value {paper.value} of {paper.subject!r} has no currency")
        if not paper.value.is_finite() or abs(paper.value) >= MAX_VALUE:
            raise DraftError(
                f"value {paper.value} of {paper.subject!r}: expected a number below {MAX_VALUE:.0e}"
            )
    return paper


def choose_role(
    decision: Decision, person: str, allowances: Sequence[Allowance], spent: Decimal
) -> Allowance:
    """Choose the role under which a person approves, or say why none suffices.

    Args:
        decision: What is to be approved.
        person: Who would.
        allowances: One per role that the person holds at the site.
        spent: Worth of what the person has approved of the same item that day; >= 0.

    Returns:
        The allowance of a role that suffices; of several the one with the most room.

    Raises:
        OwnDecisionError: If it is the person's own, and above what a role allows for one's own.
        AboveLimitError: If it is worth more than each role's limit, together with the day's others.
    """
    is_own = decision.is_own_of(person)
    rooms = [(allowance.self_amount if is_own else allowance.amount, allowance) for allowance in allowances]
    unlimited = [allowance for room, allowance in rooms if room is None]
    if unlimited:
        return unlimited[0]
    most, best = max(
        ((room or Decimal(0), index) for index, (room, _) in enumerate(rooms)), default=(None, 0)
    )
    worth = None if decision.value is None else abs(decision.value)
    if most and worth is not None and spent + worth <= most:
        return allowances[best]
    name = f"decision {decision.decision_id}"
    known = "an unknown value" if worth is None else f"{worth.normalize():f} {decision.currency}"
    so_far = f" after {spent.normalize():f} for the same item today" if spent else ""
    if is_own:
        limit = f"up to {most.normalize():f} {decision.currency}" if most else "not at all"
        raise OwnDecisionError(
            f"{name} is your own, worth {known}{so_far}: its author and contributors "
            f"({', '.join([decision.author, *decision.contributors])}) may approve it {limit}; "
            "another person has to"
        )
    limit = (
        f"approves up to {most.normalize():f} {decision.currency}"
        if most
        else "approves nothing of this kind"
    )
    raise AboveLimitError(f"{name} is worth {known}{so_far}; {person} {limit} at {decision.site}")


@dataclass(frozen=True, slots=True)
class Applied:
    """The carrier did it."""

    outcome: Json
    """What it did: the posting's position, the document's number."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The carrier derived it anew and found something else than what was approved; nothing was done."""

    effect: Json
    value: Decimal | None
    why: str
    """For people: what changed, from what to what."""
    currency: str | None = None
    evidence: Json | None = None
    """None: as it was."""
