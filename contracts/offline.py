"""What the edge knows when the cloud is away: reference, assignment, task (PROTOCOL P10)."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StrictBool

from contracts.base import (
    SCHEMA_VERSION,
    STORABLE,
    Code,
    Contract,
    CountedQuantity,
    Epoch,
    Gateway,
    PositiveQuantity,
    SchemaVersion,
    Seq,
    Sha256,
    Site,
    UtcDatetime,
    WholeNumber,
)
from contracts.labels import LabelTemplate
from contracts.records import DocumentRef, Identifier

Revision = Annotated[int, Field(strict=True, ge=1)]


def _absent(value: object) -> bool:
    return value is None or value == ()


class Revised(Contract):
    """A message from the cloud whose revision only grows; a lower one is refused."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    site: Site
    revision: Revision
    issued_at: UtcDatetime


class ReferenceAnnouncement(Revised):
    """Retained: which snapshot is current and where to fetch it."""

    snapshot_path: Code
    snapshot_sha256: Sha256
    snapshot_bytes: WholeNumber
    delta_from_revision: Revision | None = None


class PackagingLevel(Contract):
    """A GTIN and how many base units it holds, as an exact ratio."""

    gtin: Annotated[str, Field(pattern=r"^[0-9]{14}$")]
    item: Code
    base_units_numerator: Annotated[int, Field(strict=True, ge=1)]
    base_units_denominator: Annotated[int, Field(strict=True, ge=1)] = 1


class Badge(Contract):
    """A person who may scan, known by a hash only."""

    badge_sha256: Sha256
    pin_argon2id: Annotated[str, STORABLE] | None = None
    actor: Code
    roles: tuple[Code, ...]
    language: Code = "en"


class SsccBlock(Contract):
    """A range of SSCC serial references that printing at this site may use offline."""

    company_prefix: Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]
    extension_digit: Annotated[int, Field(strict=True, ge=0, le=9)]
    first_serial: WholeNumber
    last_serial: WholeNumber
    shelf: Annotated[WholeNumber | None, Field(exclude_if=_absent)] = None
    """The file of the gateway that it was reserved for: one that begins anew never uses another's numbers."""


class LabelName(Contract):
    """What a label of the goods may say, and how many base units one of it stands for, as an exact ratio."""

    identifier: Identifier
    base_units_numerator: Annotated[int, Field(strict=True, ge=1)] = 1
    base_units_denominator: Annotated[int, Field(strict=True, ge=1)] = 1


class RecipePart(Contract):
    """What a recipe uses or makes when it is done once."""

    item: Code
    """The item's code, for people."""
    quantity: PositiveQuantity
    """In base units."""
    names: Annotated[tuple[LabelName, ...], Field(max_length=200)]
    """Every name that a label of it may bear."""


class Recipe(Contract):
    """A version of what a kit, its taking apart or a repack uses and makes."""

    code: Code
    version: Annotated[int, Field(strict=True, ge=1)]
    kind: Literal["kit", "dekit", "repack"]
    valid_from: UtcDatetime
    valid_until: Annotated[UtcDatetime | None, Field(exclude_if=_absent)] = None
    """The first instant at which it holds no more."""
    uses: tuple[RecipePart, ...]
    makes: tuple[RecipePart, ...]

    @property
    def name(self) -> str:
        """As records name it."""
        return f"{self.code}/{self.version}"


class PlannedWork(Contract):
    """By which recipe, and how often, one piece of work is to be done."""

    kind: Literal["kit", "dekit", "repack"]
    document: Code
    recipe: Code
    version: Annotated[int, Field(strict=True, ge=1)]
    times: Annotated[PositiveQuantity | None, Field(exclude_if=_absent)] = None


class PickableLot(Contract):
    """A lot that could be picked at a site."""

    lot: Code
    expires_on: Annotated[date | None, Field(exclude_if=_absent)] = None
    """The first day on which it is no longer good; None: nobody says that it expires."""
    places: Annotated[tuple[Code, ...], Field(min_length=1, max_length=3)]
    """Where it lies, or the unit that holds it stands: a few of these."""


class PickableItem(Contract):
    """The lots of an item that could be picked, as they expire: those that do first."""

    names: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=50)]
    """What a label of it may say: GTINs of any level first, then codes."""
    lots: Annotated[tuple[PickableLot, ...], Field(min_length=1, max_length=20)]


