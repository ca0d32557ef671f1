"""Tags that moved together are decided together; who merely was there at the same time is asked nothing."""

import math
import pickle
import random

import pytest

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.evidence import weigh
from edge_agent.filters.group import Member, company_of, member_of
from edge_agent.filters.motion import motion_of
from edge_agent.filters.network import Network
from edge_agent.filters.one_plane import Span, plane_numbers, was_on
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.profile import Cells
from edge_agent.filters.read import NOWHERE
from edge_agent.filters.timeline import SLICES, levels, turn_of
from edge_agent.filters.verdict import Picture, odds
from edge_agent.filters.weights_of_planes import ONE_PLANE
from edge_agent.filters.weights_of_sides import TWO_SIDED
from edge_agent.readers.raw_read import RawRead, Seen
from tests.unit.filters.radio_stories import (
    INWARD,
    NOON_US,
    decide,
    merged,
    two_sided,
)
from tests.unit.filters.radio_stories import (
    TWO_SIDED as PORTAL,
)

A, B, BYSTANDER = "A1", "B2", "C3"


def heard_by(antennas: set[int], reads: list[Seen]) -> list[Seen]:
    """Hear every sixth read only of other antennas."""
    found = [read for read in reads if isinstance(read, RawRead)]
    return [read for n, read in enumerate(found) if read.antenna in antennas or n % 6 == 0]


@pytest.mark.parametrize("seed", range(4))
def test_two_cases_of_a_cart_see_together_what_neither_sees_alone(seed: int) -> None:
    outside = heard_by({3, 4}, two_sided(INWARD, seed=seed, epc=A, loss_db=11.0))
    inside = heard_by({1, 2}, two_sided(INWARD, seed=seed + 10, epc=B, loss_db=11.0))
    alone = [*decide(outside), *decide(inside)]
    together = decide(merged(outside, inside))
    assert {each.direction for each in together} == {CrossingDirection.IN}
    assert {each.epc: each.company for each in together} == {A: (B,), B: (A,)}
    assert min(each.chances[0] for each in together) > max(each.chances[0] for each in alone)


def test_a_bystander_is_no_company() -> None:
    standing = two_sided([(0.0, 3.0), (50.0, 3.0)], seed=3, epc=BYSTANDER, aside_m=1.5)
    later_us = NOON_US + 25_000_000
    crossing = [two_sided(INWARD, seed=n, epc=epc, start_us=later_us) for n, epc in enumerate((A, B))]
    told = {each.epc: each for each in decide(merged(*crossing, standing))}
    assert (told[A].company, told[B].company, told[BYSTANDER].company) == ((B,), (A,), ())


