"""What one scanner's user is in the middle of: frozen, and written to disk with every commit."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import TypeAdapter, ValidationError

from contracts.labels import LabelOrder
from contracts.records import Movement, RowRef, UnitPosition
from contracts.vocabulary import Disposition, VirtualLocation
from edge_agent.workflows.kinds import KINDS, End, Kind, Workflow
from edge_agent.workflows.labels import ItemLabel, UnitLabel

MOST_CARRIED: Final = 200
"""Labels on one person's cart at a time; the state stays small."""

MOST_COUNTED: Final = 1000
"""Labels scanned in one bin's count; ``$QTY`` makes one label stand for many pieces."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Goods or a unit taken from a place and not yet put down, or counted in it and not yet reported."""

    what: ItemLabel | UnitLabel
    quantity: Decimal
    """In the label's unit; 1 for a logistic unit."""
    origin: str
    line: int
    scan: str | None
    is_in_unit: bool = False
    """Whether ``origin`` is a logistic unit, not a place."""
    is_line_named: bool = False
    """Whether somebody named ``line``; else it was counted."""

    def is_same_thing(self, other: "Carried") -> bool:
        """Tell whether two labels name one instance, which cannot be taken twice."""
        if isinstance(self.what, UnitLabel):
            return self.what == other.what
        return isinstance(other.what, ItemLabel) and not set(self.what.epcs).isdisjoint(other.what.epcs)


@dataclass(frozen=True, slots=True)
class Run:
    """One piece of work under way."""

    workflow: Workflow
    id: str
    document: str
    line: int = 1
    """The line the next item belongs to."""
    is_line_named: bool = False
    """Whether ``$LINE`` named it."""
    quantity: Decimal | None = None
    """Keyed by ``$QTY`` for the next item; 0 by ``$ZERO``."""
    place: str | None = None
    """The bin being picked, moved from or counted."""
    unit: str | None = None
    """The logistic unit being packed or unpacked."""
    grade: Disposition | None = None
    """What returned goods are found to be."""
    reason: str | None = None
    """Code of why goods are damaged, or their stock is doubted."""
    makes: bool = False
    """Whether a transformation's components are all used up, and products are scanned."""
    recipe: str | None = None
    """Code and version of the recipe that leads the way."""
    times: Decimal | None = None
    """How often it is to be done; None: nobody said."""
    opened_at: datetime | None = None
    """When the count of that bin began."""
    carried: tuple[Carried, ...] = ()
    posted: int = 0
    """Records posted so far."""
    is_task: bool = False
    """Whether a task of the cloud leads the way; ``document`` is its name, and ``line`` one of its lines."""
    revision: int = 0
    """Of the list that ``done`` goes on from."""
    done: tuple[tuple[int, Decimal], ...] = ()
    """Of a task's lines, or a recipe's parts and products, by number, in base units."""
    short: tuple[int, ...] = ()
    """Lines of a task whose rest is not there."""
    asked_about: tuple[str, ...] = ()
    """Expired goods and later lots that whoever works was asked about: scanned again, they are taken."""
    passed_over: str | None = None
    """The lot that expires earlier than the one being picked; records of this scan name it."""
    took: tuple[tuple[int, Decimal], ...] = ()
    """What scans that ``$UNDO`` may take back took of them."""

    @property
    def kind(self) -> Kind:
        """The rules of this work."""
        return KINDS[self.workflow]

    @property
    def source(self) -> VirtualLocation | End:
        """Where goods are taken from."""
        return VirtualLocation.TRANSFORMATION if self.makes else self.kind.source

    @property
    def destination(self) -> VirtualLocation | End:
        """Where goods are put."""
        return End.LATER if self.makes else self.kind.destination

    @property
    def is_half_finished(self) -> bool:
        """Whether something was scanned that has not become a record."""
        return bool(self.carried) or self.quantity is not None


@dataclass(frozen=True, slots=True)
class Posted:
    """A record of the last scan, and its identity once the outbox has given one."""

    record: Movement | UnitPosition
    ref: RowRef | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All that is known of one scanner's work."""

    scans: int = 0
    """Scans answered so far, also refused ones: what a display shows and a simulator resumes from."""
    actor: str | None = None
    heard_at: datetime | None = None
    """The last scan's wall-clock time."""
    heard_mono_ns: int = 0
    boot_id: str = ""
    run: Run | None = None
    wrong_pins: int = 0
    """Keyed since the last login, and lately."""
    wrong_pin_at: datetime | None = None
    last: tuple[Posted, ...] = ()
    """What the last completed scan posted: what ``$UNDO`` reverses."""
    printed: LabelOrder | None = None
    """The last label: what ``$REPRINT`` prints."""
    minted: str | None = None
    """The last SSCC that a new unit got here, so that no power cut gives it to another."""

    @property
    def awaits_identity(self) -> bool:
        """Whether the last records have not been committed yet."""
        return any(posted.ref is None for posted in self.last)

    def with_identities(self, refs: dict[int, RowRef]) -> "State":
        """Note the identities that a commit gave.

        Args:
            refs: By ``id()`` of the record that was committed.

        Returns:
            The state in which those records can be reversed.
        """
        if not self.awaits_identity:
            return self
        return replace(
            self, last=tuple(replace(one, ref=one.ref or refs.get(id(one.record))) for one in self.last)
        )


_STATE: Final = TypeAdapter(State)


class StateUnreadableError(ValueError):
    """A stored state that this release cannot read."""


def dump_state(state: State) -> bytes:
    """Write a state for the outbox to keep beside the records.

    Args:
        state: Any state.

    Returns:
        JSON.
    """
    return _STATE.dump_json(state, exclude_defaults=True)


def load_state(body: bytes) -> State:
    """Read a stored state.

    Args:
        body: A result of ``dump_state``.

    Returns:
        The state.

    Raises:
        StateUnreadableError: If it is not a state, or not one of a release like this.
    """
    try:
        return _STATE.validate_json(body)
    except ValidationError as error:
        raise StateUnreadableError(
            f"stored scanner state {body[:80]!r}: {error.errors()[0]['msg']}"
        ) from error
