"""`dockledger demand …`: what customers asked for, and when a site's day begins."""

import argparse
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from cloud import shell
from cloud.demand import calendar, service
from cloud.demand.calendar import SiteCalendar
from cloud.demand.csv_file import read_csv
from cloud.demand.domain import DemandError, Faults, Imported, StagedLine
from cloud.demand.held_commands import add_held_commands
from cloud.demand.mask_commands import add_mask_commands
from cloud.demand.parquet_file import read_parquet
from cloud.demand.rows import Defaults
from cloud.demand.service import LineFilter, all_lines
from cloud.demand.shell import SHELL, database, reporting
from cloud.demand.sources.commands import add_source_commands
from cloud.demand.substitution_commands import add_substitution_commands
from cloud.demand.supersession_commands import add_supersession_commands
from cloud.demand.xlsx_file import MOST_EXPORTED, lines_as_workbook, read_xlsx
from cloud.settings import Settings
from cloud.sheets.fields import Conventions

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_EXAMPLES: Final = """examples:
  dockledger demand import pos.csv --site leeds --source till
      document,line,gtin,quantity,requested_at[,kind,channel,revision,of_document,of_line,site,source]
  dockledger demand import export.csv --site leeds --source till --decimal-comma --dates dmy --local-times
  dockledger demand import pos.parquet --site leeds --source till --new-items
  dockledger demand import orders.xlsx --site leeds --source fair --local-times
  dockledger demand export fair.xlsx --site leeds --source fair --since 2026-03-01
  dockledger demand calendar --site leeds --day-start 06:00 --opens 08:00 --closes 18:00"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    group = shell.group(subparsers, "demand", "import what customers asked for", _EXAMPLES)
    summary = "import lines of demand from a file, or nothing of it"
    importing = group.add_parser("import", help=summary, description=summary)
    importing.add_argument("file", type=Path, help=".csv, .xlsx, or .parquet where pyarrow is installed")
    importing.add_argument("--sheet", help="of a workbook that has several")
    importing.add_argument("--site", help="of lines that name none")
    importing.add_argument("--source", help="of lines that name none: which till, shop or ERP they are from")
    importing.add_argument(
        "--new-items", action="store_true", help="make provisional items of unknown names, as scans do"
    )
    importing.add_argument(
        "--dates", choices=("ymd", "dmy", "mdy"), default="ymd", help="order of dates' parts (default: ymd)"
    )
    importing.add_argument(
        "--local-times", action="store_true", help="times without offset are by the site's clocks"
    )
    importing.add_argument(
        "--twice", choices=("first", "second"), help="which one, of a local time that the clocks showed twice"
    )
    shell.add_decimal_sign(importing)
    importing.add_argument("--encoding", choices=("utf-8", "windows-1252"), default="utf-8")
    importing.add_argument("--json", action="store_true", help="print JSON")
    importing.set_defaults(run=run_import)
    summary = "write lines of demand to a workbook, which `import` reads: again, it changes nothing"
    exporting = group.add_parser("export", help=summary, description=summary)
    exporting.add_argument("file", type=Path, help=".xlsx; it must not be there yet")
    exporting.add_argument("--site", help="only of this site")
    exporting.add_argument("--source", help="only of this source")
    exporting.add_argument("--since", type=shell.day, metavar="DAY", help="asked for on or after, in UTC")
    exporting.add_argument("--until", type=shell.day, metavar="DAY", help="asked for before, in UTC")
    exporting.set_defaults(run=run_export)
    summary = "show what was asked for, item by item: first and last day, days, lines"
    extent = group.add_parser("extent", help=summary, description=summary)
    extent.add_argument("--site", help="only of this site")
    extent.add_argument("--json", action="store_true", help="print JSON, one object per line")
    extent.set_defaults(run=run_extent)
    summary = "show when a site's days are, or say it anew"
    setting = group.add_parser("calendar", help=summary, description=summary)
    setting.add_argument("--site", required=True)
    setting.add_argument("--time-zone", metavar="ZONE", help="like Europe/London; read by all pages")
    setting.add_argument("--day-start", metavar="HH:MM", help="when the business day begins")
    setting.add_argument("--week-start", type=int, metavar="N", help="1 (Monday) to 7 (Sunday)")
    setting.add_argument("--opens", metavar="HH:MM", help="with --closes")
    setting.add_argument("--closes", metavar="HH:MM", help="may be past midnight")
    setting.add_argument("--always-open", action="store_true", help="instead of --opens and --closes")
    setting.add_argument("--json", action="store_true", help="print JSON")
    setting.set_defaults(run=run_calendar)
    add_mask_commands(group)
    add_supersession_commands(group)
    add_source_commands(group)
    add_held_commands(group)
    add_substitution_commands(group)


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    """Import a file."""
    return reporting(lambda: _import(arguments, settings))


def run_export(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write lines to a workbook."""

    def work() -> None:
        wanted = LineFilter(
            site=arguments.site,
            source=arguments.source,
            since=_begin(arguments.since),
            until=_begin(arguments.until),
        )
        with database(settings) as conn:
            rows = list(all_lines(conn, SHELL, wanted, most=MOST_EXPORTED))
        with arguments.file.open("xb") as file:
            file.write(lines_as_workbook(rows))
        print(f"{len(rows):,} lines")

    return reporting(work)