def test_who_moved_together_is_forgotten_with_the_visit() -> None:
    parade = merged(
        *(
            two_sided(INWARD, seed=n, epc=f"{n:04X}", rate_per_s=6.0, start_us=NOON_US + n * 400_000)
            for n in range(330)
        )
    )
    door, sizes = PortalFilter((PORTAL,)), []
    for part in (parade[: len(parade) * 2 // 3], parade[len(parade) * 2 // 3 :]):
        assert door.take_many(part)
        sizes.append(len(pickle.dumps(door)))
    assert sizes[1] < 1.05 * sizes[0]


def bump(peak: int, dbm: float, *, first: int = 0) -> Cells:
    """Be heard for 15 s, loudest in one cell, in front of one plane."""
    most = 10 ** (dbm / 10) * 1e12
    heard = {n: round(most * math.exp(-((n - peak) ** 2) / 40)) + 1 for n in range(first, 60)}
    return {n: [power, 0, 1, 0, 0, 0, power, 0] for n, power in heard.items()}


@pytest.mark.parametrize("own_dbm", [-56.0, -52.0])
def test_who_is_louder_in_the_doorway_was_rather_the_one_that_went_through_the_beams(own_dbm: float) -> None:
    own, span = bump(28, own_dbm), Span(26.0, 34.0)
    alone = was_on(plane_numbers(own, own, [], span, reads=60, company=0))
    beside = was_on(plane_numbers(own, own, [bump(30, own_dbm + 12.0)], span, reads=60, company=0))
    assert beside < alone


def some_cells(seed: int) -> Cells:
    rng = random.Random(seed)
    drawn = [[rng.randint(1, 10**8) for _ in range(4)] for _ in range(rng.randint(2, 40))]
    shifts = [(rng.randint(-500, 500), rng.randint(-500, 500)) for _ in drawn]
    return {n: [a + b, c + d, 9, 7, *shifts[n], a, b, c, d] for n, (a, b, c, d) in enumerate(drawn)}


def mirrored(cells: Cells) -> Cells:
    order = (1, 0, 3, 2, 5, 4, 8, 9, 6, 7)
    return {n: [cell[column] for column in order] for n, cell in cells.items()}


def picture_of(cells: Cells, group: Cells, origin: int) -> Picture:
    turn = turn_of(group)
    return Picture(
        weigh(cells),
        weigh(group),
        levels(cells, turn),
        levels(group, turn),
        motion_of(cells, turn, ((0, 1), (2, 3))),
        motion_of(group, turn, ((0, 1), (2, 3))),
        50,
        3,
        origin,
        has_rested=origin != NOWHERE,
    )


@pytest.mark.parametrize("seed", range(8))
def test_with_its_sides_swapped_a_picture_says_the_opposite(seed: int) -> None:
    cells, group = some_cells(seed), some_cells(seed + 100)
    here = odds(picture_of(cells, group, 1))
    there = odds(picture_of(mirrored(cells), mirrored(group), -1))
    assert here.toward == pytest.approx(-there.toward, abs=1e-9)
    assert here.passed == pytest.approx(there.passed, abs=1e-9)


def test_the_turn_is_where_the_sides_change_and_slices_lie_around_it() -> None:
    cells = {n: [1, 10**8] if n < 20 else [10**8, 1] for n in range(40)}
    assert turn_of(cells) == 20.0
    inside, outside = levels(cells, turn_of(cells))
    middle = SLICES // 2
    assert max(inside[:middle]) < min(inside[middle + 1 : middle + 4])
    assert outside == inside[::-1]


def seen(epc: str, cells: Cells, first_us: int = 0) -> Member:
    return member_of(epc, first_us, 15_000_000, cells, peak_dbm=-40.0, reads=60)


def test_only_those_who_were_loud_at_the_same_time_are_alike() -> None:
    own, mate = seen(A, bump(20, -40.0)), seen(B, bump(22, -40.0, first=8), 2_000_000)
    later = seen(BYSTANDER, bump(45, -40.0))
    assert [each.member for each in company_of(own, [later, mate])] == [mate]


def test_who_was_loud_at_the_same_time_on_the_other_side_is_not_alike() -> None:
    own = bump(20, -40.0)
    across = {n: [cell[1], cell[0], 0, 1, 0, 0, 0, cell[6]] for n, cell in own.items()}
    assert [
        each.member.epc for each in company_of(seen(A, own), [seen(B, across), seen(BYSTANDER, own)])
    ] == [BYSTANDER]


def test_what_comes_nearer_outside_and_goes_away_inside_went_in() -> None:
    before = {n: [10, 10**6, 0, 4, 0, 400, 0, 10, 10**6, 0] for n in range(12)}
    after = {n: [10**6, 10, 4, 0, -400, 0, 10**6, 10, 0, 10] for n in range(12, 24)}
    motion = motion_of({**before, **after}, 12.0, ((0, 1), (2, 3)))
    assert motion.is_known
    assert motion.outside.ways[0] > 0 == motion.outside.ways[1]
    assert motion.inside.ways[1] < 0 == motion.inside.ways[0]
    still = {n: [*cell[:4], 0, 0, *cell[6:]] for n, cell in before.items()}
    assert not motion_of(still, 6.0, ((0, 1), (2, 3))).is_known


def test_a_network_is_one_hidden_layer_of_tangents() -> None:
    small = Network(hidden=((1.0, -1.0), (0.5, 0.0)), hidden_at=(0.0, 1.0), out=((2.0, 1.0),), out_at=(0.25,))
    assert small((3.0, 1.0)) == pytest.approx((2 * math.tanh(2.0) + math.tanh(2.5) + 0.25,))


@pytest.mark.parametrize(("network", "outputs"), [(TWO_SIDED, 2), (ONE_PLANE, 1)])
def test_the_shipped_weights_fit_together(network: Network, outputs: int) -> None:
    assert len({len(row) for row in network.hidden}) == 1
    assert len(network.hidden) == len(network.hidden_at) == len(network.out[0])
    assert len(network.out) == len(network.out_at) == outputs
