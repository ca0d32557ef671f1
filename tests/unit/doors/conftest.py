"""Passages as they are told, tags as they are encoded, and assignments as they arrive."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contracts.offline import Assignment
from contracts.records import TracePoint
from contracts.vocabulary import CrossingDirection
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.domain import Decision
from edge_agent.doors.posting import Posting
from edge_agent.filters.passage import Passage
from edge_agent.filters.site import Portal
from simulators.warehouse.dock import epc

IN, OUT = CrossingDirection.IN, CrossingDirection.OUT
START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
START_US: Final = int(START.timestamp()) * 1_000_000
PREFIX: Final = 7
"""Digits of the company prefix in every code here."""
_serials = itertools.count(1)


def sscc(body: str) -> str:
    return body + epc.check_digit(body)


PALLET: Final = sscc("09506000000000001")
OTHER_PALLET: Final = sscc("09506000000000002")


def gtin(body: str) -> str:
    return body + epc.check_digit(body)


CASE_GTIN: Final = gtin("1950600013435")
ITEM_GTIN: Final = gtin("0950600013435")
OTHER_GTIN: Final = gtin("1950600099999")


def unit_tag(number: str = PALLET) -> str:
    return epc.sscc96(number, PREFIX).hex().upper()


def item_tag(of: str = CASE_GTIN) -> str:
    return epc.sgtin96(of, PREFIX, next(_serials), filter_value=2).hex().upper()


def tote_tag(serial: int = 7) -> str:
    return epc.grai96("9506000", "12345", serial).hex().upper()


def truck_tag() -> str:
    return epc.giai96("9506000", 5).hex().upper()


def portal(name: str = "dock-1", **other: Any) -> Portal:
    return Portal.model_validate(
        {
            "id": name,
            "kind": "two_sided",
            "inside": [f"{name}-reader:1"],
            "outside": [f"{name}-reader:2"],
            "inside_location": f"STAGE-{name}",
            "outside_location": f"@clearing/{name}",
            **other,
        }
    )


def passage(tag: str, direction: CrossingDirection = IN, **other: Any) -> Passage:
    """Give a sure crossing of dock-1 at the start, unless told otherwise; ``at_s`` moves it in time."""
    occurred_us = START_US + round(other.pop("at_s", 0) * 1_000_000)
    plain = Passage(
        portal="dock-1",
        epc=tag,
        direction=direction,
        confidence=0.99,
        first_seen_us=occurred_us - 900_000,
        occurred_us=occurred_us,
        last_seen_us=occurred_us + 900_000,
        reads=20,
        antennas=("dock-1-reader:1", "dock-1-reader:2"),
        trace=(TracePoint(0, 1, -50.0), TracePoint(900, 0, -40.0)),
    )
    return replace(plain, **other)


def line(document: str, **other: Any) -> dict[str, Any]:
    kind = "asn" if document.startswith("ASN") else "outbound_order"
    if "gtin" in other:
        other["identifier"] = {"scheme": "gtin", "value": other.pop("gtin")}
    return {"document": {"type": kind, "id": document, "line": "1"}, **other}


def visit(name: str, *lines: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "visit": name,
        "door": "dock-1",
        "direction": "inbound",
        "from_at": (START - timedelta(minutes=10)).isoformat(),
        "clearing_account": f"@clearing/{name}",
        "lines": list(lines),
        **other,
    }


def assigned(*visits: dict[str, Any], revision: int = 3, **other: Any) -> Assignment:
    return Assignment.model_validate(
        {
            "schema": 1,
            "site": "leeds",
            "revision": revision,
            "issued_at": (START - timedelta(hours=1)).isoformat(),
            "door": "dock-gw",
            "visits": list(visits),
            **other,
        }
    )


def decisions(
    passages: Sequence[Passage], assignment: Assignment | None = None, *portals: Portal
) -> list[Decision]:
    posting = Posting(portals or (portal(),), TagRules(), assignment)
    return [decision for _, decision in posting.take(passages)]


def decided(one: Passage, assignment: Assignment | None = None, *portals: Portal) -> Decision:
    (decision,) = decisions([one], assignment, *portals)
    return decision
