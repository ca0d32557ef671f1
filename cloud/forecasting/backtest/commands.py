"""`dockledger forecast backtest …`: how the forecasts would have gone, on any file; no database is needed."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

SEASONS: Final = {"D": 7, "W": 52, "M": 12}
"""Usual periods per cycle."""
_MOST: Final = 20_000
"""Of periods, origins or processes: no series has more."""
_MOST_TOLD: Final = 20
"""Reasons for refusals that people are told."""

_EXAMPLES: Final = """\
The file has one row per series and period: series_id, ds, y, and further columns for --covariates.
Rows may stand in any order. A period without a row, or with an empty y, is not known: it is neither
taken for zero nor judged: write zeros where nothing was sold. Dates are 2026-03-01, 2026/03/01 or 2026-03;
covariates may be true and false. A series with an infinite or negative y, a period that stands twice, a cell
that is no number or date, or fewer than two known periods is refused by itself, with the reason
(`refused` in the JSON). Times count as the local days they are written as; offsets are cut off unless
--zone names the zone to read them in.

examples:
  dockledger forecast backtest --data sales.csv --freq W --season 52 --horizon 4 --origins 13
  dockledger forecast backtest --data daily.parquet --freq D --season 7 --horizon 28 --origins 13 --step 7
  dockledger forecast backtest --data promo.parquet --freq W --horizon 4 \\
      --covariates deal,feature,price --known-future deal,feature,price --json
  dockledger forecast backtest --data m3.parquet --freq M --where period=monthly --split-column split"""


def add_command(group: "Subparsers") -> None:
    """Add the command.

    Args:
        group: Commands of `dockledger forecast`.
    """
    summary = "judge forecasts on the past of any file, without a database"
    parser = group.add_parser(
        "backtest",
        help=summary,
        description=summary,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help=".parquet or .csv")
    parser.add_argument("--freq", choices=tuple(SEASONS), required=True, help="days, weeks or months")
    parser.add_argument("--season", type=_count, help="periods per cycle; 1: none; default: 7, 52 or 12")
    parser.add_argument("--horizon", type=_count, help="periods ahead; with a split: at most so many")
    parser.add_argument("--origins", type=_count, default=13, help="times forecast from; default: 13")
    parser.add_argument("--step", type=_count, default=1, help="periods between them; default: 1")
    parser.add_argument("--covariates", type=_names, default=(), metavar="NAMES", help="c1,c2: columns")
    parser.add_argument(
        "--known-future",
        type=_names,
        default=(),
        metavar="NAMES",
        help="those of them whose coming values are known when forecasting; others explain the past only",
    )
    parser.add_argument("--members", type=_names, metavar="NAMES", help="methods to combine; default: all")
    parser.add_argument("--split-column", metavar="COLUMN", help="rows other than `train` are the test")
    parser.add_argument(
        "--where", type=_pair, action="append", default=[], metavar="COLUMN=VALUE", help="only such rows"
    )
    parser.add_argument("--id-column", default="series_id", metavar="COLUMN")
    parser.add_argument("--date-column", default="ds", metavar="COLUMN")
    parser.add_argument("--target-column", default="y", metavar="COLUMN")
    parser.add_argument("--zone", help="such as Europe/Paris, for times with an offset")
    parser.add_argument("--processes", type=_count, default=1, help="default: 1; the result is the same")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run_backtest)


def run_backtest(arguments: argparse.Namespace, _settings: Settings) -> int:
    """Backtest a file."""
    # Loaded only now: whoever reads forecasts needs no numpy.
    from cloud.forecasting.backtest import running  # noqa: PLC0415  as said
    from cloud.forecasting.backtest.files import Wanted  # noqa: PLC0415  the same
    from cloud.forecasting.batch.longform import LongformError  # noqa: PLC0415  the same
    from cloud.forecasting.batch.members import MEMBERS  # noqa: PLC0415  the same

    wanted = Wanted(
        series=arguments.id_column,
        at=arguments.date_column,
        y=arguments.target_column,
        covariates=arguments.covariates,
        split=arguments.split_column,
        where=tuple(arguments.where),
        zone=arguments.zone,
    )
    wish = running.Wish(
        data=arguments.data,
        freq=arguments.freq,
        season=arguments.season or SEASONS[arguments.freq],
        horizon=arguments.horizon,
        origins=arguments.origins,
        step=arguments.step,
        wanted=wanted,
        known_future=arguments.known_future,
        members=arguments.members or MEMBERS,
        processes=arguments.processes,
    )
    try:
        with _bar() as progress:
            told = running.run(wish, progress=progress)
    except LongformError as error:
        print(f"dockledger: {error}", file=sys.stderr)
        return 1
    print(orjson.dumps(told).decode() if arguments.json else "\n".join(_lines(told)))
    return 0


_FIGURES: Final = {
    "rmsse": "root mean square error, scaled (RMSSE)",
    "wape": "absolute error over demand (WAPE)",
    "cum_wape": "the same of sums over the horizon",
    "mase": "mean absolute error, scaled (MASE)",
    "bias_pct": "bias, % of demand",
    "pinball": "pinball loss over demand",
    "coverage_80": "within the 80 % band",
    "coverage_95": "within the 95 % band",
    "least_80": "the least an 80 % band can cover, by zeros",
    "pit_80": "within 80 % by the randomised transform",
    "pit_95": "within 95 % by the randomised transform",
    "cum_coverage_80": "sums within their 80 % band",
    "cum_coverage_95": "sums within their 95 % band",
    "smape": "symmetric error (sMAPE), %",
    "owa": "against Naive2 (OWA)",
    "cpu_seconds_per_1000": "CPU seconds per 1,000 series",
    "peak_rss_mb": "peak memory, MB",
}


def _lines(told: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{told['series']} series, {told['origins']} origins, {told['horizon']} periods ahead, "
        f"{told['judged_steps']} steps judged"
    )
    for name, words in _FIGURES.items():
        if told.get(name) is not None:
            yield f"  {words:<42} {told[name]:>10.3f}"
    yield "coverage by volume, the smallest first: 80, 95 %; randomised, as zeros raise the former; zeros"
    for row in told["coverage_by_decile"]:
        shares = "   ".join(
            " ".join(f"{row[name]:>7.1%}" for name in names)
            for names in (("coverage_80", "coverage_95"), ("pit_80", "pit_95"), ("zero_share",))
        )
        yield f"  {row['decile']:>2}  {shares}"
    if told["unknown_periods"]:
        yield (
            f"not known: {told['unknown_periods']:,} periods without a row or a y; "
            "write zeros where nothing was sold"
        )
    bare = told["without_band"]
    if bare["steps"]:
        yield (
            f"without a band: {bare['steps']:,} steps, all of those of {bare['series']:,} series, of which "
            f"{bare['zero_share']:.1%} brought no demand: {bare['why']}"
        )
    yield "weights in force"
    for name, weight in sorted(told["weights"]["all"].items(), key=lambda pair: (-pair[1], pair[0])):
        if weight:
            yield f"  {name:<20} {weight:>7.1%}"
    for name, effect in told["effects"].items():
        yield f"effect of {name}: x {effect['factor']:.3f} ({effect['low']:.3f} to {effect['high']:.3f})"
    yield from _refused(told["refused"])


def _refused(refused: list[dict[str, str]]) -> Iterator[str]:
    """Tell refused series, those of one reason in one line, the most frequent reason first."""
    by_reason: dict[str, list[str]] = {}
    for one in refused:
        by_reason.setdefault(one["reason"], []).append(one["series_id"])
    ordered = sorted(by_reason.items(), key=lambda pair: -len(pair[1]))
    for reason, names in ordered[:_MOST_TOLD]:
        others = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
        yield f"refused: {names[0]}{others}: {reason}"
    if len(ordered) > _MOST_TOLD:
        yield f"refused for {len(ordered) - _MOST_TOLD:,} more reasons; --json tells all"


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > len(str(_MOST)) or not 0 < int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r:.40}: expected a whole number of 1 to {_MOST:,}")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} names nothing: expected names with commas between")
    return found


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r}: expected COLUMN=VALUE")
    return name, value


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("series", total=None)

        def show(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        yield show
