"""A later lot than the one that expires first, picked without a task: whoever scans it is asked once; pure.

What expires first is what the cloud said last, so it works without a network. Of a lot of which neither the
cloud nor its label says a date nothing is asked: it may be new.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final, Protocol

from contracts.offline import PickableLot
from contracts.records import Identifier
from edge_agent.workflows.expired import asked_about
from edge_agent.workflows.kinds import Workflow
from edge_agent.workflows.labels import BASE_UNIT, ItemLabel
from edge_agent.workflows.prompts import say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.scene import Scene
from edge_agent.workflows.state import Run

_FIRST_ZONE: Final = timedelta(hours=14)
"""How far ahead of UTC the first time zone is."""
_DAY: Final = timedelta(days=1)
"""A label names the last good day, the cloud the first on which a lot is no longer good."""
_NEVER: Final = date.max


class KnownLots(Protocol):
    """Lots of an item that could be picked, as they expire."""

    def __call__(self, *names: Identifier) -> Sequence[PickableLot]:
        """List them; the names are what a label of the item says."""


def no_lots(*_names: Identifier) -> Sequence[PickableLot]:
    """Know of no lot."""
    return ()


def earlier_lot(run: Run, label: ItemLabel, lots: KnownLots, scene: Scene) -> PickableLot | None:
    """Find the lot that should be picked before the one that was scanned.

    Args:
        run: The work under way.
        label: The goods.
        lots: What the cloud said could be picked.
        scene: The scan's circumstances; a clock that is not sure finds nothing.

    Returns:
        The lot that expires first, if it surely does so before the scanned one and has surely not expired;
        None if there is none, or the work is no pick without a task. Where goods are brought to is no place
        to pick from.
    """
    if run.workflow is not Workflow.PICK or run.is_task or not scene.now.clock_ok:
        return None
    known = lots(label.identifier, *_level_of(label))
    told = [each.expires_on or _NEVER for each in known if each.lot == label.lot]
    until = None if label.expiry is None else label.expiry + _DAY
    expires_on = told[0] if told else until
    if expires_on is None:
        return None
    surely_good = (scene.now.at + _FIRST_ZONE).date()
    ends = {scene.site.staging, scene.site.returns}
    for each in known:
        if each.expires_on is None or each.expires_on >= expires_on:
            return None
        places = tuple(place for place in each.places if place not in ends)
        if places and each.expires_on > surely_good:
            return each.model_copy(update={"places": places})
    return None


def _level_of(label: ItemLabel) -> Iterator[Identifier]:
    """Give the GTIN of the packaging level that a label names: of an SGTIN nothing else tells the item."""
    if label.unit_seen != BASE_UNIT:
        yield Identifier(scheme="gtin", value=label.unit_seen)


def passing_over(run: Run | None, lot: PickableLot | None) -> Run | None:
    """Have records name a lot that is passed over.

    Args:
        run: The work under way, if any.
        lot: The lot; None: none is.

    Returns:
        The work whose records do.
    """
    if run is None:
        return None
    return replace(run, passed_over=None if lot is None else lot.lot)


def ask_which(run: Run, label: ItemLabel, earlier: PickableLot | None) -> None:
    """Refuse a later lot, until it is scanned again.

    Args:
        run: The work under way.
        label: The goods.
        earlier: The lot that should be picked before them.

    Raises:
        RefusedError: If there is one, and the work was not told yet to take these all the same.
    """
    if earlier is None or asked_which(label) in run.asked_about:
        return
    raise RefusedError(
        Refusal.EARLIER_LOT,
        say(
            "lot {lot} at {place} expires earlier ({day}): take it, or scan this again to pick it anyway",
            lot=earlier.lot,
            day=str(earlier.expires_on),
            place=earlier.places[0],
        ),
    )


def asked_which(label: ItemLabel) -> str:
    """Name what is asked about once: goods of one kind, lot and date.

    Args:
        label: One of them.

    Returns:
        The same for each of them, and none that ``asked_about`` gives.
    """
    return f"first/{asked_about(label)}"
