"""Tags by read zone, as the page and the health of an agent tell them."""

from edge_agent.decode.tag_role import TagRoles, TagRules
from edge_agent.filters.read_zone import ReadZone
from edge_agent.page.zones import ZoneMeter, ZoneStatus
from edge_agent.readers.raw_read import GpiChange, RawRead
from tests.unit.doors.conftest import item_tag, unit_tag

ZONES = tuple(
    ReadZone(id=name, location=name.upper(), antennas=(f"r1:{n}",), departed_after_s=60.0)
    for n, name in enumerate(("aisle-a", "aisle-b"), start=1)
)
START_S = 1_800_000_000


def test_tags_are_counted_where_they_are_until_they_go() -> None:
    now_s = START_S
    meter = ZoneMeter(ZONES, TagRoles(TagRules()), lambda: now_s * 1_000_000)
    pallet, case = unit_tag(), item_tag()

    def hear(antenna: int, tag: str, dbm: float = -50.0, at_s: int | None = None) -> None:
        at_us = (now_s if at_s is None else at_s) * 1_000_000
        meter.take([RawRead(at_us, "r1", antenna, tag, dbm)] * 2 + [GpiChange(1, "r1", 1, is_high=True)])

    hear(1, pallet)
    hear(1, case)
    hear(3, item_tag())
    assert meter.zones() == (
        ZoneStatus("aisle-a", "AISLE-A", 2, 2, 0),
        ZoneStatus("aisle-b", "AISLE-B", 0, 0, 0),
    )
    now_s += 20
    hear(2, pallet, -40.0)
    hear(1, pallet, at_s=START_S)
    assert [each.tags for each in meter.zones()] == [1, 1], "what comes late moves nothing"
    assert meter.counted() == {
        "zone_reads_late": 2,
        "zone_came_aisle-a": 2,
        "zone_went_aisle-a": 1,
        "zone_came_aisle-b": 1,
        "zone_went_aisle-b": 0,
    }
    now_s += 50
    assert [each.tags for each in meter.zones()] == [0, 1], "the case was not heard for a minute"


def test_private_tags_are_not_followed_and_without_zones_nothing_is_said() -> None:
    rules = TagRules(foreign_patterns=(r"urn:epc:id:sscc:.*",))
    meter = ZoneMeter(ZONES, TagRoles(rules), lambda: START_S * 1_000_000)
    meter.take([RawRead(START_S * 1_000_000, "r1", 1, unit_tag(), -50.0)] * 3)
    assert [each.tags for each in meter.zones()] == [0, 0]
    nowhere = ZoneMeter((), TagRoles(rules), lambda: START_S * 1_000_000)
    assert (nowhere.zones(), nowhere.counted()) == ((), {})
