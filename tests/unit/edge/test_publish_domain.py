import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.publish.address import parse_broker_url
from edge_agent.publish.domain import (
    RECONNECT_LONGEST_S,
    RESEND_LONGEST_S,
    TokenBucket,
    reconnect_after_s,
    resend_after_s,
)

draws = st.floats(0, 1, exclude_max=True)


@given(draws)
def test_the_first_resend_comes_after_three_to_ten_seconds(draw: float) -> None:
    assert 3 <= resend_after_s(1, draw) <= 10


@given(st.integers(1, 10_000), draws)
def test_waits_grow_but_never_without_limit(times: int, draw: float) -> None:
    assert resend_after_s(times, draw) <= resend_after_s(min(times + 1, 100), draw) or times >= 100
    assert resend_after_s(min(times, 100), draw) <= RESEND_LONGEST_S
    assert 0 < reconnect_after_s(times, draw) <= RECONNECT_LONGEST_S


def test_a_bucket_lets_its_rate_through_and_no_more() -> None:
    bucket = TokenBucket(rate_per_s=100, burst=50)
    sent = 0
    for tick in range(1000):
        while bucket.has_tokens(tick / 100):
            bucket.spend(10)
            sent += 10
    assert 1000 <= sent <= 1000 + 50 + 10


def test_a_broker_url_is_taken_apart() -> None:
    address = parse_broker_url("mqtts://gw-1:p%40ss@broker.example")
    assert (address.host, address.port, address.is_tls) == ("broker.example", 8883, True)
    assert (address.username, address.password) == ("gw-1", "p@ss")


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "broker:1883", ""])
def test_a_wrong_broker_url_says_what_was_expected(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected mqtt://\[user:password@\]host"):
        parse_broker_url(url)
