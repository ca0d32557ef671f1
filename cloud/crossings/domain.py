"""Crossings, cards and answers as values, and the answer that later evidence proposes; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from cloud.identity.actor import Role
from cloud.ledger.domain import AlreadyClaimedError, Claim, NotPostableError, UnknownRowError
from contracts.base import epoch_from_int
from contracts.records import RowRef
from contracts.vocabulary import VIRTUAL_PREFIX, CrossingDirection

READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)
"""Who may see crossings and cards: whoever may see the movements that they made."""

ANSWERERS: Final = (Role.OPERATOR, Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
"""Who may answer a card; what stands posted is taken back only by those who may reverse a movement."""

ESCALATES_AFTER: Final = timedelta(hours=4)
"""A card that waits for longer raises a ticket (DOMAIN D2)."""

ANSWER_CLAIM: Final = "crossing_answer"


class Answer(StrEnum):
    """What a person says of a crossing."""

    IN = "in"
    OUT = "out"
    DID_NOT_MOVE = "did_not_move"
    CHOOSE_VISIT = "choose_visit"
    """What is posted stands; it belongs to the named visit, or to no document."""
    MISREAD = "misread"
    """What is posted was wrong and is taken back; the card opens again."""


class AnsweredError(AlreadyClaimedError):
    """Somebody answered before; the message names who, how and when."""


class UnknownCrossingError(UnknownRowError):
    """The actor's sites hold no such crossing."""


class NotAskedError(NotPostableError):
    """The crossing asks nothing, or not this."""


@dataclass(frozen=True, slots=True)
class CrossingRow:
    """A crossing with what people made of it."""

    gateway: str
    epoch: int
    seq: int
    gateway_key: int
    site: str
    time_zone: str
    occurred_at: datetime
    occurred_at_claimed: datetime
    time_basis: str
    first_seen_at: datetime
    position: int
    recorded_at: datetime
    posted_by: str
    portal: str
    epc: str
    direction: str
    reads: int
    posted: str
    because: str | None
    visit: str | None
    confidence: float | None
    unit: str | None
    identifier_scheme: str | None
    identifier: str | None
    unit_seen: str | None
    inside_location: str | None
    outside_location: str | None
    device: str | None
    evidence: str
    """What its movement or position carries as ``evidence_id``."""
    antennas: list[str]
    trace: list[list[float]]
    """Points of the radio picture: milliseconds after ``first_seen_at``, index into ``antennas``, dBm."""
    detail: dict[str, Any]
    step: int
    """How many answers, misreads included, it has had."""
    answer: str | None
    """The last of them."""
    answer_visit: str | None
    answered_by: str | None
    answered_at: datetime | None
    visit_now: str | None
    """The visit that a person chose, else the one the edge knew."""
    stands: str | None
    """The direction that is posted now, if one is."""
    card: str | None
    """``open`` while it needs a person, ``answered`` since one answered, None if it never did."""

    @property
    def ref(self) -> RowRef:
        """Its identity."""
        return RowRef(gateway=self.gateway, epoch=epoch_from_int(self.epoch), seq=self.seq)

    @property
    def name(self) -> str:
        """Its identity as addresses and claims write it."""
        return f"{self.gateway}/{epoch_from_int(self.epoch)}/{self.seq}"

    @property
    def is_standing(self) -> bool:
        """Whether a direction is posted, so that the card asks for the visit only."""
        return self.stands in {Answer.IN, Answer.OUT}

    @property
    def asks(self) -> tuple[Answer, ...]:
        """The answers that its card takes; none if it waits for nobody."""
        if self.card != "open":
            return ()
        moves = (Answer.IN, Answer.OUT, Answer.DID_NOT_MOVE)
        return (Answer.CHOOSE_VISIT, *moves) if self.is_standing else moves


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A movement or position that rests on a crossing."""

    kind: str
    gateway: str
    epoch: int
    seq: int
    position: int
    recorded_at: datetime
    occurred_at: datetime
    item: str | None
    quantity: Decimal | None
    unit: str | None
    from_place: str | None
    to_place: str | None
    reason: str | None
    actor: str | None
    is_reversal: bool | None
    is_reversed: bool


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One step that a person took with a crossing."""

    step: int
    answer: str
    visit: str | None
    answered_by: str
    answered_at: datetime
    position: int


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit that an answer may choose."""

    visit: str
    site: str
    door: str | None
    direction: str
    from_at: datetime
    clearing_account: str


@dataclass(frozen=True, slots=True)
class Observation:
    """A sure sighting of the same tag or unit by other evidence, next before or next after the crossing."""

    is_later: bool
    kind: str
    """``crossing``, ``unit_position`` or ``movement``."""
    gateway: str
    epoch: int
    seq: int
    observed_at: datetime
    from_place: str | None
    """Where it came from; of a crossing the portal."""
    to_place: str | None
    direction: str | None
    """Of a crossing: how it stands."""
    actor: str | None

    @property
    def was_inside(self) -> bool | None:
        """Whether the thing was inside just before; None if that does not follow."""
        if self.kind == "crossing":
            return self.direction == CrossingDirection.OUT
        return is_inside(self.from_place if self.from_place is not None else self.to_place)

    @property
    def is_inside(self) -> bool | None:
        """Whether the thing was inside just after; None if that does not follow."""
        if self.kind == "crossing":
            return self.direction == CrossingDirection.IN
        return is_inside(self.to_place)


def is_inside(place: str | None) -> bool | None:
    """Tell whether a place lies inside the building: real places do, accounts do not.

    Args:
        place: A location's code.

    Returns:
        None if there is no place.

    Examples:
        >>> is_inside("A-01"), is_inside("@clearing/dock-1"), is_inside(None)
        (True, False, None)
    """
    return None if place is None else not place.startswith(VIRTUAL_PREFIX)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The answer that later evidence suggests, and that evidence; nothing posts by itself."""

    answer: Answer
    after: Observation
    before: Observation | None