def _begin(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def run_extent(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show what was asked for."""

    def work() -> None:
        with database(settings) as conn:
            rows = service.extent(conn, SHELL, site=arguments.site)
        for row in rows:
            if arguments.json:
                print(orjson.dumps(row._asdict()).decode())
            else:
                print(
                    f"{row.site}  {row.item}  {row.first_day} to {row.last_day}  "
                    f"{row.days_with_demand} days  {row.lines} lines"
                )

    return reporting(work)


def run_calendar(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show or set a site's calendar."""

    def work() -> None:
        with database(settings) as conn:
            known = calendar.calendar(conn, SHELL, site=arguments.site)
            wished = _wished(arguments, known)
            calendar.set_calendar(conn, SHELL, wished, site=arguments.site)
        fields = asdict(wished)
        if arguments.json:
            print(orjson.dumps(fields).decode())
            return
        for name, value in fields.items():
            print(f"{name:<18}  {'always open' if value is None else value}")

    return reporting(work)


def _wished(arguments: argparse.Namespace, known: SiteCalendar) -> SiteCalendar:
    """Change what the arguments say of a calendar."""
    if arguments.always_open and (arguments.opens or arguments.closes):
        raise DemandError("--always-open: expected neither --opens nor --closes with it")
    wished = replace(
        known,
        time_zone=arguments.time_zone or known.time_zone,
        business_day_start=_clock(arguments.day_start, "--day-start") or known.business_day_start,
        week_start=known.week_start if arguments.week_start is None else arguments.week_start,
        opens_at=_clock(arguments.opens, "--opens") or known.opens_at,
        closes_at=_clock(arguments.closes, "--closes") or known.closes_at,
    )
    return replace(wished, opens_at=None, closes_at=None) if arguments.always_open else wished


def _clock(text: str | None, option: str) -> time | None:
    try:
        return None if text is None else time.fromisoformat(text)
    except ValueError as error:
        raise DemandError(f"{option} {text!r}: expected a wall-clock time like 06:00") from error


def _import(arguments: argparse.Namespace, settings: Settings) -> None:
    file: Path = arguments.file
    faults = Faults()
    with _bar(file) as progress, database(settings) as conn:
        done = service.import_lines(
            conn,
            SHELL,
            _lines(arguments, faults, progress),
            faults=faults,
            origin=f"{file}, {'line' if _format(file) == '.csv' else 'row'}",
            now=datetime.now(UTC),
            makes_items=arguments.new_items,
            twice=arguments.twice,
            about={"file": file.name, "sha256": _sha256(file)},
        )
    _tell(arguments, done)


def _lines(
    arguments: argparse.Namespace, faults: Faults, progress: Callable[[int], None]
) -> Iterator[StagedLine]:
    defaults = Defaults(site=arguments.site, source=arguments.source)
    conventions = Conventions(
        has_decimal_comma=arguments.decimal_comma,
        has_decimal_point=arguments.decimal_point,
        dates=arguments.dates,
        has_local_times=arguments.local_times,
    )
    if _format(arguments.file) == ".parquet":
        return read_parquet(
            arguments.file, defaults=defaults, conventions=conventions, faults=faults, progress=progress
        )
    if _format(arguments.file) == ".xlsx":
        return read_xlsx(
            arguments.file,
            defaults=defaults,
            conventions=conventions,
            faults=faults,
            progress=progress,
            sheet=arguments.sheet,
        )
    return read_csv(
        arguments.file,
        defaults=defaults,
        conventions=conventions,
        encoding=arguments.encoding,
        faults=faults,
        progress=progress,
    )


def _format(file: Path) -> str:
    """Tell a file's format by its name; what bears another is CSV."""
    suffix = file.suffix.lower()
    return suffix if suffix in {".parquet", ".xlsx"} else ".csv"


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def _bar(file: Path) -> Iterator[Callable[[int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        size = file.stat().st_size if file.is_file() else None
        task = bar.add_task("reading", total=size)

        def show(read: int) -> None:
            bar.update(task, completed=read, description="checking" if read == size else "reading")

        yield show


def _tell(arguments: argparse.Namespace, done: Imported) -> None:
    figures = {name: getattr(done, name) for name in done.__slots__}
    if arguments.json:
        print(orjson.dumps(figures).decode())
        return
    for name, figure in figures.items():
        print(f"{name.replace('_', ' '):<11} {figure:>9,}")
