"""A decoded scan and the site's rules in; a command, item, place or unit out, never guessed."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from contracts.records import Identifier, LabelDates
from contracts.vocabulary import VIRTUAL_PREFIX
from edge_agent.decode.decoded import Decoded, Scheme
from edge_agent.workflows.language import Command, CommandError, is_command, parse_command
from edge_agent.workflows.prompts import say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.site import WorkflowSettings

BASE_UNIT: Final = "base"
_VARIABLE_MEASURE: Final = "9"
"""First digit of the GTIN of a trade item whose measure varies."""
_LONGEST_CODE: Final = 128
"""As long as a code may be in any record."""


@dataclass(frozen=True, slots=True)
class ItemLabel:
    """A label on goods."""

    identifier: Identifier
    unit_seen: str
    """``base``, or the GTIN of the packaging level on the label."""
    quantity: Decimal | None = None
    """What the label itself says; None if it says nothing."""
    lot: str | None = None
    epcs: tuple[str, ...] = ()
    """The serialised instance, which is always one piece."""
    weight_kg: Decimal | None = None
    """What these goods weigh, if each of their kind weighs something else."""
    dates: LabelDates | None = None
    """What the label says of dates; None: nothing."""

    @property
    def expiry(self) -> date | None:
        """The last day on which they may be used, as the label says."""
        return None if self.dates is None else self.dates.use_by


@dataclass(frozen=True, slots=True)
class PlaceLabel:
    """A label on a bin, shelf or staging area."""

    location: str


@dataclass(frozen=True, slots=True)
class UnitLabel:
    """A label on a logistic unit."""

    sscc: str


Label = Command | ItemLabel | PlaceLabel | UnitLabel


def read_label(decoded: Decoded, site: WorkflowSettings) -> Label:
    """Decide what a scan means at this site.

    Args:
        decoded: The decoded scan.
        site: The site's rules.

    Returns:
        The one thing it can mean.

    Raises:
        RefusedError: If it means nothing here, or more than one thing.
    """
    if decoded.faults:
        fault = decoded.faults[0]
        raise RefusedError(Refusal.BAD_CODE, say("{code}: {message}", code=fault.code, message=fault.message))
    if decoded.scheme is Scheme.LOCAL and is_command(decoded.text):
        try:
            return parse_command(decoded.text)
        except CommandError as error:
            raise RefusedError(Refusal.BAD_COMMAND, say("{message}", message=error)) from error
    if decoded.scheme is Scheme.SSCC and decoded.sscc is not None:
        return UnitLabel(decoded.sscc)
    if decoded.scheme is Scheme.SGLN:
        return _place_of_gln(decoded, site)
    if decoded.gtin is not None:
        return _trade_item(decoded, decoded.gtin)
    return _own_label(decoded, site)


def _place_of_gln(decoded: Decoded, site: WorkflowSettings) -> PlaceLabel:
    if site.gln is None or decoded.gln != site.gln:
        raise RefusedError(
            Refusal.FOREIGN_PLACE,
            say(
                "place (414){gln}: expected this site's GLN, {expected}",
                gln=decoded.gln,
                expected=site.gln or "none is set",
            ),
        )
    if decoded.gln_extension is None:
        raise RefusedError(
            Refusal.FOREIGN_PLACE, say("(414){gln} names the whole site, expected (254) too", gln=decoded.gln)
        )
    return PlaceLabel(decoded.gln_extension)


def _trade_item(decoded: Decoded, gtin: str) -> ItemLabel:
    quantity = None if decoded.quantity is None else Decimal(decoded.quantity)
    unit_seen = BASE_UNIT if decoded.is_piece_count else gtin
    weight_kg = decoded.weight_kg if gtin[0] == _VARIABLE_MEASURE else None
    if decoded.scheme is Scheme.SGTIN and decoded.pure_uri is not None:
        return ItemLabel(
            Identifier(scheme="sgtin", value=decoded.pure_uri),
            unit_seen,
            quantity,
            decoded.lot,
            (decoded.pure_uri,),
            weight_kg,
            decoded.dates,
        )
    named = Identifier(scheme="gtin", value=gtin)
    return ItemLabel(named, unit_seen, quantity, decoded.lot, (), weight_kg, decoded.dates)


def _own_label(decoded: Decoded, site: WorkflowSettings) -> Label:
    item = _matched(site.item_pattern, decoded.text)
    place = _matched(site.location_pattern, decoded.text)
    if item is not None and place is not None:
        raise RefusedError(
            Refusal.AMBIGUOUS,
            say("{text!r} matches both item_pattern and location_pattern of this site", text=decoded.text),
        )
    if len(item or place or "") > _LONGEST_CODE:
        raise RefusedError(
            Refusal.UNKNOWN_CODE,
            say("{text!r} is longer than {most} characters", text=decoded.text, most=_LONGEST_CODE),
        )
    if place is not None and place.startswith(VIRTUAL_PREFIX):
        raise RefusedError(
            Refusal.FOREIGN_PLACE,
            say("{place!r} is an account, expected a place one can stand at", place=place),
        )
    if place is not None:
        return PlaceLabel(place)
    if item is not None:
        return ItemLabel(Identifier(scheme="local", value=item), BASE_UNIT)
    raise RefusedError(Refusal.UNKNOWN_CODE, say("{text!r} is no label of this site", text=decoded.text))


def _matched(pattern: str | None, text: str) -> str | None:
    match = None if pattern is None else re.fullmatch(pattern, text)
    if match is None:
        return None
    return match["code"] if "code" in match.re.groupindex else match[0]