class ReferenceSnapshot(Revised):
    """All a gateway may need while offline; declared too large rather than cut short."""

    packaging_levels: tuple[PackagingLevel, ...] = ()
    bin_patterns: tuple[Code, ...] = ()
    badges: tuple[Badge, ...] = ()
    known_units: tuple[Code, ...] = ()
    open_documents: tuple[DocumentRef, ...] = ()
    prompts: Annotated[dict[str, dict[str, str]], STORABLE] = Field(default_factory=dict)
    sscc_blocks: tuple[SsccBlock, ...] = ()
    label_templates: Annotated[tuple[LabelTemplate, ...], Field(exclude_if=_absent)] = ()
    """How labels look at this site; an agent that prints none ignores it."""
    recipes: Annotated[tuple[Recipe, ...], Field(exclude_if=_absent)] = ()
    """Those that hold now or later, and those of ``planned``."""
    planned: Annotated[tuple[PlannedWork, ...], Field(exclude_if=_absent)] = ()
    recipes_sha256: Annotated[Sha256 | None, Field(exclude_if=_absent)] = None
    """Of all recipes and plans there are, also of those that did not fit: another one means news of them."""
    pickable: Annotated[tuple[PickableItem, ...], Field(exclude_if=_absent)] = ()
    """Lots that could be picked; of an item or a lot that is absent nothing is said."""
    is_complete: StrictBool = True
    """False: the snapshot was too large, and what is absent from it means nothing."""


class ExpectedLine(Contract):
    """One line of a document as a door or a task expects it."""

    document: DocumentRef
    identifier: Identifier | None = None
    quantity: PositiveQuantity | None = None
    lot: Code | None = None
    units: tuple[Code, ...] = ()


class Visit(Contract):
    """A vehicle at a door with its documents."""

    visit: Code
    door: Annotated[Code | None, Field(exclude_if=lambda door: door is None)] = None
    """The door (portal id); None in an assignment of one door only."""
    direction: Literal["inbound", "outbound"]
    from_at: UtcDatetime
    to_at: UtcDatetime | None = None
    clearing_account: Code
    lines: tuple[ExpectedLine, ...] = ()


class Assignment(Revised):
    """The visits in force at one door, or at all doors of a gateway."""

    door: Code
    """The door (portal id), or the gateway's id; then each visit names its door."""
    visits: tuple[Visit, ...] = ()


class TaskLine(ExpectedLine):
    """One thing to do; of a line with ``names`` the quantity is in base units."""

    from_location: Code | None = None
    to_location: Code | None = None
    number: Annotated[int | None, Field(strict=True, ge=1, le=1_000_000, exclude_if=_absent)] = None
    """Names the line within its task, as records do."""
    item: Annotated[Code | None, Field(exclude_if=_absent)] = None
    """The item's code, for people."""
    from_unit: Annotated[Code | None, Field(exclude_if=_absent)] = None
    """The logistic unit in ``from_location`` that the goods are taken out of."""
    disposition: Annotated[Code | None, Field(exclude_if=_absent)] = None
    owner: Annotated[Code | None, Field(exclude_if=_absent)] = None
    """Of the goods, as the ledger holds them."""
    names: Annotated[tuple[LabelName, ...], Field(max_length=200, exclude_if=_absent)] = ()
    """Every name that a label of them may bear; one that is none of them is another item's."""
    done: Annotated[CountedQuantity | None, Field(exclude_if=_absent)] = None
    """What of it the ledger knows to be done."""


class Task(Revised):
    """Work for a handheld: receive, pick, count or move."""

    task: Code
    kind: Literal["receive", "pick", "count", "move"]
    lines: tuple[TaskLine, ...]
    expires_at: UtcDatetime
    actor: Code | None = None


class KnownUpTo(Contract):
    """Which records of an epoch are in what the cloud says: all up to this one."""

    epoch: Epoch
    seq: Seq


class TaskList(Revised):
    """Retained: all that the handhelds of a gateway are to do; a task that is no longer in it is over."""

    gateway: Gateway
    tasks: tuple[Task, ...] = ()
    known_up_to: Annotated[tuple[KnownUpTo, ...], Field(max_length=100, exclude_if=_absent)] = ()
    """Of this gateway's records: these are in ``done`` of the lines, what was taken back of them is not."""
    left_out: WholeNumber = 0
    """Further tasks that did not fit; they follow when others are done."""
