"""The method in force: many simple members, combined by what each went wrong: the batch engine. Pure."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from io import BytesIO
from typing import Any, Final

import numpy as np

from cloud.forecasting.batch import combination
from cloud.forecasting.batch.combination import Pooled
from cloud.forecasting.batch.evaluate import MOST_KEPT, Drivers, drive
from cloud.forecasting.batch.joined import Joined, join
from cloud.forecasting.batch.members import MEMBERS
from cloud.forecasting.batch.rolled import Rolled, actuals, paths_of, pieces, summarised, work
from cloud.forecasting.batch.roomy import let_go
from cloud.forecasting.boosted import Boosting, DatedTrees, Further, as_array, from_array
from cloud.forecasting.boosting import NAME as LIGHTGBM
from cloud.forecasting.boosting import BoostingError
from cloud.forecasting.drivers import Driven, Reasons
from cloud.forecasting.features import NAMED
from cloud.forecasting.moves import Moves
from cloud.forecasting.protocol import Floats, Ints, Said, Spread, Training
from cloud.forecasting.weeks import Weeks

SEASON_WEEKS: Final = 52
COMBINATION: Final = "combination"
BOOSTED: Final = "boosted"
"""The combination with LightGBM as a family of its own beside the members."""
_MODELS: Final = "models"


class Combination:
    """Members weighed by their errors over the last origins, drawn towards what is usual in their class.

    Bates & Granger 1969. Nothing is estimated from weeks after an origin for what is said at it. What is
    usual in a class is learned by training; the forecast in force is weighed by the training in force, those
    of past origins by what a training would have learned there.
    """

    min_weeks: Final = 8

    def __init__(
        self,
        training: bytes | None = None,
        moves: Moves | None = None,
        *,
        is_boosted: bool = False,
        is_due: bool = True,
    ) -> None:
        """Take over what was learned.

        Args:
            training: State of the training in force, of the same `revision`; None: what tonight's would learn
                is used at once.
            moves: Events that move demand; None: nothing is known to.
            is_boosted: Whether LightGBM is a further member.
            is_due: Whether it is fitted anew though a fit of it is kept.
        """
        self._moves = moves
        self._usual: Pooled | None = None
        kept: tuple[DatedTrees, ...] = ()
        if training is not None:
            self._usual, kept = _read(training)
        self._boosting = Boosting(kept, is_due=is_due) if is_boosted else None
        self.name = COMBINATION if self._boosting is None else BOOSTED
        self.members = MEMBERS if self._boosting is None else (*MEMBERS, LIGHTGBM)

    @property
    def revision(self) -> str:
        """What a training can be used by: members in order, what is pooled, and names of features."""
        told = [*self.members, *(one.name for one in fields(Pooled))]
        if self._boosting is not None:
            told.append(NAMED)
        return hashlib.sha256(" ".join(told).encode()).hexdigest()[:8]

    def parameters(self) -> Mapping[str, Any]:
        """Tell the members and what weighs them."""
        return {
            "members": list(self.members),
            "season_weeks": SEASON_WEEKS,
            "min_weeks": self.min_weeks,
            "dropped_above": combination.DROPPED_ABOVE,
            "prior_origins": combination.PRIOR_ORIGINS,
            **({} if self._boosting is None else {LIGHTGBM: self._boosting.parameters()}),
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
        totals = weeks.totals
        driven = self._moves.drive(weeks, origins, horizon_weeks) if self._moves else None
        further, fallbacks = self._further(totals, origins, horizon_weeks, last_day=last_day, driven=driven)
        beside = {} if further is None else {LIGHTGBM: further.paths}
        drivers = None
        if driven is not None:
            drivers = Drivers(driven.factors, driven.versions, beside)
        elif beside:
            drivers = Drivers(np.ones((*totals.shape[:1], len(origins), horizon_weeks)), (), beside)
        cut = [
            drive(piece, drivers)
            for piece in pieces(totals, origins, horizon=horizon_weeks, season=SEASON_WEEKS, members=MEMBERS)
        ]
        names = (*MEMBERS, *beside)
        is_kept = len(totals) * len(origins) * horizon_weeks * len(names) <= MOST_KEPT
        parts = list(spread(work if is_kept else summarised, cut))
        families = np.array([name in beside for name in names], dtype=np.int64)
        found = join(
            parts,
            partial(actuals, totals, origins, horizon_weeks) if driven is None else None,
            origins,
            families=families,
            again=None if is_kept else lambda place: paths_of(cut[place]),
        )
        learned = _learned(names, found, further) if further is None or further.is_new else None
        usual = self._usual if len(names) == len(self.members) else None
        if usual is not None:
            _weigh_again(found, parts, usual, families)
        return Said(
            _ready(found.forecast, weeks, origins, self.min_weeks),
            partial(_why, _explained(names, found, usual), None if driven is None else driven.reasons()),
            None if fallbacks else learned,
            driven.factors if driven else None,
            fallbacks,
            versions=driven.versions if driven else (),
            days=driven.days if driven else None,
        )

    def _further(
        self, totals: Floats, origins: Ints, horizon_weeks: int, *, last_day: int, driven: Driven | None
    ) -> tuple[Further | None, tuple[str, ...]]:
        """Ask LightGBM, where it is a member; where it fails the others forecast, and it is told why."""
        if self._boosting is None:
            return None, ()
        try:
            said = self._boosting.said(totals, origins, horizon_weeks, last_day=last_day, driven=driven)
        except BoostingError as error:
            return None, (f"{LIGHTGBM} is left out of this run: {error}",)
        return said, ()


def _learned(names: tuple[str, ...], found: Joined, further: Further | None) -> Training:
    weights = found.weights[:, -1].sum(axis=0)
    shares = weights / max(weights.sum(), 1)
    return Training(
        _written(found.pooled, further),
        {name: float(part) for name, part in zip(names, shares, strict=True)},
        {} if further is None else {LIGHTGBM: further.told()},
    )


def _weigh_again(found: Joined, parts: Sequence[Rolled], usual: Pooled, families: Ints) -> None:
    """Weigh the members of the last origin by what an earlier training found usual."""
    for part in parts:
        now = slice(-1, None)
        classes = part.classes[:, now]
        weights = combination.weigh(
            part.known.newest(), classes, usual, part.ready[:, now], families=families
        )
        lean = np.where(classes >= 0, found.corrections[np.maximum(classes, 0), -1], 1)
        found.weights[part.rows, -1] = weights[:, 0]
        found.forecast[part.rows, -1] = combination.combined(part.paths[:, :, now], weights)[:, 0] * lean


def _written(pooled: Pooled, further: Further | None) -> bytes:
    """Write what is usual in each class at the last origin, and the models beside the members."""
    held = BytesIO()
    parts = {one.name: getattr(pooled, one.name)[:, -1:] for one in fields(Pooled)}
    if further is not None:
        parts[_MODELS] = as_array(further.models)
    np.savez_compressed(held, **parts)
    return held.getvalue()


def _read(training: bytes) -> tuple[Pooled, tuple[DatedTrees, ...]]:
    """Read it again."""
    with np.load(BytesIO(training), allow_pickle=False) as held:
        models = from_array(held[_MODELS]) if _MODELS in held else ()
        return Pooled(**{one.name: held[one.name] for one in fields(Pooled)}), models


def _ready(forecast: Floats, weeks: Weeks, origins: Ints, least: int) -> Floats:
    """Leave out, in place, what rests on fewer known weeks than a method needs."""
    known = np.cumsum(np.isfinite(weeks.totals), axis=1)[:, origins]
    forecast[known < least] = np.nan
    let_go(forecast)
    return forecast


def _explained(
    names: tuple[str, ...], found: Joined, usual: Pooled | None
) -> Callable[[int], Mapping[str, Any]]:
    """Keep what the newest weights rest on, and nothing of the origins before."""
    classes, weights = found.classes[:, -1:].copy(), found.weights[:, -1:].copy()
    known, expected = found.known, (usual or found.pooled).usual()

    def explain(row: int) -> Mapping[str, Any]:
        return combination.why(names, known, classes, expected, weights=weights, row=row)

    return explain


def _why(explain: Callable[[int], Mapping[str, Any]], driven: Reasons | None, row: int) -> Mapping[str, Any]:
    told = explain(row)
    return told if driven is None else {**told, **driven.why(row)}
