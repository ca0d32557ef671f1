"""What a forecast run does with adjustments: those in force applied, and what each made of it kept."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cloud.db import Connection
from cloud.demand.reading import DailyMatrix
from cloud.forecasting.overrides import store
from cloud.forecasting.overrides.applying import Adjusted, Said, adjust
from cloud.forecasting.overrides.domain import Adjustment, Mode
from cloud.forecasting.overrides.outcomes import Came, keep_outcomes
from cloud.forecasting.overrides.store import InForceRow


@dataclass(frozen=True, slots=True)
class InForce:
    """The approved adjustments of a site whose days are not over."""

    site: str
    first_day: date
    by_item: Mapping[int, Sequence[Adjustment]]

    def apply(
        self,
        item_id: int,
        mean: Sequence[float],
        horizons: Sequence[int],
        cum_q: Sequence[Sequence[float]],
    ) -> Adjusted | None:
        """Adjust an item's forecast.

        Args:
            item_id: The item.
            mean: By day from `first_day`.
            horizons: Days, ascending.
            cum_q: Of each horizon by level.

        Returns:
            The forecast with adjustments, beside the system's; None if it stays as it is.
        """
        adjustments = self.by_item.get(item_id)
        if adjustments is None:
            return None
        return adjust(Said(mean, horizons, cum_q), self.first_day, adjustments)


def in_force(conn: Connection, site: str, first_day: date) -> InForce:
    """Read the adjustments that count.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        first_day: First day that is forecast; what ended before it counts no more.

    Returns:
        They, by item; those of a category with each of its items.
    """
    found = store.rows(conn, InForceRow, "in_force", site=site, first_day=first_day)
    by_item: dict[int, list[Adjustment]] = defaultdict(list)
    for row in found:
        by_item[row.item_id].append(
            Adjustment(
                row.override_id,
                is_of_item=row.is_of_item,
                from_day=row.from_day,
                until_day=row.until_day,
                mode=Mode(row.mode),
                amount=row.amount,
                per_days=row.per_days,
            )
        )
    return InForce(site, first_day, dict(by_item))


def keep_effects(
    conn: Connection, run_id: int, counted: InForce, done: Mapping[int, Adjusted], demand: DailyMatrix
) -> int:
    """Keep what adjustments made of forecasts, until their days have begun; judge those that are over.

    Args:
        conn: In the transaction that finishes the run.
        run_id: Of the run.
        counted: What was in force.
        done: What came of it, by item.
        demand: What the run was computed from; it ends the day before the forecasts begin.

    Returns:
        How many effects of adjustments were kept or renewed.
    """
    kept = 0
    came = Came.of(demand)
    for item_id, adjusted in done.items():
        for number in adjusted.override_ids:
            own = [day for day, by in enumerate(adjusted.days) if by == number]
            within = range(own[0], own[-1] + 1)
            kept += store.change(
                conn,
                "add_effect",
                override_id=number,
                item_id=item_id,
                site=counted.site,
                run_id=run_id,
                first_day=counted.first_day,
                from_day=counted.first_day + timedelta(days=own[0]),
                system=[adjusted.system.mean[day] for day in within],
                overridden=[
                    (adjusted.said if adjusted.days[day] == number else adjusted.system).mean[day]
                    for day in within
                ],
                naive=came.week_before(item_id, counted.first_day),
            )
    keep_outcomes(conn, counted.site, came)
    return kept
