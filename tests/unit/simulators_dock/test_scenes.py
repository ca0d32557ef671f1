"""Scenes beside the usual dock: seeded, each hard in its own way, and none changes what a seed was before."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from edge_agent.config.site_file import load_portals
from simulators.warehouse.dock.beams import beam_changes
from simulators.warehouse.dock.doors import Door, dock_front
from simulators.warehouse.dock.goods import Factory
from simulators.warehouse.dock.habits import HARD, USUAL
from simulators.warehouse.dock.papers import truth_lines, write_papers
from simulators.warehouse.dock.radio import ETSI, Motion, RadioField
from simulators.warehouse.dock.recording import write_recording
from simulators.warehouse.dock.scenes import SCENES, plan_scene
from simulators.warehouse.dock.world import World, plan_day, plan_world

START_AT = datetime(2026, 3, 2, 6, tzinfo=UTC)


def truth(world: World) -> list[dict[str, object]]:
    return list(truth_lines(world, START_AT))


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_is_a_seeds_and_has_the_crossings_asked_for(scene: str, tmp_path: Path) -> None:
    world = plan_scene(scene, 3, 12)
    assert len(world.crossings) == 12
    assert truth(world) == truth(plan_scene(scene, 3, 12))
    assert truth(world) != truth(plan_scene(scene, 4, 12))
    write_papers(world, tmp_path, START_AT, site="s", gateway="g")
    kinds = {portal.kind for portal in load_portals(tmp_path / "site.toml")}
    assert kinds == {door.kind for door in world.doors}


def test_the_usual_scene_is_the_dock_of_before() -> None:
    assert truth(plan_scene("usual", 5, 20)) == truth(plan_world(5, 20, 3))
    same = plan_day(5, 20, dock_front(3), USUAL, ETSI)
    assert (same.loads[0].way, same.loads[-1].way) == (
        plan_world(5, 20, 3).loads[0].way,
        plan_world(5, 20, 3).loads[-1].way,
    )


def test_the_hard_scene_waits_turns_back_parks_and_has_two_hundred_tags_a_pallet() -> None:
    world = plan_scene("hard", 2, 60)
    pallets = [load.goods for load in world.loads if load.goods.contents and load.goods.units]
    assert min(len(goods.epcs) for goods in pallets) > 180
    kinds = [seen.happening for seen in world.appearances]
    usual = [seen.happening for seen in plan_scene("usual", 2, 60).appearances]
    for kind in ("carried_back", "parked"):
        assert kinds.count(kind) > usual.count(kind)
    doors = {door.portal: door for door in world.doors}
    for seen in world.appearances:
        if seen.happening == "parked":
            door = doors[seen.portal or ""]
            load = next(load for load in world.loads if load.way.begin_s == seen.begin_s)
            x, y = load.way.xs[1], load.way.ys[1]
            nearest = min(np.hypot(x - each.place[0], y - each.place[1]) for each in door.antennas)
            assert 0.7 <= nearest <= 2.0
    assert HARD.pauses_in_doorway + HARD.steps_back > 0.5


def test_a_belts_cases_never_overtake_and_halt_together() -> None:
    world = plan_scene("conveyor", 6, 40)
    for visit in world.visits:
        units = {unit.epc for unit in visit.loose}
        ways = [load.way for load in world.loads if {unit.epc for unit in load.goods.units} & units]
        at = np.array([way.crosses_at(visit.door.plane_y) for way in ways])
        order = np.argsort([way.begin_s for way in ways], kind="stable")
        assert (np.diff(at[order]) > 0).all()
        for way in ways:
            assert sorted((way.ys[0], way.ys[-1])) == pytest.approx([-4.0, 7.0])
            assert (np.diff(way.seconds) >= 0).all()


def test_photo_eyes_of_a_belt_see_every_case_by_itself() -> None:
    world = plan_scene("conveyor", 6, 40)
    door = world.doors[1]
    crossed = [seen for seen in world.crossings if seen.portal == door.portal]
    broken = [change for change in beam_changes(door, world.loads) if change.is_broken and change.port == 1]
    assert len(crossed) <= len(broken) <= len(crossed) + 2 * len(world.loads)


def test_antennas_of_a_row_hear_a_load_one_after_the_other() -> None:
    for kind in ("overhead_array", "conveyor"):
        door = Door(1, kind)  # type: ignore[arg-type]  both are kinds
        goods = Factory(np.random.default_rng(8)).cart(1)
        seconds = np.arange(0.0, 8.0, 0.02)
        place = np.column_stack([np.zeros(len(seconds)), seconds - 4.0 + door.plane_y])
        motion = Motion(seconds, place, np.array([0.0, 1.0]), "none", np.zeros(len(seconds), np.bool_))
        means = []
        for seed in range(6):
            field = RadioField(door, (door,), np.random.default_rng(seed))
            power = 10 ** (field.link(goods, motion, 0).rssi_dbm[0] / 10)
            means.append((power * seconds).sum(axis=1) / power.sum(axis=1))
        middles = np.mean(means, axis=0)
        assert middles[:2].max() < middles[2:].min()


def test_other_conditions_change_the_radio_and_nothing_else(tmp_path: Path) -> None:
    reads = {}
    for scene in ("usual", "slow"):
        world = plan_scene(scene, 3, 2)
        assert truth(world) == truth(plan_scene("usual", 3, 2))
        reads[scene] = write_recording(world, tmp_path / scene, START_AT)
    assert reads["slow"] < 0.7 * reads["usual"]
