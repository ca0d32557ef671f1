"""*Packaging*: what an item is measured in, and what each of its levels holds from when on."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Path, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.db import in_transaction
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.master import packaging
from cloud.master.levels import PackagingError, plain_ratio
from cloud.master.packaging import KEEPERS, PackagingPaper, UnknownItemError
from cloud.routes import LateRoute
from cloud.web.instants import InstantError, instant_of
from cloud.web.packaging_picture import packaging_picture
from cloud.web.rendering import page, zone_of
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

Item = Annotated[str, Path(min_length=1, max_length=128)]
Text = Annotated[str, Form(max_length=64)]
_BLANK: Final = dict.fromkeys(("gtin", "holds", "of", "valid_from", "base_unit"), "")
_PARTS: Final = {"holds_denominator": "holds", "is_integer_only": "base_unit"}
"""Where what is wrong with a part that has no field of its own is told."""
_WANTED: Final = {
    "gtin": "expected 14 digits",
    "of": "expected another level",
    "base_unit": "expected a unit as kg",
}


@router.get("/packaging/{item:path}")
def show_packaging(*, request: Request, gate: TheGate, visitor: Viewer, item: Item) -> Response:
    """Show an item's packaging levels, as they are and as they were."""
    return _packaging(request, gate, visitor, item)


@router.post("/packaging/{item:path}")
def put_packaging(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    item: Item,
    gtin: Text = "",
    holds: Text = "",
    of: Text = "",
    valid_from: Text = "",
    zone: Text = "UTC",
    base_unit: Text = "",
    whole: Text = "",
) -> Response:
    """State a level, or what the item is measured in; what cannot be so is told beside its field."""
    visitor.actor.require_everywhere(*KEEPERS)
    typed = {"gtin": gtin, "holds": holds, "of": of, "valid_from": valid_from, "base_unit": base_unit}
    try:
        paper = _paper(item, typed, zone, whole=whole)
        in_transaction(gate.pool, lambda conn: packaging.put_packaging(conn, visitor.actor, paper))
    except UnknownItemError as error:
        raise HTTPException(404, f"{error}") from error
    except _FieldError as error:
        return _packaging(request, gate, visitor, item, typed=typed, wrong={error.part: f"{error}"})
    except PackagingError as error:
        return _packaging(request, gate, visitor, item, typed=typed, wrong={error.part: f"{error}"})
    except ValidationError as error:
        wrong = {}
        for fault in error.errors(include_url=False):
            part = str(fault["loc"][-1]) if fault["loc"] else "gtin"
            part = _PARTS.get(part, part)
            given = f"{typed[part]!r}: " if part in typed else ""
            wanted = _WANTED.get(part, "") if fault["type"] == "string_pattern_mismatch" else ""
            wrong[part if part in typed else "gtin"] = f"{given}{wanted or fault['msg']}"
        return _packaging(request, gate, visitor, item, typed=typed, wrong=wrong)
    return RedirectResponse(request.url.path, 303)


class _FieldError(ValueError):
    """What was typed into a field cannot be read."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


def _paper(item: str, typed: Mapping[str, str], zone: str, *, whole: str) -> PackagingPaper:
    """Read the form of a level, or the one of the measure, whichever was sent."""
    if typed["base_unit"] or whole:
        return PackagingPaper.model_validate(
            {"item": item, "base_unit": typed["base_unit"] or None, "is_integer_only": whole == "yes"}
        )
    try:
        ratio = plain_ratio(typed["holds"])
    except ValueError as error:
        raise _FieldError(
            "holds", f"{typed['holds']!r}: expected an amount as 6, or a part as 1/3"
        ) from error
    level = {
        "gtin": typed["gtin"].strip(),
        "holds": ratio.numerator,
        "holds_denominator": ratio.denominator,
        "of": typed["of"] or None,
        "valid_from": _instant(typed["valid_from"], zone),
    }
    return PackagingPaper.model_validate({"item": item, "levels": [level]})


def _instant(text: str, zone: str) -> datetime | None:
    if not text:
        return None
    try:
        return instant_of(text, zone_of(zone))
    except InstantError as error:
        raise _FieldError("valid_from", f"{error}") from error


def _packaging(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    item: str,
    *,
    typed: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
) -> Response:
    actor, now = visitor.actor, gate.clock().astimezone(UTC)
    with gate.acting(actor) as conn:
        try:
            told = packaging.packaging(conn, actor, item=item)
        except UnknownItemError as error:
            raise HTTPException(404, f"{error}") from error
        sites = operations.sites(conn, actor)
    levels = told.valid_at(now)
    return page(
        request,
        visitor,
        "packaging.html",
        tab="/stock",
        status=422 if wrong else 200,
        told=told,
        levels=levels,
        now=now,
        picture=packaging_picture(levels, told.base_unit),
        zone=sites[0].time_zone if sites else "UTC",
        may_state=_may_state(actor),
        typed=_BLANK | (typed or {}),
        wrong=_BLANK | (wrong or {}),
    )


def _may_state(actor: Actor) -> bool:
    """Tell whether somebody may state levels: items are the network's."""
    try:
        actor.require_everywhere(*KEEPERS)
    except NotAllowedError:
        return False
    return True
