"""Each local day has one slot, whatever its clocks do."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.gateways.broker.files import BrokerFiles
from cloud.scheduling import jobs
from cloud.scheduling.domain import Daily, Every, Patience, pause_after

ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Pacific/Chatham",
    "UTC",
)
DAYS = st.dates(date(2015, 1, 1), date(2035, 12, 31))
TIMES = st.times(time(0), time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))


@given(zone=st.sampled_from(ZONES), at=TIMES, day=DAYS)
def test_a_local_day_has_one_slot_on_its_own_date_and_slots_go_forward(
    zone: str, at: time, day: date
) -> None:
    trigger = Daily(at, zone)
    days = [day + timedelta(days=offset) for offset in range(4)]
    slots = [trigger.on(each) for each in days]
    assert slots == sorted(set(slots))
    local = [slot.astimezone(ZoneInfo(zone)).date() for slot in slots]
    assert local == days
    assert [trigger.latest(slot) for slot in slots] == slots
    assert [trigger.following(slot) for slot in slots[:-1]] == slots[1:]
    assert list(trigger.between(slots[0], slots[3])) == slots[1:3]
    assert trigger.latest(slots[1] - timedelta(seconds=1)) == slots[0]


@pytest.mark.parametrize(
    ("zone", "day", "local"),
    [
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-29T03:30:00+02:00"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-25T02:30:00+02:00"),
        ("America/New_York", date(2026, 3, 8), "2026-03-08T03:30:00-04:00"),
        ("America/New_York", date(2026, 11, 1), "2026-11-01T02:30:00-05:00"),
        ("Australia/Lord_Howe", date(2026, 4, 5), "2026-04-05T02:30:00+10:30"),
        ("Asia/Kathmandu", date(2026, 3, 29), "2026-03-29T02:30:00+05:45"),
    ],
)
def test_half_past_two_of_days_on_which_clocks_change(zone: str, day: date, local: str) -> None:
    slot = Daily(time(2, 30), zone).on(day)
    assert slot == datetime.fromisoformat(local)
    assert slot.astimezone(ZoneInfo(zone)).isoformat() == local


def test_a_day_that_a_zone_left_out_has_no_slot_of_its_own() -> None:
    apia = Daily(time(2, 30), "Pacific/Apia")  # went from 29 to 31 December 2011
    assert apia.on(date(2011, 12, 30)) == apia.on(date(2011, 12, 31))
    assert apia.following(apia.on(date(2011, 12, 29))) == apia.on(date(2011, 12, 31))


def test_a_loop_that_fails_waits_longer_and_never_longer_than_a_minute() -> None:
    pauses = [pause_after(failures, timedelta(seconds=1.5)) for failures in range(40)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=1.5)
    assert pauses[-1] == timedelta(minutes=1)
    assert pause_after(3, timedelta(hours=1)) == timedelta(hours=1)
    assert Patience().attempts == 4


def test_the_jobs_of_a_zone_are_found_together_and_follow_each_other() -> None:
    zones = ["Europe/Madrid", "Mars/Olympus"]
    listed = jobs.listed(zones, planning_at=time(2, 30), head_key=Path("key"), broker=BrokerFiles())
    slotted = [job for job in listed if isinstance(job.trigger, Daily)]
    assert [(job.name, job.after) for job in slotted] == [
        ("parameters/Europe/Madrid", None),
        ("forecast/Europe/Madrid", "parameters/Europe/Madrid"),
        ("replenishment/Europe/Madrid", "forecast/Europe/Madrid"),
    ]
    assert jobs.named(listed, "forecast") == [slotted[1]] == jobs.named(listed, "forecast/Europe/Madrid")
    assert jobs.named(listed, "nothing") == []
    assert {job.name: str(job.trigger) for job in listed if isinstance(job.trigger, Every)} == {
        "counting": "every 1.5 s",
        "negatives": "every 60 s",
        "webhooks": "every 1.5 s",
        "escalation": "every 60 s",
        "pull_demand": "every 15 s",
        "picks": "every 2 s",
        "claims": "every 15 s",
        "resolver": "every 5 s",
        "receipts": "every 5 s",
        "recalls": "every 15 s",
        "expiry": "every 600 s",
        "doubts": "every 15 s",
        "labels": "every 15 s",
        "stock_at_doors": "every 3600 s",
        "visits": "every 30 s",
        "lots_to_pick": "every 3600 s",
        "sign_head": "every 300 s",
        "certificates": "every 15 s",
        "broker": "every 15 s",
    }
