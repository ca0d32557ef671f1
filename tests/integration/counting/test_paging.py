"""Pages of variances are full as long as there is more."""

from cloud.counting import reading
from tests.integration.counting.floor import CONTROLLER, RUM, Floor, line


def test_a_page_of_one_item_passes_over_counts_of_others(floor: Floor) -> None:
    floor.counts(line("7"), minute=1, scope="items")
    for minute in range(2, 16):
        floor.counts(line("1", RUM), minute=minute, scope="items")
    wanted = reading.VarianceFilter(item="TEA", state="provisional")
    found = floor.acts(lambda conn: reading.variances(conn, CONTROLLER, wanted, limit=2))
    assert [row.item for row in found] == ["TEA"]
