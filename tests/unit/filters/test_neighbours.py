"""Two doors side by side: what one door hears of the other's goods is a stray there."""

from edge_agent.filters.site import Portal
from tests.unit.filters.radio_stories import INWARD, TWO_SIDED, decide, merged, two_sided

LEFT = TWO_SIDED.model_copy(update={"neighbours": ("dock-2",)})
RIGHT = Portal(
    id="dock-2",
    kind="two_sided",
    inside=("r2:1", "r2:2"),
    outside=("r2:3", "r2:4"),
    neighbours=("dock-1",),
    inside_location="STAGE-2",
    outside_location="@clearing/dock-2",
)


def test_the_door_that_hears_a_crossing_louder_has_it_and_the_other_names_it() -> None:
    capture = merged(two_sided(INWARD, seed=1), two_sided(INWARD, seed=2, reader="r2", aside_m=3.0))
    decided = {passage.portal: passage for passage in decide(capture, LEFT, RIGHT)}
    assert str(decided["dock-1"].direction) == "in"
    assert decided["dock-1"].neighbour is None
    assert str(decided["dock-2"].direction) == "stray"
    assert decided["dock-2"].neighbour == "dock-1"


def test_doors_that_are_no_neighbours_do_not_ask_each_other() -> None:
    alone = [portal.model_copy(update={"neighbours": ()}) for portal in (LEFT, RIGHT)]
    capture = merged(two_sided(INWARD, seed=1), two_sided(INWARD, seed=2, reader="r2", aside_m=1.0))
    assert {passage.neighbour for passage in decide(capture, *alone)} == {None}
