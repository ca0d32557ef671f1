"""Goods and their tags: what is drawn once about a pallet, a case or a badge, wherever it goes later."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from simulators.warehouse.dock import epc
from simulators.warehouse.dock.habits import USUAL

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator

OWN_PREFIX: Final = "9520007"
"""GS1's prefix 952 is for demonstrations: no shop sells these numbers."""
SUPPLIER_PREFIX: Final = "9520011"
FOREIGN_PREFIX: Final = "0614141"
FOREIGN_PATTERNS: Final = (r"urn:epc:id:(sgtin|sscc):0614141\..*",)

_SENSITIVITY_DBM: Final = (-18.0, 1.2)
"""Mean and spread of the power that wakes a tag, its antenna's gain included."""
_MATERIALS: Final = ((0.50, 4.0, 0.5), (0.30, 10.0, 1.5), (0.12, 40.0, 4.0), (0.08, 55.0, 5.0))
"""Share of pallets, dB per metre of goods, dB that a tag loses on them: paper and clothes, mixed
food, liquids, cans."""
_DEAD_SHARE: Final = 0.001
"""Tags that passed the printer's check and died since."""
_BADGE_SHARE: Final = 0.7
"""People with a badge; others carry a label that was never encoded."""
_OUTWARD_SHARE: Final = 0.65
"""Case tags that look out of their pallet; others face another case."""
_SHIPPING_LABEL_SIDES: Final = ((0.35, (1, 1)), (0.35, (1, -1)), (0.20, (0, 1)), (0.10, (0, -1)))
"""Share of pallets by the side of their label: axis (0 ahead, 1 sideways) and sign, seen from the forks."""


@dataclass(frozen=True)
class Item:
    """What is bought and sold: a base unit and a case of it."""

    number: int
    case_units: int
    """Base units in a case."""

    @property
    def code(self) -> str:
        """The site's item code."""
        return f"SKU-{self.number:03d}"

    @property
    def base_gtin(self) -> str:
        """GTIN-14 of one."""
        return self._gtin("0")

    @property
    def case_gtin(self) -> str:
        """GTIN-14 of a case."""
        return self._gtin("1")

    def _gtin(self, indicator: str) -> str:
        body = f"{indicator}{SUPPLIER_PREFIX}{self.number:05d}"
        return body + epc.check_digit(body)


@dataclass(frozen=True)
class Goods:
    """One thing that moves as a whole, in a frame whose first axis is ahead, second left, third up."""

    name: str
    epcs: tuple[bytes, ...]
    units: tuple["Unit", ...]
    """The topmost units in it, empty for what is no stock of ours."""
    offsets: Floats
    """[tags, 3] from the middle of the goods' floor area, metres; up from the floor."""
    axes: Floats
    """[tags, 3] unit vectors along each tag's antenna."""
    sensitivity_dbm: Floats
    """[tags], infinite for a dead tag."""
    stuck_db: Floats
    """[tags] loss of the tag on its surface, each way."""
    box: tuple[float, float, float]
    """Half length, half width, height of what absorbs."""
    absorption_db_per_m: float
    contents: tuple[tuple[Item, int], ...] = ()
    """Cases by item, of a pallet."""

    def only(self, tags: npt.NDArray[np.intp]) -> "Goods":
        """Leave out tags.

        Args:
            tags: Indices of those that stay.

        Returns:
            The goods with these tags.
        """
        return replace(
            self,
            epcs=tuple(self.epcs[int(tag)] for tag in tags),
            offsets=self.offsets[tags],
            axes=self.axes[tags],
            sensitivity_dbm=self.sensitivity_dbm[tags],
            stuck_db=self.stuck_db[tags],
        )


@dataclass(frozen=True)
class Unit:
    """A topmost unit of the truth: a pallet with an SSCC, or a loose case."""

    epc: bytes
    sscc: str | None
    item: Item | None
    """Of a loose case."""


_CASE_SIZES: Final = (6, 10, 12, 24)
"""Of items in their order: every seed's warehouse has the same item master."""


