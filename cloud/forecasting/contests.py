"""What a nightly run holds of contests: who challenges and which series are tried, read before it. Numpy."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import orjson

from cloud.db import Connection
from cloud.demand.reading import Item
from cloud.forecasting.chosen import service as series
from cloud.forecasting.chosen.domain import Choice, Standing, chosen
from cloud.forecasting.chosen.fitting import DatedFit
from cloud.forecasting.protocol import Floats
from cloud.forecasting.registry.settings import SERIES, ModelSetting, contests_due, setting_of

VALUE_WEEKS: Final = 52
"""Over which the value of a series is told."""


@dataclass(frozen=True, slots=True)
class Contests:
    """What is set at a site, what is due, and what is kept of its series."""

    setting: ModelSetting
    due: tuple[str, ...]
    choices: Mapping[int, Choice]
    """By item id."""
    kept: Mapping[int, series.KeptSeries]
    """By item id, the latest of each."""

    @property
    def in_force(self) -> Mapping[int, Sequence[DatedFit]]:
        """By item id the fits of the models that forecast."""
        return {
            item_id: [DatedFit.of(one) for one in model.fits]
            for item_id, model in sorted(self.kept.items())
            if model.standing == Standing.IN_FORCE
        }

    def models(self, items: Sequence[Item]) -> dict[int, Sequence[DatedFit]]:
        """Give the models in force by row.

        Args:
            items: Of the rows.

        Returns:
            The fits of those that are there.
        """
        known = self.in_force
        return {row: known[item.item_id] for row, item in enumerate(items) if item.item_id in known}

    def tried(self, items: Sequence[Item], totals: Floats, prices: Floats) -> list[int]:
        """Choose the series to try.

        Args:
            items: Of the rows.
            totals: Rows x weeks; NaN where not known.
            prices: Of each row; NaN: not known.

        Returns:
            Rows, in the order in which time is given to them; none where nobody is to be tried.
        """
        said = [self.choices.get(item.item_id, Choice.BY_VALUE) for item in items]
        recent = totals[:, -VALUE_WEEKS:]
        known = np.isfinite(recent)
        volume = np.where(known, recent, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        values = [float(value) if np.isfinite(value) else None for value in volume * prices]
        return chosen(values, said, self.setting.series_by_value)

    @property
    def is_series_due(self) -> bool:
        """Whether series are tried in this run."""
        wanted = self.setting.series_by_value > 0 or Choice.PINNED in self.choices.values() or self.kept
        return bool(wanted) and SERIES in self.due

    @property
    def challengers(self) -> tuple[str, ...]:
        """Methods whose contest is due."""
        return tuple(name for name in self.due if name != SERIES)

    def digest(self) -> bytes:
        """Give the hash of what forecasts beside the method."""
        models = {str(item_id): model.fits for item_id, model in self.kept.items()}
        return hashlib.sha256(orjson.dumps(models, option=orjson.OPT_SORT_KEYS)).digest()


def contests_of(conn: Connection, site: str, today: date) -> Contests:
    """Read them.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        today: The present.

    Returns:
        All of it.
    """
    setting = setting_of(conn, site)
    return Contests(
        setting=setting,
        due=contests_due(conn, setting, today),
        choices=series.choices(conn, site),
        kept={one.item_id: one for one in series.kept(conn, site)},
    )
