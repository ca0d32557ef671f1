"""Transformations: by which recipe, what was used and made; taking one back; one beside its recipe."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import ValidationError

from cloud.db import Connection
from cloud.documents.lines import goods_of
from cloud.documents.movements import believable, moved, reverse_rows
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.store import act_as
from cloud.ledger.closing import require_open, tell_late
from cloud.ledger.domain import CloudStatement, Posted, PostingKind
from cloud.ledger.posting import Posting
from cloud.ledger.store import audit
from cloud.recipes import store
from cloud.recipes.domain import (
    KEEPERS,
    MAKERS,
    READERS,
    VALUERS,
    Recipe,
    RecipeConflictError,
    RecipeError,
    RecipeKind,
    SheetLine,
    SheetRow,
    UnknownRecipeError,
    beside_recipe,
)
from cloud.recipes.papers import MadePaper, MadePart, PlanPaper
from cloud.recipes.service import recipe, recipe_at
from contracts.records import DocumentRef, Identifier, Side
from contracts.vocabulary import BizStep, VirtualLocation

MOST: Final = Decimal(10) ** 14
"""What no movement's quantity reaches."""


class TransformationRow(NamedTuple):
    """A transformation in a list."""

    type: str
    id: str
    first_at: datetime | None
    """None: it was planned, and nothing has been done."""
    last_at: datetime | None
    recipe: str | None
    version: int | None
    times: Decimal | None
    is_stated: bool | None
    """Whether somebody named the recipe; else it is the one that held for what was made."""
    item: str | None
    """Of which most was made."""
    base_unit: str | None
    quantity: Decimal | None
    time_zone: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A transformation beside its recipe."""

    site: str
    type: RecipeKind | str
    id: str
    recipe: Recipe | None
    is_stated: bool
    times: Decimal | None
    lines: tuple[SheetLine, ...]
    currency: str | None
    is_valued: bool
    """Whether whoever asks is shown what it cost."""

    @property
    def value_in(self) -> Decimal | None:
        """What all that it used cost; None: not known, or not shown."""
        return self._sum(is_input=True)

    @property
    def value_out(self) -> Decimal | None:
        """What all that it made carries; None: not known, or not shown."""
        return self._sum(is_input=False)

    @property
    def value_variance(self) -> Decimal | None:
        """What outputs with a standard cost are worth beside what they cost; zero where there is none."""
        if self.value_in is None or self.value_out is None:
            return None
        return self.value_out - self.value_in

    def _sum(self, *, is_input: bool) -> Decimal | None:
        values = [
            line.row.value for line in self.lines if line.row.is_input == is_input and line.row.quantity != 0
        ]
        known = [value for value in values if value is not None]
        return sum(known, Decimal(0)) if values and len(known) == len(values) else None


def plan(conn: Connection, actor: Actor, paper: PlanPaper, *, now: datetime) -> int:
    """Say by which recipe a transformation is done, and how often; the last word holds.

    Args:
        conn: In a transaction that the caller commits.
        actor: An operator, supervisor or inventory controller of the site.
        paper: What is planned.
        now: The present.

    Returns:
        Its revision; the same again makes no other.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownRecipeError: If there is no such recipe.
        RecipeError: If it is of another kind.
    """
    actor.require(*MAKERS, site=paper.site)
    act_as(conn, actor)
    found = recipe_at(conn, actor, code=paper.recipe, version=paper.version, at=now)
    _require_kind(found, paper.type, paper.id)
    named = {"site": paper.site, "type": paper.type.value, "id": paper.id}
    store.tuples(conn, "lock_transformation", **named)
    last = store.tuples(conn, "plans", **named)
    if last and last[0][1:] == (found.code, found.version, paper.times):
        return int(last[0][0])
    revision = int(last[0][0]) + 1 if last else 1
    stated = {"recipe": found.code, "version": found.version, "times": paper.times}
    store.change(conn, "add_plan", **named, **stated, revision=revision, actor=actor.id)
    target = f"{paper.type}:{paper.id}"
    audit(conn, actor.id, "transformation_planned", target, site=paper.site, detail=stated)
    return revision


def make(conn: Connection, actor: Actor, paper: MadePaper, *, now: datetime) -> Posted:
    """Say what was used and what was made of it, in one posting.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: An operator, supervisor or inventory controller of the site.
        paper: What was used and made.
        now: The present.

    Returns:
        The posting.

    Raises:
        NotAllowedError: If the actor may not, or not into a closed period.
        UnknownRecipeError: If there is no such recipe.
        RecipeError: If it is of another kind, or nothing is used, or nothing made.
    """
    actor.require(*MAKERS, site=paper.site)
    act_as(conn, actor)
    at = believable(paper.occurred_at, now, f"{paper.type} {paper.id!r}")
    is_late = require_open(conn, actor, paper.site, at)
    by = _recipe_for(conn, actor, paper, at)
    inputs, outputs = _parts(paper, by)
    if not inputs or not outputs:
        raise RecipeError(f"{paper.type} {paper.id!r}: expected what it used and what it made")
    named = {(part.identifier.scheme, part.identifier.value) for part in (*inputs, *outputs)}
    unknown = named - goods_of(conn, named).keys()
    if unknown:
        names = ", ".join(f"{scheme} {value!r}" for scheme, value in sorted(unknown))
        raise RecipeError(f"{paper.type} {paper.id!r}: nobody knows {names}: expected names of items")
    sides = ((True, inputs), (False, outputs))
    try:
        statements = list(_statements(paper, by, sides, at, actor.id))
    except ValidationError as error:
        faults = "; ".join(
            f"{fault['loc'][-1:]}: {fault['msg']}" for fault in error.errors(include_url=False)
        )
        raise RecipeError(f"{paper.type} {paper.id!r}: {faults}") from error
    posting = Posting(conn, actor, PostingKind.STATEMENT)
    posting.write(statements=statements)
    told = {"recipe": None if by is None else by.name, "inputs": len(inputs), "outputs": len(outputs)}
    posting.audit("transformed", f"{paper.type}:{paper.id}", paper.site, told)
    if is_late:
        tell_late(posting, paper.site, at, str(paper.type))
    return posting.close()


def take_back(
    conn: Connection, actor: Actor, *, site: str, kind: RecipeKind, name: str, reason: str
) -> Posted:
    """Move everything back that a transformation used and made.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the site.
        site: Where it was done.
        kind: What it was.
        name: Its id.
        reason: Reason code.

    Returns:
        The posting.

    Raises:
        NotAllowedError: If the actor may not, or not into a closed period.
        RecipeConflictError: If nothing of it is left to take back.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    found = store.tuples(conn, "unreversed", site=site, type=kind.value, id=name)
    if not found:
        raise RecipeConflictError(f"{kind} {name!r:.80} at {site}: nothing of it is there to take back")
    posting = reverse_rows(
        conn, actor, [(gateway, epoch, seq) for gateway, epoch, seq in found], reason=reason
    )
    posting.audit(
        "transformation_taken_back", f"{kind}:{name}", site, {"movements": len(found), "reason": reason}
    )
    return posting.close()


