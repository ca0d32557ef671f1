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
from cloud.forecasting.arima import NAME
from cloud.forecasting.chosen import service as series
from cloud.forecasting.chosen.domain import SeriesChoice, Standing, chosen
from cloud.forecasting.chosen.fitting import DatedFit, OtherShapeError
from cloud.forecasting.protocol import Floats
from cloud.forecasting.registry.settings import SERIES, ModelSetting, contests_due, setting_of

VALUE_WEEKS: Final = 52
"""Over which the value of a series is told."""


@dataclass(frozen=True, slots=True)
class Contests:
    """What is set at a site, what is due, and what is kept of its series."""

    setting: ModelSetting
    due: tuple[str, ...]
    choices: Mapping[int, SeriesChoice]
    """By item id."""
    kept: Mapping[int, series.KeptSeries]
    """By item id, the latest of each."""
    fits: Mapping[int, Sequence[DatedFit]]
    """By item id those of each; without those that another release kept in another shape."""
    unread: Mapping[int, str]
    """By item id why what was kept cannot be read: it is to be learned anew."""

    @property
    def in_force(self) -> Mapping[int, Sequence[DatedFit]]:
        """By item id the fits of the models that forecast."""
        return {item_id: self.fits[item_id] for item_id in self._standing if item_id in self.fits}

    @property
    def _standing(self) -> Sequence[int]:
        return [
            item_id for item_id, model in sorted(self.kept.items()) if model.standing == Standing.IN_FORCE
        ]

    def models(self, items: Sequence[Item]) -> dict[int, Sequence[DatedFit]]:
        """Give the models in force by row.

        Args:
            items: Of the rows.

        Returns:
            The fits of those that are there.
        """
        known = self.in_force
        return {row: known[item.item_id] for row, item in enumerate(items) if item.item_id in known}

    def fallbacks(self, items: Sequence[Item]) -> dict[int, str]:
        """Say of models in force that cannot be read that they are left out, by row.

        Args:
            items: Of the rows.

        Returns:
            In words, and why.
        """
        gone = {item_id: self.unread[item_id] for item_id in self._standing if item_id in self.unread}
        return {
            row: f"{NAME} of {item.code} is left out of this run and learned anew: {gone[item.item_id]}"
            for row, item in enumerate(items)
            if item.item_id in gone
        }

    def tried(self, items: Sequence[Item], totals: Floats, prices: Floats) -> list[int]:
        """Choose the series to try.

        Args:
            items: Of the rows.
            totals: Rows x weeks; NaN where not known.
            prices: Of each row; NaN: not known.

        Returns:
            Rows, in the order in which time is given to them; none where nobody is to be tried.
        """
        said = [self.choices.get(item.item_id, SeriesChoice.BY_VALUE) for item in items]
        recent = totals[:, -VALUE_WEEKS:]
        known = np.isfinite(recent)
        volume = np.where(known, recent, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        values = [float(value) if np.isfinite(value) else None for value in volume * prices]
        return chosen(values, said, self.setting.series_by_value)

    @property
    def is_series_due(self) -> bool:
        """Whether series are tried in this run."""
        wanted = self.setting.series_by_value > 0 or SeriesChoice.PINNED in self.choices.values() or self.kept
        has_lost = any(item_id in self.unread for item_id in self._standing)
        return has_lost or (bool(wanted) and SERIES in self.due)

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
    kept = {one.item_id: one for one in series.kept(conn, site)}
    fits: dict[int, Sequence[DatedFit]] = {}
    unread: dict[int, str] = {}
    for item_id, model in kept.items():
        try:
            fits[item_id] = tuple(DatedFit.of(one) for one in model.fits)
        except OtherShapeError as error:
            unread[item_id] = str(error)
    return Contests(
        setting=setting,
        due=contests_due(conn, setting, today),
        choices=series.choices(conn, site),
        kept=kept,
        fits=fits,
        unread=unread,
    )
