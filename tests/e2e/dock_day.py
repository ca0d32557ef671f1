"""What the doors of the two warehouses saw: passages with radio pictures, some that nobody could decide."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from day_of_work import Gateway
from serving import OTHER, OWN, ROOT

from cloud.db import ConnectionPool
from cloud.identity.store import act_as
from cloud.master.store import add_gateway
from contracts.records import Crossing, Identifier, Movement, Side, UnitPosition

HOSTILE = "<img src=x onerror=alert(1)>"
ANTENNAS = ("r1:3", "r1:4", "r1:1", "r1:2")
"""Two outside, two inside."""


def sscc(serial: int) -> str:
    """Write an SSCC with its check digit."""
    digits = f"10614141{serial:09d}"
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def radio(random: Random, way: str, *, reads: int = 42, seconds: float = 3.2) -> list[tuple[int, int, float]]:
    """Draw the reads of a passage: in goes from the outer antennas to the inner ones."""
    points = []
    for n in range(reads):
        share = n / reads
        near = share if way == "in" else 1 - share if way == "out" else 0.5 + 0.1 * random.uniform(-1, 1)
        is_inner = random.random() < (near - 0.5) * 1.6 + 0.5
        antenna = random.choice((2, 3) if is_inner else (0, 1))
        strength = -68 + 24 * (1 - abs(near - (0.72 if is_inner else 0.28)) * 1.5) + random.gauss(0, 2.2)
        points.append((round(1000 * seconds * share), antenna, round(strength, 1)))
    return points


def said(at: datetime, **fields: Any) -> dict[str, Any]:
    return {
        "seq": 1,
        "occurred_at_claimed": at,
        "mono_ns": 0,
        "boot_id": "boot-1",
        "clock_ok": True,
        **fields,
    }


def crossed(
    at: datetime, way: str, posted: str, *, portal: str = "dock-1", serial: int = 1, **fields: Any
) -> Crossing:
    """State a passage of a pallet."""
    random = Random(f"{at} {portal} {serial}")
    common = {
        "portal": portal,
        "epc": f"urn:epc:id:sscc:0614141.{serial:010d}",
        "unit": sscc(serial),
        "direction": way,
        "first_seen_at": at - timedelta(seconds=1.6),
        "reads": 120,
        "posted": posted,
        "device": "r1",
        "confidence": 0.98 if posted == "posted" else 0.71 if posted == "held" else 0.06,
        "evidence_id": f"{portal}-{serial}-{at:%H%M%S}",
        "inside_location": "STAGING",
        "outside_location": f"@clearing/{portal}",
        "antennas": ANTENNAS,
        "trace": radio(random, way),
    }
    return Crossing.model_validate(said(at) | common | fields)


def put(at: datetime, serial: int, place: str, source: str, **fields: Any) -> UnitPosition:
    """State where a pallet came to stand."""
    return UnitPosition.model_validate(
        said(at, unit=sscc(serial), location=place, from_location=source, **fields)
    )


def case(at: datetime, way: str, posted: str, serial: int, **fields: Any) -> Crossing:
    """State a passage of a loose case."""
    uri = f"urn:epc:id:sgtin:0614141.312345.{serial}"
    names = {
        "epc": uri,
        "unit": None,
        "identifier": {"scheme": "sgtin", "value": uri},
        "unit_seen": "30614141123453",
    }
    return crossed(at, way, posted, serial=serial, **names | fields)


def case_moved(crossing: Crossing, source: str, destination: str) -> Movement:
    """State the movement of a loose case that a crossing posted."""
    goods = {
        "identifier": Identifier(scheme="sgtin", value=crossing.epc),
        "quantity_seen": 1,
        "unit_seen": "30614141123453",
        "source": Side(location=source),
        "destination": Side(location=destination),
        "epcs": (crossing.epc,),
        "evidence_id": crossing.evidence_id,
    }
    return Movement.model_validate(said(crossing.occurred_at_claimed) | goods)


def dock_day(pool: ConnectionPool, ingest: ConnectionPool, now: datetime) -> None:
    """Let two doors of madrid and one of leeds work for a morning."""
    with pool.connection() as conn:
        act_as(conn, ROOT)
        add_gateway(conn, OWN, "arch-m1")
        add_gateway(conn, OTHER, "arch-l1")
    ago = lambda minutes: now - timedelta(minutes=minutes)  # noqa: E731  a short name for a long list
    against = {"because": "contradicts_visit", "visit": "V-2050"}
    madrid: Sequence[Any] = [
        crossed(ago(268), "undecided", "held", serial=11, because="undecided", visit="V-2041"),
        put(ago(221), 11, "A-02-1", "STAGING", actor="kim"),
        crossed(ago(96), "in", "held", serial=12, because="low_confidence", visit="V-2041", confidence=0.83),
        crossed(ago(64), "out", "held", portal="dock-2", serial=13, **against),
        *_posted(ago(42), "in", 14, visit="V-2041"),
        *_posted(ago(38), "in", 15, visit="V-2041"),
        crossed(ago(33), "stray", "evidence", serial=16, because="stray"),
        *_posted(ago(21), "in", 17, visit="V-2041"),
        loose := case(ago(14), "in", "posted", 18, because="no_visit"),
        case_moved(loose, "@clearing/dock-1", "STAGING"),
        *_posted(ago(9), "out", 19, portal="dock-2", visit="V-2050"),
        *_posted(ago(6), "out", 20, portal="dock-2", visit="V-2050"),
        crossed(ago(4), "in", "evidence", portal="dock-2", serial=21, because="neighbour_portal"),
        *_posted(ago(2), "in", 22, visit="V-2041"),
    ]
    Gateway("arch-m1", OWN, ingest).send(*madrid, at=now)
    strange = crossed(ago(30), "undecided", "held", portal=HOSTILE, serial=31, because="undecided")
    bare = crossed(ago(25), "in", "posted", portal="bay-7", serial=32, trace=(), antennas=())
    hostile = strange.model_copy(update={"epc": HOSTILE, "unit": HOSTILE, "visit": HOSTILE})
    Gateway("arch-l1", OTHER, ingest).send(hostile, bare, at=now)


def _posted(at: datetime, way: str, serial: int, **fields: Any) -> tuple[Crossing, UnitPosition]:
    crossing = crossed(at, way, "posted", serial=serial, **fields)
    inside, outside = "STAGING", f"@clearing/{crossing.portal}"
    places = (inside, outside) if way == "in" else (outside, inside)
    return crossing, put(at, serial, *places, evidence_id=crossing.evidence_id, device="r1")
