"""What a serial was made of and which kits hold it, through kits of kits; where each is and who got it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.lots import store
from cloud.lots.domain import READERS, LotKey, UnknownLotError
from cloud.lots.genealogy import Genealogy, Relative, trace
from cloud.lots.reading import Whereabouts, whereabouts


class FoundSerial(NamedTuple):
    """A serial and its item."""

    serial: str
    """As its tag has it."""
    item_id: int
    item: str
    item_name: str | None
    base_unit: str
    lot: str | None

    @property
    def key(self) -> LotKey:
        """Names it."""
        return LotKey(self.item_id, None, self.serial)


class SerialStand(NamedTuple):
    """Where a serial is."""

    serial: str
    site: str
    time_zone: str
    item: str
    lot: str | None
    place: str
    """Code of the place, account or unit that it was put into last."""
    place_kind: str
    stands: str | None
    """Where that unit stands, if it is one."""
    disposition: str | None
    since_at: datetime
    partner: str | None
    """Who got it, by itself or with its unit."""
    papers: str | None
    """The documents that it left under."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Something in a serial's genealogy, and where it is."""

    relative: Relative
    stand: SerialStand | None
    """Of a serial; None: at no site of whoever asks."""
    whereabouts: Whereabouts | None
    """Of a lot."""


@dataclass(frozen=True, slots=True)
class SerialGenealogy:
    """A serial with everything that it was made of, and that was made of it."""

    serial: FoundSerial
    genealogy: Genealogy
    forward: tuple[Reached, ...]
    """The serial itself, then what holds it: what a recall of it must reach."""
    backward: tuple[Reached, ...]
    """What it was made of."""


def serial_genealogy(conn: Connection, actor: Actor, *, names: Sequence[str]) -> SerialGenealogy:
    """Tell what a serial was made of, which kits hold it, and where all of that is.

    Args:
        conn: In a transaction.
        actor: Who asks; what lies at sites out of reach is not told.
        names: How its tag may name it.

    Returns:
        The genealogy.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownLotError: If nothing of it stands at the actor's sites.
        LotError: If too much is related.
    """
    act_as(conn, actor.narrowed(*READERS))
    found = store.row(conn, FoundSerial, "find_serial", names=list(names))
    if found is None:
        raise UnknownLotError(f"no movement at your sites names serial {names[0]!r:.200}")
    made = trace(
        found.key,
        found.item,
        found.base_unit,
        lambda keys, is_forward: store.serial_links(conn, keys, are_consumed=is_forward),
    )
    forward = made.forward()
    backward = [each for each in made.backward() if each.steps]
    return SerialGenealogy(found, made, _reached(conn, forward), _reached(conn, backward))


def _reached(conn: Connection, relatives: Sequence[Relative]) -> tuple[Reached, ...]:
    serials = [each.key.serial for each in relatives if each.key.serial]
    stands = {row.serial: row for row in store.rows(conn, SerialStand, "serials_stand", serials=serials)}
    lots = [each for each in relatives if not each.key.serial]
    lying = {each.relative.key: each for each in whereabouts(conn, lots)} if lots else {}
    return tuple(Reached(each, stands.get(each.key.serial or ""), lying.get(each.key)) for each in relatives)
