"""What is written before the edge starts: truth, documents, site file and assignment of one world."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from contracts.base import SiteId
from contracts.offline import Assignment, ExpectedLine, Visit
from contracts.records import DocumentRef, Identifier
from contracts.vocabulary import clearing_account
from simulators.warehouse.dock.doors import site_toml
from simulators.warehouse.dock.goods import FOREIGN_PATTERNS, Item
from simulators.warehouse.dock.world import PlannedVisit, World

TRUTH: Final = "truth.jsonl"
DOCUMENTS: Final = "documents.json"
SITE: Final = "site.toml"
ASSIGNMENT: Final = "assignment.json"

_DIRECTIONS: Final[dict[str, Literal["inbound", "outbound"]]] = {"in": "inbound", "out": "outbound"}
_DOCUMENT_TYPES: Final = {"in": "asn", "out": "outbound_order"}


def write_papers(world: World, directory: Path, start_at: datetime, *, site: str, gateway: str) -> None:
    """Write all four files.

    Args:
        world: What will happen.
        directory: Made if absent.
        start_at: The world's second 0.
        site: Id of the site.
        gateway: Id of the gateway whose doors these are.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / TRUTH).open("w", encoding="utf-8") as file:
        for line in truth_lines(world, start_at):
            file.write(json.dumps(line) + "\n")
    (directory / SITE).write_text(site_toml(world.doors, FOREIGN_PATTERNS), "utf-8")
    assigned = assignment(world, start_at, site=site, gateway=gateway)
    (directory / ASSIGNMENT).write_text(assigned.model_dump_json(indent=1) + "\n", "utf-8")
    papers = documents(world, start_at, site=site, gateway=gateway)
    (directory / DOCUMENTS).write_text(json.dumps(papers, indent=1) + "\n", "utf-8")


def truth_lines(world: World, start_at: datetime) -> Iterator[dict[str, object]]:
    """Say what topmost units do.

    Args:
        world: What will happen.
        start_at: The world's second 0.

    Yields:
        A summary, then a JSON object for every appearance of a unit at a door.
    """
    yield {
        "kind": "world",
        "seed": world.seed,
        "start_at": _iso(start_at, 0.0),
        "crossings": len(world.crossings),
        "stray_share": round(world.stray_share, 4),
    }
    for seen in world.appearances:
        line: dict[str, object] = {
            "kind": seen.happening,
            "portal": seen.portal,
            "unit": seen.unit.sscc,
            "epc": seen.unit.epc.hex().upper(),
            "gtin": seen.unit.item.case_gtin if seen.unit.item else None,
            "direction": seen.direction,
            "at": None if seen.at_s is None else _iso(start_at, seen.at_s),
            "visit": seen.visit,
            "begin_at": _iso(start_at, seen.begin_s),
            "end_at": _iso(start_at, seen.end_s),
        }
        yield line


def assignment(world: World, start_at: datetime, *, site: str, gateway: str) -> Assignment:
    """Tell a gateway its visits, as the cloud would.

    Args:
        world: What will happen.
        start_at: The world's second 0.
        site: Id of the site.
        gateway: Id of the gateway.

    Returns:
        All visits of all doors.
    """
    return Assignment(
        site=SiteId(site),
        revision=1,
        issued_at=start_at,
        door=gateway,
        visits=tuple(
            Visit(
                visit=visit.visit,
                door=visit.door.portal,
                direction=_DIRECTIONS[visit.direction],
                from_at=start_at + timedelta(seconds=visit.from_s),
                to_at=start_at + timedelta(seconds=visit.to_s),
                clearing_account=clearing_account(visit.visit),
                lines=tuple(_expected(visit)),
            )
            for visit in world.visits
        ),
    )


def _expected(visit: PlannedVisit) -> Iterator[ExpectedLine]:
    for number, (item, quantity, sscc) in enumerate(lines(visit), start=1):
        line = ExpectedLine(
            document=DocumentRef(type=_DOCUMENT_TYPES[visit.direction], id=visit.document, line=str(number)),
            identifier=Identifier(scheme="gtin", value=item.case_gtin),
            quantity=quantity,
            units=() if sscc is None else (sscc,),
        )
        yield line.model_copy(update={"levels": (item.base_gtin, item.case_gtin)})


def lines(visit: PlannedVisit) -> Iterator[tuple[Item, int, str | None]]:
    """List a document's lines.

    Args:
        visit: Whose document.

    Yields:
        Item, number of cases, and the SSCC they are in, or None for loose ones.
    """
    for pallet in visit.pallets:
        for item, cases in pallet.contents:
            yield item, cases, pallet.units[0].sscc
    loose = Counter(unit.item for unit in visit.loose if unit.item is not None)
    for item, cases in sorted(loose.items(), key=lambda pair: pair[0].number):
        yield item, cases, None


def documents(world: World, start_at: datetime, *, site: str, gateway: str) -> dict[str, object]:
    """Write items, portals, notices, orders and visits for the cloud.

    Args:
        world: What will happen.
        start_at: The world's second 0.
        site: Id of the site.
        gateway: Id of the gateway.

    Returns:
        JSON of `dockledger documents import`.
    """
    return {
        "site": site,
        "items": [
            {
                "code": item.code,
                "name": f"Article {item.number}",
                "levels": [
                    {"gtin": item.base_gtin, "base_units": 1},
                    {"gtin": item.case_gtin, "base_units": item.case_units},
                ],
            }
            for item in world.items
        ],
        "portals": [
            {
                "portal": door.portal,
                "gateway": gateway,
                "inside_location": door.staging,
                "outside_location": clearing_account(door.portal),
            }
            for door in world.doors
        ],
        "opening": [stock for visit in world.visits if visit.direction == "out" for stock in _opening(visit)],
        "documents": [_document(visit) for visit in world.visits],
        "visits": [
            {
                "visit": visit.visit,
                "door": visit.door.portal,
                "direction": _DIRECTIONS[visit.direction],
                "from_at": _iso(start_at, visit.from_s),
                "to_at": _iso(start_at, visit.to_s),
                "documents": [{"type": _DOCUMENT_TYPES[visit.direction], "id": visit.document}],
            }
            for visit in world.visits
        ],
    }


def _opening(visit: PlannedVisit) -> Iterator[dict[str, object]]:
    """Say what leaves with a vehicle and so must have been there."""
    for item, cases, sscc in lines(visit):
        stock: dict[str, object] = {
            "identifier": {"scheme": "gtin", "value": item.case_gtin},
            "quantity": str(cases),
            "unit_seen": item.case_gtin,
            "location": visit.door.staging,
        }
        yield stock if sscc is None else {**stock, "unit": sscc}


def _document(visit: PlannedVisit) -> dict[str, object]:
    return {
        "type": _DOCUMENT_TYPES[visit.direction],
        "id": visit.document,
        "partner": "supplier-1" if visit.direction == "in" else "customer-1",
        "lines": [
            {
                "line": str(number),
                "identifier": {"scheme": "gtin", "value": item.case_gtin},
                "quantity": str(cases),
                "unit_seen": item.case_gtin,
                "lot": None,
                "units": [] if sscc is None else [sscc],
            }
            for number, (item, cases, sscc) in enumerate(lines(visit), start=1)
        ],
    }


def _iso(start_at: datetime, seconds: float) -> str:
    return (start_at + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")