def sheet(conn: Connection, actor: Actor, *, site: str, kind: str, name: str) -> Sheet:
    """Set a transformation beside its recipe, with what it cost.

    Args:
        conn: In a transaction.
        actor: Who asks; values are shown to those who may see what stock is worth.
        site: Where it was done.
        kind: Type of the document that its movements name.
        name: Its id.

    Returns:
        The sheet.

    Raises:
        NotAllowedError: If the actor may not, or not at the site.
        UnknownRecipeError: If nothing was planned or done under that name.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    named = {"site": site, "type": kind, "id": name}
    rows = store.rows(conn, SheetRow, "sheet", **named)
    by = store.tuples(conn, "recipe_of", **named)
    if not rows and not by:
        raise UnknownRecipeError(f"nothing was made under {kind} {name!r:.80} at {site}")
    code, version, times, is_stated = by[0] if by else (None, None, None, False)
    found = None if code is None else recipe(conn, actor, code=code, version=version)
    is_valued = _may_value(actor, site)
    shown = rows if is_valued else [row._replace(value=None) for row in rows]
    ((currency, *_),) = store.tuples(conn, "currency", site=site)
    lines = beside_recipe(shown, found, times)
    return Sheet(site, kind, name, found, is_stated, times, tuple(lines), currency, is_valued)


def transformations(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    from_at: datetime,
    until_at: datetime,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[TransformationRow]:
    """List a site's transformations of a stretch of time, by type and id.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Whose.
        from_at: From this instant on.
        until_at: Until before this one.
        after: Type and id of the last one of the page before.
        limit: Most to give.

    Returns:
        What was done or planned in it.

    Raises:
        NotAllowedError: If the actor may not, or not at the site.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    asked = {
        "site": site,
        "from_at": from_at,
        "until_at": until_at,
        "after_type": after[0],
        "after_id": after[1],
    }
    return store.rows(conn, TransformationRow, "transformations", **asked, limit=limit)


