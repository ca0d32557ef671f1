"""The method in force: many simple members, combined by what each went wrong: the batch engine. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from io import BytesIO
from typing import Any, Final

import numpy as np

from cloud.forecasting.batch import combination
from cloud.forecasting.batch.combination import Known, Pooled
from cloud.forecasting.batch.evaluate import Drivers, drive
from cloud.forecasting.batch.joined import Joined, join
from cloud.forecasting.batch.members import MEMBERS
from cloud.forecasting.batch.rolled import Rolled, actuals, pieces, work
from cloud.forecasting.drivers import Driven
from cloud.forecasting.moves import Moves
from cloud.forecasting.protocol import Floats, Ints, Said, Spread, Training
from cloud.forecasting.weeks import Weeks

SEASON_WEEKS: Final = 52


class Combination:
    """Members weighed by their errors over the last origins, drawn towards what is usual in their class.

    Bates & Granger 1969. Nothing is estimated from weeks after an origin for what is said at it. What is
    usual in a class is learned by training; the forecast in force is weighed by the training in force, those
    of past origins by what a training would have learned there.
    """

    name: Final = "combination"
    min_weeks: Final = 8

    def __init__(self, training: bytes | None = None, moves: Moves | None = None) -> None:
        """Take over what was learned.

        Args:
            training: State of the training in force, of the same `revision`; None: what tonight's would learn
                is used at once.
            moves: Events that move demand; None: nothing is known to.
        """
        self._moves = moves
        self._usual = None if training is None else _read(training)

    @property
    def revision(self) -> str:
        """What a training can be used by: names and order of the members, and what is pooled."""
        told = [*MEMBERS, *(one.name for one in fields(Pooled))]
        return hashlib.sha256(" ".join(told).encode()).hexdigest()[:8]

    def parameters(self) -> Mapping[str, Any]:
        """Tell the members and what weighs them."""
        return {
            "members": list(MEMBERS),
            "season_weeks": SEASON_WEEKS,
            "min_weeks": self.min_weeks,
            "dropped_above": combination.DROPPED_ABOVE,
            "prior_origins": combination.PRIOR_ORIGINS,
        }

    def said(self, weeks: Weeks, origins: Ints, horizon_weeks: int, *, last_day: int, spread: Spread) -> Said:
        """Roll all members through the weeks, and combine them at each origin.

        Args:
            weeks: What is known.
            origins: The weeks from which is forecast.
            horizon_weeks: How far, > 0.
            last_day: Of no concern here.
            spread: Works on chunks of series.

        Returns:
            The combined forecasts.
        """
        del last_day
        totals = weeks.totals
        driven = self._moves.drive(totals, origins, horizon_weeks) if self._moves else None
        drivers = Drivers(driven.factors, driven.versions, {}) if driven else None
        cut = [
            drive(piece, drivers)
            for piece in pieces(totals, origins, horizon=horizon_weeks, season=SEASON_WEEKS, members=MEMBERS)
        ]
        parts = list(spread(work, cut))
        found = join(parts, actuals(totals, origins, horizon_weeks), origins, takes_lean_out=driven is None)
        weights = found.weights[:, -1].sum(axis=0)
        learned = Training(
            _written(found.pooled),
            {name: float(part) for name, part in zip(MEMBERS, weights / max(weights.sum(), 1), strict=True)},
        )
        if self._usual is not None:
            _weigh_again(found, parts, self._usual)
        ready = _ready(found.forecast, weeks, origins, self.min_weeks)
        return Said(
            ready, partial(_why, found, self._usual, driven), learned, driven.factors if driven else None
        )


def _weigh_again(found: Joined, parts: Sequence[Rolled], usual: Pooled) -> None:
    """Weigh the members of the last origin by what an earlier training found usual."""
    for part in parts:
        now = slice(-1, None)
        known = Known(part.known.relative[:, now], part.known.counts[:, now])
        classes = part.classes[:, now]
        weights = combination.weigh(known, classes, usual, part.ready[:, now])
        lean = np.where(classes >= 0, found.corrections[np.maximum(classes, 0), -1], 1)
        found.weights[part.rows, -1] = weights[:, 0]
        found.forecast[part.rows, -1] = combination.combined(part.paths[:, :, now], weights)[:, 0] * lean


def _written(pooled: Pooled) -> bytes:
    """Write what is usual in each class at the last origin."""
    held = BytesIO()
    parts = {one.name: getattr(pooled, one.name)[:, -1:] for one in fields(Pooled)}
    np.savez_compressed(held, **parts)
    return held.getvalue()


def _read(training: bytes) -> Pooled:
    """Read it again."""
    with np.load(BytesIO(training), allow_pickle=False) as held:
        return Pooled(**{one.name: held[one.name] for one in fields(Pooled)})


def _ready(forecast: Floats, weeks: Weeks, origins: Ints, least: int) -> Floats:
    known = np.cumsum(np.isfinite(weeks.totals), axis=1)[:, origins]
    result: Floats = np.where((known >= least)[:, :, None], forecast, np.nan)
    return result


def _why(found: Joined, usual: Pooled | None, driven: Driven | None, row: int) -> Mapping[str, Any]:
    told = combination.why(
        MEMBERS, found.known, found.classes, usual or found.pooled, weights=found.weights, row=row
    )
    return told if driven is None else {**told, **driven.why(row)}
