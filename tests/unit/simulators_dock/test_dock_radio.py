"""The radio of the dock obeys physics: distance, direction, blocking, contention."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulators.warehouse.dock.doors import dock_front
from simulators.warehouse.dock.goods import Factory, Goods
from simulators.warehouse.dock.inventory import HOP_S, Inventory, Round
from simulators.warehouse.dock.paths import INWARD, Load, Way
from simulators.warehouse.dock.radio import ETSI, Link, Motion, RadioField

DOORS = dock_front(3)
DOOR = DOORS[0]
FIELDS = 24
"""So many sets of scatterers are averaged over: fading is no law, its mean is."""


def one_tag(*, absorption: float = 0.0, ahead: float = 0.61) -> Goods:
    return Goods(
        name="probe",
        epcs=(bytes(12),),
        units=(),
        offsets=np.array([[ahead, 0.0, 1.2]]),
        axes=np.array([[0.0, 0.0, 1.0]]),
        sensitivity_dbm=np.array([-18.0]),
        stuck_db=np.array([0.0]),
        box=(0.6, 0.4, 1.5),
        absorption_db_per_m=absorption,
    )


def mean_over_fields(goods: Goods, places: list[tuple[float, float]], carrier: str = "none") -> Link:
    motion = Motion(
        np.arange(len(places)) * 100.0,
        np.array(places),
        np.array([0.0, 1.0]),
        carrier,
        np.ones(len(places), np.bool_),
    )
    links = [
        RadioField(DOOR, DOORS, np.random.default_rng(seed)).link(goods, motion, channel=0)
        for seed in range(FIELDS)
    ]
    return Link(
        *(np.mean([getattr(link, name) for link in links], axis=0) for name in Link.__dataclass_fields__)
    )


def rounds_of(loads: list[Load], seconds: float, slot_s: float = 0.003) -> list[Round]:
    inventory = Inventory(DOOR, DOORS, loads, np.random.default_rng(5), slot_s=slot_s)
    return [
        found for begin in np.arange(0.0, seconds, HOP_S) for found in inventory.during(begin, begin + HOP_S)
    ]


def standing(goods: Goods, y: float, seconds: float = 100.0) -> Load:
    return Load(goods, Way.begin(0.0, DOOR.x, y).wait(seconds), INWARD, "none", ())


def test_a_tag_is_heard_weaker_the_farther_it_is() -> None:
    x, y, _ = DOOR.antennas[0].place
    along = [(x + distance * np.sqrt(0.5), y + 0.61 + distance * np.sqrt(0.5)) for distance in (1, 2, 4, 8)]
    heard = mean_over_fields(one_tag(ahead=-0.61), along).rssi_dbm[0, 0]
    assert (np.diff(heard) < -2).all()
    doublings = (heard[0] - heard[-1]) / 3
    assert 9 < doublings < 16, "twice as far costs 12 dB in free space, both ways together"


def test_a_pair_of_antennas_hears_its_own_side_louder() -> None:
    link = mean_over_fields(one_tag(), [(0.0, 3.0), (0.0, -2.5)])
    inside, outside = link.rssi_dbm[0, :2].mean(axis=0), link.rssi_dbm[0, 2:].mean(axis=0)
    assert inside[0] > outside[0] + 6
    assert outside[1] > inside[1] + 6


def test_goods_and_forklifts_in_the_way_weaken_a_tag() -> None:
    clear = mean_over_fields(one_tag(ahead=-0.61), [(0.0, -2.5)]).rssi_dbm[0, 2:].mean()
    water = mean_over_fields(one_tag(absorption=40.0, ahead=-0.61), [(0.0, -2.5)]).rssi_dbm[0, 2:].mean()
    truck = mean_over_fields(one_tag(ahead=-0.61), [(0.0, 3.0)], "truck").rssi_dbm[0, :2].mean()
    free = mean_over_fields(one_tag(ahead=-0.61), [(0.0, 3.0)]).rssi_dbm[0, :2].mean()
    assert water < clear - 10
    assert truck < free - 10


def test_the_wall_and_its_trailers_shield_the_next_door() -> None:
    own, other = DOOR.x, DOORS[1].x
    link = mean_over_fields(one_tag(), [(own, -2.0), (other, -2.0), (other, 3.0)])
    loudest = link.rssi_dbm[0].max(axis=0)
    assert loudest[0] > loudest[1] + 40
    assert loudest[0] > loudest[2] > loudest[1], "inside, a neighbour does hear strays"


def test_phase_turns_once_for_half_a_wavelength() -> None:
    wavelength = 299_792_458.0 / 865.7e6
    steps = np.linspace(0.0, wavelength / 2, 9)
    x, y, _ = DOOR.antennas[0].place
    goods = one_tag()
    field = RadioField(DOOR, DOORS, np.random.default_rng(3))
    ray = np.array([np.sqrt(0.5), np.sqrt(0.5)])
    start = np.array([x, y - 0.61]) + 1.5 * ray
    places = start + steps[:, np.newaxis] * ray
    link = field.link(
        goods,
        Motion(steps * 0.0, places, np.array([0.0, 1.0]), "none", np.zeros(len(steps), np.bool_)),
        channel=0,
    )
    turned = np.unwrap(link.angle_rad[0, 0])
    assert turned[-1] - turned[0] == pytest.approx(2 * np.pi, abs=0.8)


def test_a_reader_shares_its_reads_among_the_tags_in_its_field() -> None:
    factory = Factory(np.random.default_rng(8))
    lone, crowd = standing(factory.cart(1), 2.0), [standing(factory.pallet(), 2.0) for _ in range(2)]
    alone = rounds_of([lone], 20.0)
    together = rounds_of([lone, *crowd], 20.0)

    def reads(rounds: list[Round], epc: bytes) -> int:
        return sum(found.epcs.count(epc) for found in rounds)

    epc = lone.goods.epcs[0]
    assert 0 < reads(together, epc) < reads(alone, epc) / 2
    for rounds in (alone, together):
        a_second = sum(len(found.epcs) for found in rounds) / 20.0
        assert 5 < a_second < 334
    assert sum(len(found.epcs) for found in together) > sum(len(found.epcs) for found in alone)


def test_reads_are_what_readers_report() -> None:
    goods = Factory(np.random.default_rng(8)).pallet()
    rounds = rounds_of([standing(goods, 1.5)], 10.0)
    assert {found.antenna for found in rounds} == {1, 2, 3, 4}
    rssi = np.concatenate([found.rssi_dbm for found in rounds])
    phase = np.concatenate([found.phase_deg for found in rounds])
    assert (rssi * 2 == np.round(rssi * 2)).all(), "quantised by half a decibel"
    assert rssi.min() >= -92
    assert rssi.max() <= -25
    assert 0 <= phase.min() < phase.max() < 360
    for found in rounds:
        assert set(found.epcs) <= set(goods.epcs)
        assert (np.diff(found.seconds) > 0).all()
        assert found.seconds[-1] <= found.end_s + 1e-9


def test_a_tag_out_of_reach_or_dead_is_never_read() -> None:
    factory = Factory(np.random.default_rng(8))
    far = standing(factory.pallet(), 11.5)
    dead = one_tag()
    dead = Goods(**{**vars(dead), "sensitivity_dbm": np.array([np.inf])})
    assert sum(len(found.epcs) for found in rounds_of([standing(dead, 1.0)], 6.0)) == 0
    assert sum(len(found.epcs) for found in rounds_of([far], 6.0)) < 20


def test_the_same_seed_reads_the_same() -> None:
    def heard() -> list[Any]:
        goods = Factory(np.random.default_rng(8)).pallet()
        return [
            (found.epcs, found.seconds.tolist(), found.rssi_dbm.tolist(), found.phase_deg.tolist())
            for found in rounds_of([standing(goods, 1.5)], 4.0)
        ]

    first = heard()
    assert first
    assert first == heard()


def test_metal_walls_mirror_what_is_in_the_trailer_and_nothing_else() -> None:
    places = np.array([(DOOR.x + 0.3, y) for y in np.linspace(-3.0, 3.0, 121)])
    motion = Motion(np.arange(121.0), places, np.array([0.0, 1.0]), "none", np.ones(121, np.bool_))

    def link(metal: float) -> Link:
        field = RadioField(DOOR, DOORS, np.random.default_rng(3), replace(ETSI, metal=metal))
        return field.link(one_tag(), motion, channel=0)

    plain, steel = link(0.0), link(0.9)
    change_db = np.abs(steel.powered_dbm - plain.powered_dbm)[0]
    tags_y = places[:, 1] + 0.61
    assert change_db[:, tags_y > 0].max() == 0, "no ray from the hall meets a wall of the trailer"
    assert change_db[:, tags_y < -0.5].max() > 3
    assert np.median(change_db[:, tags_y < -0.5]) < 6, "an image is weaker than the tag"
    assert np.abs(steel.angle_rad - plain.angle_rad)[0][:, tags_y < -0.5].max() > 0.3, "phase is bent too"