class Factory:
    """Makes goods with fresh serial numbers."""

    def __init__(self, rng: Generator, edition: datetime | None = None) -> None:
        """Draw the item master.

        Args:
            rng: Seeded; every drawing of goods goes through it.
            edition: Gives serial numbers that no edition of the last days used, a second apart for each
                thousand; None draws them from the seed too.
        """
        self._rng = rng
        drawn = int(rng.integers(1_000, 1_000_000))
        self._serial = (drawn if edition is None else int(edition.timestamp()) % 1_000_000) * 1_000
        self.items = tuple(Item(n, _CASE_SIZES[n % len(_CASE_SIZES)]) for n in range(1, 25))

    def pallet(
        self,
        *,
        is_foreign: bool = False,
        with_items: bool = False,
        cases: tuple[int, int] = USUAL.cases_per_pallet,
    ) -> Goods:
        """Make a pallet: an SSCC label and tagged cases.

        Args:
            is_foreign: Whether it belongs to another company.
            with_items: Whether some of the items in the cases have tags too.
            cases: The least of them, and one more than the most.

        Returns:
            The pallet.
        """
        rng = self._rng
        prefix = FOREIGN_PREFIX if is_foreign else SUPPLIER_PREFIX
        drawn = int(rng.integers(*cases))
        item = self._item()
        share, absorption, stuck = _MATERIALS[rng.choice(4, p=[row[0] for row in _MATERIALS])]
        del share
        box = (0.6, 0.4, float(rng.uniform(0.9, 1.8)))
        body = f"0{prefix}{self._next() % 10**9:09d}"
        sscc = body + epc.check_digit(body)
        label = epc.sscc96(sscc, len(prefix))
        numbers = [
            epc.sgtin96(self._case_gtin(item, prefix), len(prefix), self._next(), filter_value=2)
            for _ in range(drawn)
        ]
        if with_items:
            numbers += [
                epc.sgtin96(item.base_gtin, len(SUPPLIER_PREFIX), self._next(), filter_value=1)
                for _ in range(int(rng.integers(40, 121)))
            ]
        offsets = np.vstack([self._label_place(box), self._inner_places(box, len(numbers))])
        losses = np.concatenate([[0.5 * stuck], np.full(len(numbers), stuck)])
        return self._goods(
            f"pallet {sscc}",
            (label, *numbers),
            () if is_foreign else (Unit(label, sscc, None),),
            offsets,
            losses,
            box,
            absorption,
            ((item, drawn),),
        )

    def cart(self, cases: int) -> Goods:
        """Make a hand cart with loose cases.

        Args:
            cases: Number of cases, >= 1.

        Returns:
            The cart.
        """
        share, absorption, stuck = _MATERIALS[self._rng.choice(4, p=[row[0] for row in _MATERIALS])]
        del share
        units = []
        for _ in range(cases):
            item = self._item()
            number = epc.sgtin96(item.case_gtin, len(SUPPLIER_PREFIX), self._next(), filter_value=2)
            units.append(Unit(number, None, item))
        box = (0.4, 0.3, 0.5 + 0.25 * ((cases + 1) // 2))
        return self._goods(
            f"cart of {cases}",
            tuple(unit.epc for unit in units),
            tuple(units),
            self._surface_places(box, cases, lowest=0.5),
            np.full(cases, stuck),
            box,
            absorption,
        )

    def badge(self) -> Goods:
        """Make a person with a badge that is no GS1 number, or a label fresh from the factory."""
        if self._rng.random() < _BADGE_SHARE:
            number = bytes.fromhex("E2806894") + self._next().to_bytes(8, "big")
        else:
            number = bytes(12)
        box = (0.15, 0.25, 1.75)
        place = np.array([[0.16, 0.1, 1.3]])
        return self._goods("person", (number,), (), place, np.array([4.0]), box, 60.0)

    def truck_tag(self) -> bytes:
        """Number a forklift."""
        return epc.giai96(OWN_PREFIX, self._next())

    def _item(self) -> Item:
        return self.items[int(self._rng.integers(len(self.items)))]

    def _case_gtin(self, item: Item, prefix: str) -> str:
        body = f"1{prefix}{item.number:05d}"
        return body + epc.check_digit(body)

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    def _goods(  # noqa: PLR0917  one call per kind of goods, in the order of the fields
        self,
        name: str,
        epcs: tuple[bytes, ...],
        units: tuple[Unit, ...],
        offsets: Floats,
        stuck_db: Floats,
        box: tuple[float, float, float],
        absorption: float,
        contents: tuple[tuple[Item, int], ...] = (),
    ) -> Goods:
        tags = len(epcs)
        sensitivity = self._rng.normal(*_SENSITIVITY_DBM, tags)
        sensitivity[self._rng.random(tags) < _DEAD_SHARE] = np.inf
        axes = self._rng.normal(size=(tags, 3)) * np.array([1.0, 1.0, 0.5])
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        stuck = stuck_db + np.abs(self._rng.normal(0.0, 1.0, tags))
        return Goods(name, epcs, units, offsets, axes, sensitivity, stuck, box, absorption, contents)

    def _label_place(self, box: tuple[float, float, float]) -> Floats:
        shares = [share for share, _ in _SHIPPING_LABEL_SIDES]
        axis, sign = _SHIPPING_LABEL_SIDES[self._rng.choice(4, p=shares)][1]
        place = np.array(
            [self._rng.uniform(-0.3, 0.3), self._rng.uniform(-0.3, 0.3), self._rng.uniform(0.4, 0.8)]
        )
        place[axis] = sign * (box[axis] + 0.01)
        return place[np.newaxis]

    def _inner_places(self, box: tuple[float, float, float], count: int) -> Floats:
        places = self._surface_places(box, count, lowest=0.2)
        inner = self._rng.random(count) >= _OUTWARD_SHARE
        shrink = self._rng.uniform(0.1, 0.9, (count, 1))
        places[inner, :2] *= shrink[inner]
        return places

    def _surface_places(self, box: tuple[float, float, float], count: int, *, lowest: float) -> Floats:
        rng = self._rng
        places = np.column_stack(
            [
                rng.uniform(-box[0], box[0], count),
                rng.uniform(-box[1], box[1], count),
                rng.uniform(lowest, max(box[2], lowest + 0.1), count),
            ]
        )
        axis = (rng.random(count) < box[0] / (box[0] + box[1])).astype(int)
        sign = rng.choice([-1.0, 1.0], count)
        rows = np.arange(count)
        places[rows, axis] = sign * (np.array(box)[axis] + 0.01)
        return places