def propose(crossing: CrossingRow, observations: Sequence[Observation]) -> Proposal | None:
    """Find the answer that a later sure observation suggests (DOMAIN D2).

    The thing stood inside or outside at the last sure observation before, and at the first one after: the
    two sides say what it did in between.

    Args:
        crossing: One that waits for *in*, *out* or *did not move*.
        observations: Sure sightings of the same tag or unit, before and after, in any order.

    Returns:
        The proposal; None without a later observation, or when a direction stands posted.
    """
    if crossing.card != "open" or crossing.is_standing:
        return None
    later = [seen for seen in observations if seen.is_later and seen.was_inside is not None]
    earlier = [seen for seen in observations if not seen.is_later and seen.is_inside is not None]
    if not later:
        return None
    after = min(later, key=lambda seen: (seen.observed_at, seen.kind, seen.gateway, seen.epoch, seen.seq))
    before = max(
        earlier,
        key=lambda seen: (seen.observed_at, seen.kind, seen.gateway, seen.epoch, seen.seq),
        default=None,
    )
    stood_inside = before.is_inside if before else None
    if after.was_inside:
        answer = Answer.DID_NOT_MOVE if stood_inside else Answer.IN
    elif stood_inside or (stood_inside is None and crossing.direction == CrossingDirection.OUT):
        answer = Answer.OUT
    else:
        answer = Answer.DID_NOT_MOVE
    return Proposal(answer, after, before)


def claim_of(crossing: CrossingRow) -> Claim:
    """Name the claim of the next answer, so that there is one whatever the number of people.

    Args:
        crossing: As it was read; each step that was taken makes another claim.

    Returns:
        The claim: ``gateway/epoch/seq``, and the step's number from the second on.
    """
    further = f"/{crossing.step + 1}" if crossing.step else ""
    return Claim(ANSWER_CLAIM, f"{crossing.name}{further}")


_SAID: Final = {
    Answer.IN: "in",
    Answer.OUT: "out",
    Answer.DID_NOT_MOVE: "did not move",
    Answer.CHOOSE_VISIT: "its visit",
    Answer.MISREAD: "misread",
}


def answered_before(crossing: CrossingRow) -> AnsweredError:
    """Say who answered a card, and how.

    Args:
        crossing: One that was answered.

    Returns:
        The error, not raised.
    """
    said = _SAID[Answer(crossing.answer)] if crossing.answer else "?"
    visit = f" ({crossing.answer_visit})" if crossing.answer_visit else ""
    at = f" at {crossing.answered_at:%Y-%m-%d %H:%M:%S} UTC" if crossing.answered_at else ""
    return AnsweredError(
        f"crossing {crossing.name} was answered {said!r}{visit} by {crossing.answered_by}{at}; "
        "a wrong answer is taken back as misread"
    )
