"""A file of lots' dates: read whole, kept whole or not at all, every fault of it in one answer."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from cloud.allocation.domain import AllocationError
from cloud.allocation.terms import MOST_REASON, put_lot
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.lots.domain import KEEPERS, LotError
from cloud.sheets.fields import Conventions, FieldError, Order, moment
from cloud.sheets.table import Encoding, TableRow, read_table

NEEDED: Final = ("item", "lot")
OPTIONAL: Final = ("expires_on", "produced_on", "reason")
_KEEPS: Final = "none"
_MOST_NAME: Final = 128


class DatePaper(NamedTuple):
    """What a row says of a lot."""

    item: str
    lot: str
    expires_on: date | None
    says_expiry: bool
    produced_on: date | None
    reason: str | None
    place: str
    """Of the row, for people."""


def read_dates(
    file: Path, *, dates: Order = "ymd", encoding: Encoding = "utf-8", sheet: str | None = None
) -> list[DatePaper]:
    """Read a file of lots' dates.

    Args:
        file: CSV or ``.xlsx`` with the columns item and lot, and expires_on, produced_on or both.
        dates: In which order a day that is not as 2026-10-01 is written.
        encoding: Of a CSV.
        sheet: Of a workbook with several.

    Returns:
        What its rows say; an empty cell says nothing, ``none`` that it keeps.

    Raises:
        TableError: If it cannot be read at all, or its columns are wrong.
        LotError: One line per fault.
    """
    conventions = Conventions(dates=dates, has_local_times=True)
    table = read_table(
        file, required=NEEDED, optional=OPTIONAL, conventions=conventions, encoding=encoding, sheet=sheet
    )
    faults = [f"{file}: {fault}" for fault in table.faults]
    papers: list[DatePaper] = []
    for row in table.rows:
        paper, wrong = _paper(row, f"{file}:{row.number}", conventions)
        faults += wrong
        papers.append(paper)
    if not papers and not faults:
        faults = [f"{file}: expected lots, got none"]
    faults += _twice(papers)
    if faults:
        raise LotError("\n".join(faults))
    return papers


def put_dates(conn: Connection, actor: Actor, papers: Sequence[DatePaper]) -> int:
    """State dates of lots, all or none.

    Args:
        conn: In a transaction that the caller commits, or rolls back where this raises.
        actor: A supervisor or inventory controller at all sites: lots are everywhere's.
        papers: The lots.

    Returns:
        Of how many that was new.

    Raises:
        NotAllowedError: If the actor may not.
        LotError: One line per row that cannot be kept.
    """
    actor.require_everywhere(*KEEPERS)
    faults, new = [], 0
    for paper in sorted(papers, key=lambda each: (each.item, each.lot)):
        try:
            new += put_lot(
                conn,
                actor,
                item=paper.item,
                lot=paper.lot,
                expires_on=paper.expires_on,
                produced_on=paper.produced_on,
                states_expiry=paper.says_expiry,
                reason=paper.reason,
            )
        except AllocationError as error:
            faults.append((paper.place, f"{error}"))
    if faults:
        order = {paper.place: number for number, paper in enumerate(papers)}
        told = sorted(faults, key=lambda fault: order[fault[0]])
        raise LotError("\n".join(f"{place}: {error}" for place, error in told))
    return new


def _paper(row: TableRow, place: str, conventions: Conventions) -> tuple[DatePaper, list[str]]:
    cells = row.cells
    faults = [
        f"{place}: {name}: expected 1 to {_MOST_NAME} characters, got {len(cells[name])}"
        for name in NEEDED
        if not 0 < len(cells[name]) <= _MOST_NAME
    ]
    reason = cells.get("reason") or None
    if reason and len(reason) > MOST_REASON:
        faults.append(f"{place}: reason: expected at most {MOST_REASON} characters, got {len(reason)}")
    days: dict[str, date | None] = {}
    for name in ("expires_on", "produced_on"):
        text = cells.get(name, "")
        days[name] = None
        if text and not (name == "expires_on" and text.lower() == _KEEPS):
            try:
                days[name] = _day(text, conventions)
            except FieldError as error:
                faults.append(f"{place}: {name}: {error}")
    says_expiry = bool(cells.get("expires_on"))
    if not faults and not says_expiry and days["produced_on"] is None:
        faults.append(f"{place}: expected expires_on or produced_on, got neither")
    names = cells["item"], cells["lot"]
    paper = DatePaper(*names, days["expires_on"], says_expiry, days["produced_on"], reason, place)
    return paper, faults


def _day(text: str, conventions: Conventions) -> date:
    try:
        told = moment(text, conventions)
    except FieldError as error:
        if "say which" in f"{error}":
            raise
        raise FieldError(f"{text!r:.60}: expected a day as 2026-10-01") from error
    if told.local_at is None or not told.local_at.endswith("T00:00:00"):
        raise FieldError(f"{text!r:.60}: expected a day as 2026-10-01")
    return date.fromisoformat(told.local_at[:10])


def _twice(papers: Sequence[DatePaper]) -> list[str]:
    seen: dict[tuple[str, str], DatePaper] = {}
    faults = []
    for paper in papers:
        first = seen.setdefault((paper.item, paper.lot), paper)
        if first is not paper:
            name = f"lot {paper.lot!r:.140} of item {paper.item!r:.140}"
            faults.append(f"{paper.place}: {name} stands there before, in {first.place}")
    return faults
