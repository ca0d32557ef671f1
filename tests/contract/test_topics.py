"""Topics are spelled and read in one place, and nothing else passes for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.base import is_valid_id
from contracts.topics import (
    INGEST_STATE,
    Address,
    Channel,
    DemandChannel,
    demand_topic,
    parse_demand_topic,
    parse_topic,
    site_filter,
    topic,
)

ids = st.text("ABCXYZabcxyz0189_-", min_size=1, max_size=64)


@given(ids, ids, st.sampled_from(Channel))
def test_a_topic_reads_back_as_it_was_spelled(site: str, gateway: str, channel: Channel) -> None:
    address = parse_topic(topic(site, gateway, channel))
    assert (address.site, address.gateway, address.channel) == (site, gateway, channel)


@given(ids, ids, st.sampled_from(Channel))
def test_a_topic_matches_its_sites_filter(site: str, gateway: str, channel: Channel) -> None:
    assert topic(site, gateway, channel) == site_filter(site, channel).replace("+", gateway, 1)


@given(st.text(max_size=60))
def test_any_text_is_a_gateway_topic_or_refused(text: str) -> None:
    try:
        address = parse_topic(text)
    except ValueError:
        return
    assert isinstance(address, Address)
    assert topic(address.site, address.gateway, address.channel) == text


@pytest.mark.parametrize("bad", ["", "two words", "a/b", "a+", "#", "x" * 65, "gw\n", "gw\0", "gé"])
def test_an_id_that_would_upset_a_broker_never_becomes_a_topic(bad: str) -> None:
    assert not is_valid_id(bad)
    with pytest.raises(ValueError, match="cannot stand in a topic"):
        topic("leeds", bad, Channel.ACK)
    with pytest.raises(ValueError, match="cannot stand in a topic"):
        topic(bad, "gw-1", Channel.ACK)


@pytest.mark.parametrize(
    "text",
    [
        INGEST_STATE,
        "dl/v2/leeds/gw-1/records",
        "dl/v1/leeds/gw-1",
        "dl/v1/leeds/gw-1/records/",
        "/dl/v1/a/b/ack",
    ],
)
def test_other_topics_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a gateway topic"):
        parse_topic(text)


@given(ids, ids)
def test_a_sources_topic_reads_back_and_is_never_a_gateways(site: str, source: str) -> None:
    spelled = demand_topic(site, source, DemandChannel.LINES)
    address = parse_demand_topic(spelled)
    assert (address.site, address.source) == (site, source)
    with pytest.raises(ValueError, match="not a gateway topic"):
        parse_topic(spelled)
    for other in (
        demand_topic(site, source, DemandChannel.ANSWER),
        f"{spelled}/x",
        spelled.replace("v1", "v2"),
    ):
        with pytest.raises(ValueError, match="is not a source's"):
            parse_demand_topic(other)
    with pytest.raises(ValueError, match="cannot stand in a topic"):
        demand_topic(site, f"{source}/x", DemandChannel.LINES)