def _may_value(actor: Actor, site: str) -> bool:
    try:
        actor.require(*VALUERS, site=site)
    except NotAllowedError:
        return False
    return True


def _require_kind(found: Recipe, kind: RecipeKind, name: str) -> None:
    if found.kind is not kind:
        raise RecipeError(
            f"{kind} {name!r}: recipe {found.name!r} is one to {found.kind}: expected one to {kind}"
        )


def _recipe_for(conn: Connection, actor: Actor, paper: MadePaper, at: datetime) -> Recipe | None:
    """Find by which recipe something was made: as is said, else as was planned."""
    if paper.recipe is not None:
        found = recipe_at(conn, actor, code=paper.recipe, version=paper.version, at=at)
    else:
        planned = store.tuples(conn, "plans", site=paper.site, type=paper.type.value, id=paper.id)
        if not planned:
            if paper.times is not None:
                raise RecipeError(
                    f"{paper.type} {paper.id!r}: times {paper.times}: expected the recipe's code"
                )
            return None
        found = recipe(conn, actor, code=planned[0][1], version=planned[0][2])
    _require_kind(found, paper.type, paper.id)
    return found


def _parts(paper: MadePaper, by: Recipe | None) -> tuple[Sequence[MadePart], Sequence[MadePart]]:
    if paper.times is None or by is None:
        return paper.inputs, paper.outputs

    def of(is_input: bool) -> list[MadePart]:  # noqa: FBT001  named at each call
        return [
            MadePart(
                identifier=Identifier(scheme="sku", value=line.item),
                quantity=_amount(paper, line.item, times * line.quantity),
            )
            for line in by.lines
            if line.is_input == is_input
        ]

    times = paper.times
    return of(is_input=True), of(is_input=False)


def _amount(paper: MadePaper, item: str, exact: Decimal) -> Decimal:
    quantity = round(exact, 6)
    if not 0 < quantity < MOST:
        raise RecipeError(
            f"{paper.type} {paper.id!r}: times {paper.times}: comes to {quantity:f} of {item!r}, "
            f"expected above zero and below {MOST:f}"
        )
    return quantity


def _statements(
    paper: MadePaper,
    by: Recipe | None,
    sides: Sequence[tuple[bool, Sequence[MadePart]]],
    at: datetime,
    actor: str,
) -> Iterator[CloudStatement]:
    named = [] if by is None else [DocumentRef(type="recipe", id=by.name)]
    number = 0
    for is_input, parts in sides:
        for part in parts:
            number += 1
            real = _side(part, paper.location if is_input else paper.to_location or paper.location)
            account = Side(location=VirtualLocation.TRANSFORMATION, lot=part.lot, owner=part.owner)
            yield moved(
                paper.site,
                part.identifier,
                part.quantity,
                part.unit_seen,
                source=real if is_input else account,
                destination=account if is_input else real,
                documents=[DocumentRef(type=str(paper.type), id=paper.id, line=str(number)), *named],
                occurred_at=at,
                actor=actor,
                biz_step=BizStep.TRANSFORMING,
                epcs=part.epcs,
            )


def _side(part: MadePart, place: str) -> Side:
    location = None if part.unit else part.location or place
    return Side(location=location, unit=part.unit, lot=part.lot, owner=part.owner)
