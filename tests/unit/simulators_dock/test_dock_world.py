"""A dock's world is one seed's, tells the truth before it moves, and is not an easy one."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.llrp_recording import read_entries
from contracts.offline import Assignment
from simulators.cli import main
from simulators.llrp_reader.messages import decode_message, name_of
from simulators.warehouse.dock.beams import beam_changes
from simulators.warehouse.dock.doors import INNER_BEAM_PORT, OUTER_BEAM_PORT
from simulators.warehouse.dock.papers import documents, truth_lines, write_papers
from simulators.warehouse.dock.play import LivePlan, PlanError
from simulators.warehouse.dock.recording import write_recording
from simulators.warehouse.dock.world import World, plan_live, plan_world

START_AT = datetime(2026, 3, 2, 6, tzinfo=UTC)
SEEDS = (1, 2, 3, 4, 5)


def truth(world: World) -> list[dict[str, Any]]:
    return list(truth_lines(world, START_AT))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_has_the_crossings_asked_for_and_a_fifth_of_strays(seed: int) -> None:
    world = plan_world(seed, 200, 3)
    assert len(world.crossings) == 200
    assert world.stray_share >= 0.20
    happenings = {seen.happening for seen in world.appearances}
    assert happenings == {"crossing", "carried_back", "parked", "passing"}
    assert {seen.direction for seen in world.crossings} == {"in", "out"}
    assert {seen.portal for seen in world.crossings} == {"dock-1", "dock-2", "dock-3"}
    assert {seen.unit.sscc is None for seen in world.crossings} == {True, False}


@pytest.mark.parametrize("crossings", [1, 7])
def test_small_worlds_are_exact_too(crossings: int) -> None:
    world = plan_world(9, crossings, 1)
    assert len(world.crossings) == crossings
    assert world.stray_share >= 0.20


def test_a_seed_is_a_world_and_another_seed_another() -> None:
    assert truth(plan_world(3, 30, 3)) == truth(plan_world(3, 30, 3))
    assert truth(plan_world(3, 30, 3)) != truth(plan_world(4, 30, 3))


def test_who_was_carried_back_never_stayed_beyond_the_door() -> None:
    world = plan_world(2, 100, 3)
    doors = {door.portal: door for door in world.doors}
    ways = {(load.way.begin_s, unit.epc): load.way for load in world.loads for unit in load.goods.units}
    turned = [seen for seen in world.appearances if seen.happening == "carried_back"]
    assert turned
    for seen in turned:
        way, plane_y = ways[seen.begin_s, seen.unit.epc], doors[seen.portal or ""].plane_y
        assert way.ys[0] == way.ys[-1]
        beyond = [plane_y - y if way.ys[0] > 0 else y - plane_y for y in way.ys]
        assert max(beyond) <= 1.2


def test_goods_are_in_one_place_at_a_time() -> None:
    world = plan_world(5, 200, 3)
    seen: dict[bytes, float] = {}
    for appearance in world.appearances:
        assert seen.get(appearance.unit.epc, -1.0) < appearance.begin_s
        seen[appearance.unit.epc] = appearance.end_s


def test_every_crossing_lies_in_its_visit_and_on_its_document() -> None:
    world = plan_world(1, 120, 3)
    visits = {visit.visit: visit for visit in world.visits}
    for crossing in world.crossings:
        visit = visits[crossing.visit or ""]
        assert crossing.at_s is not None
        assert visit.from_s <= crossing.at_s <= visit.to_s
        assert (visit.door.portal, visit.direction) == (crossing.portal, crossing.direction)
        declared = {pallet.units[0].epc for pallet in visit.pallets} | {unit.epc for unit in visit.loose}
        assert crossing.unit.epc in declared


def test_the_truth_and_the_papers_are_on_disk_before_anything_is_played(tmp_path: Path) -> None:
    world = plan_world(6, 40, 3)
    write_papers(world, tmp_path, START_AT, site="leeds", gateway="docks")
    lines = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text("utf-8").splitlines()]
    assert lines[0]["crossings"] == 40 == sum(line["kind"] == "crossing" for line in lines)
    assigned = Assignment.model_validate_json((tmp_path / "assignment.json").read_bytes())
    assert {visit.visit for visit in assigned.visits} == {visit.visit for visit in world.visits}
    crossed = {line["unit"] for line in lines if line["kind"] == "crossing" and line["unit"]}
    expected = {unit for visit in assigned.visits for line in visit.lines for unit in line.units}
    assert crossed == expected
    papers = json.loads((tmp_path / "documents.json").read_text("utf-8"))
    assert papers == documents(world, START_AT, site="leeds", gateway="docks")
    there = {stock.get("unit", stock["identifier"]["value"]) for stock in papers["opening"]}
    leave = {
        line["unit"] or line["gtin"]
        for line in lines
        if line["kind"] == "crossing" and line["direction"] == "out"
    }
    assert there == leave
    known = {level["gtin"] for item in papers["items"] for level in item["levels"]}
    for document in papers["documents"]:
        assert {line["identifier"]["value"] for line in document["lines"]} <= known
        assert all(len(line["units"]) <= 1 for line in document["lines"])


def test_a_recording_says_what_the_readers_saw_in_the_order_of_arrival(tmp_path: Path) -> None:
    world = plan_world(1, 3, 2)
    first = write_recording(world, tmp_path / "first", START_AT)
    assert first == write_recording(world, tmp_path / "second", START_AT)
    data = (tmp_path / "first").read_bytes()
    assert data == (tmp_path / "second").read_bytes()
    entries = list(read_entries(data))
    arrivals = [entry.arrived_us for entry in entries]
    assert arrivals == sorted(arrivals)
    assert {entry.reader for entry in entries} == {"r1", "r2"}
    assert {name_of(entry.message) for entry in entries} == {"RO_ACCESS_REPORT", "READER_EVENT_NOTIFICATION"}
    tags = 0
    for entry in entries:
        body = decode_message(entry.message).body
        tags += sum(part.name == "TagReportData" for part in body.parameters)
    assert tags == first > 500


def test_beams_alternate_and_goods_coming_in_break_the_outer_one_first() -> None:
    world = plan_world(8, 60, 3)
    door = world.doors[-1]
    changes = beam_changes(door, world.loads)
    for port in (OUTER_BEAM_PORT, INNER_BEAM_PORT):
        states = [change.is_broken for change in changes if change.port == port]
        assert states == [n % 2 == 0 for n in range(len(states))]
    assert not beam_changes(world.doors[0], world.loads)
    comes = next(seen for seen in world.crossings if seen.portal == door.portal and seen.direction == "in")
    around = [change for change in changes if comes.begin_s <= change.at_s <= (comes.at_s or 0.0)]
    assert next(change.port for change in around if change.is_broken) == OUTER_BEAM_PORT


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_minute_live_is_busy_whatever_the_seed(seed: int) -> None:
    world = plan_live(seed, 50.0, 2, START_AT)
    early = [seen for seen in world.crossings if (seen.at_s or 0.0) <= 45.0]
    assert len(early) >= 12
    assert {seen.direction for seen in early} == {"in", "out"}
    assert world.end_s <= 50.0
    assert world.stray_share >= 0.20


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 9))])
def test_an_hour_live_begins_as_busily(seed: int) -> None:
    world = plan_live(seed, 3600.0, 2, START_AT)
    assert len([seen for seen in world.crossings if (seen.at_s or 0.0) <= 108.0]) >= 33
    assert world.end_s <= 3600.0


def test_a_seed_played_again_brings_other_goods_along_the_same_ways() -> None:
    first, again = (plan_live(3, 50.0, 2, at) for at in (START_AT, START_AT + timedelta(minutes=2)))
    assert [seen.at_s for seen in first.crossings] == [seen.at_s for seen in again.crossings]
    for names in ("visits", "documents", "units"):
        assert not names_of(first, names) & names_of(again, names)


def names_of(world: World, names: str) -> set[object]:
    if names == "units":
        return {seen.unit.epc for seen in world.appearances}
    return {visit.visit if names == "visits" else visit.document for visit in world.visits}


def test_a_live_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert (
        main(
            [
                "dock",
                "--directory",
                str(tmp_path),
                "--only-plan",
                "--seed",
                "4",
                "--start-at",
                "2026-03-02T06:00:00Z",
            ]
        )
        == 0
    )
    plan = LivePlan.read(tmp_path)
    assert plan.start_at == START_AT
    assert len({reader.port for reader in plan.readers.values()}) == 2
    lines = (tmp_path / "truth.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == truth(plan.world)


def test_a_plan_that_is_damaged_or_long_past_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.json").write_text('{"seed": 1', "utf-8")
    with pytest.raises(PlanError, match="expected a plan of `warehouse-sim dock --only-plan`"):
        LivePlan.read(tmp_path)
    (tmp_path / "plan.json").unlink()
    assert main(["dock", "--directory", str(tmp_path), "--start-at", "2020-01-01T00:00:00Z"]) == 1
    assert "s ago: expected at most 5 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["score", "--crossings", "0"], "'0': expected a whole number from 1 to 100000"),
        (["score", "--crossings", "many"], "'many': expected a whole number"),
        (["score", "--seed", "-1"], "'-1': expected a whole number from 0"),
        (["score", "--doors", "33"], "'33': expected a whole number from 1 to 32"),
        (["score", "--crossings", "9" * 5000], "expected a whole number"),
        (["dock"], "--directory"),
        (["dock", "--directory", "x", "--seconds", "1"], "'1': expected a whole number from 30"),
        (["dock", "--directory", "x", "--start-at", "soon"], "expected a time with its offset"),
        (
            ["dock", "--directory", "x", "--start-at", "2026-03-02T06:00:00"],
            "expected a time with its offset",
        ),
    ],
)
def test_impossible_arguments_are_refused_with_what_was_expected(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert told in capsys.readouterr().err


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert main(["score", "--crossings", "1", "--keep", str(tmp_path / "file")]) == 1
    assert "warehouse-sim score: " in capsys.readouterr().err
