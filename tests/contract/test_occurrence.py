"""The effective time of an event: never in the future, never absurd, monotonic age when the clock lies."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.occurrence import OLDEST_BELIEVABLE, EffectiveTime, TimeBasis, effective_occurred_at

RECEIVED_AT = datetime(2026, 11, 2, 8, 15, 30, tzinfo=UTC)

clocks = st.integers(0, 2**63 - 1)
claims = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  bounds are naive by Hypothesis' rule
boots = st.sampled_from(["boot-1", "boot-2"])


def effective(
    claimed_at: datetime,
    *,
    clock_ok: bool = True,
    mono_ns: int = 0,
    sent_mono_ns: int = 0,
    boot: str = "boot-1",
) -> EffectiveTime:
    return effective_occurred_at(
        claimed_at=claimed_at,
        clock_ok=clock_ok,
        mono_ns=mono_ns,
        boot_id=boot,
        sent_mono_ns=sent_mono_ns,
        sent_boot_id="boot-1",
        received_at=RECEIVED_AT,
    )


@given(claimed_at=claims, clock_ok=st.booleans(), mono_ns=clocks, sent_mono_ns=clocks, boot=boots)
def test_no_clock_reaches_beyond_receipt_or_400_days_back(
    claimed_at: datetime, *, clock_ok: bool, mono_ns: int, sent_mono_ns: int, boot: str
) -> None:
    found = effective(claimed_at, clock_ok=clock_ok, mono_ns=mono_ns, sent_mono_ns=sent_mono_ns, boot=boot)
    assert RECEIVED_AT - OLDEST_BELIEVABLE <= found.at <= RECEIVED_AT


@given(st.timedeltas(timedelta(0), OLDEST_BELIEVABLE), clocks, clocks)
def test_a_good_clock_within_reach_is_believed(age: timedelta, mono_ns: int, sent_mono_ns: int) -> None:
    claimed_at = RECEIVED_AT - age
    found = effective(claimed_at, mono_ns=mono_ns, sent_mono_ns=sent_mono_ns)
    assert found == EffectiveTime(claimed_at, TimeBasis.CLAIMED)


@given(claims, st.timedeltas(timedelta(0), OLDEST_BELIEVABLE), clocks)
def test_a_bad_clock_gives_way_to_the_age_by_the_monotonic_clock(
    claimed_at: datetime, age: timedelta, mono_ns: int
) -> None:
    sent_mono_ns = mono_ns + age // timedelta(microseconds=1) * 1000
    found = effective(claimed_at, clock_ok=False, mono_ns=mono_ns, sent_mono_ns=sent_mono_ns)
    assert found == EffectiveTime(RECEIVED_AT - age, TimeBasis.MONOTONIC)


@given(claims, clocks, clocks)
def test_another_boot_leaves_only_the_time_of_receipt(
    claimed_at: datetime, mono_ns: int, sent_mono_ns: int
) -> None:
    found = effective(claimed_at, clock_ok=False, mono_ns=mono_ns, sent_mono_ns=sent_mono_ns, boot="boot-2")
    assert found == EffectiveTime(RECEIVED_AT, TimeBasis.RECEIVED)


def test_a_clock_of_1970_and_one_of_next_year_are_not_believed() -> None:
    for claimed_at in (datetime(1970, 1, 1, tzinfo=UTC), RECEIVED_AT + timedelta(days=365)):
        found = effective(claimed_at, mono_ns=5_000_000_000, sent_mono_ns=65_000_000_000)
        assert found == EffectiveTime(RECEIVED_AT - timedelta(minutes=1), TimeBasis.MONOTONIC)


def test_a_monotonic_clock_that_ran_backwards_is_not_believed() -> None:
    found = effective(RECEIVED_AT, clock_ok=False, mono_ns=2, sent_mono_ns=1)
    assert found.basis is TimeBasis.RECEIVED
