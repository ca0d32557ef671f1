"""Which forecasts a person should look at: past errors in, flags whose false share is known out. Pure.

Four triggers look at the scaled errors of the last origins: the last one against its decile's band, a
tracking signal (Brown 1959; Trigg 1964), Page's two-sided CUSUM (1954) and a test of bias. Textbook limits
assume independent normal errors and one trigger; sums that overlap are neither, and four triggers raise four
times as many alarms. So no limit is taken from a textbook:

1. Each statistic is ranked, side by side with all earlier origins, within its stratum of volume: a conformal
   p-value (Vovk et al. 2005), which is right whatever the errors' distribution and autocorrelation.
2. The smallest of the four is a statistic itself and is ranked in the same way, so that four triggers
   together raise as many false reviews as one.
3. The level is corrected by what it came to at the origins before (Gibbs & Candes 2021), so that a slow
   change of all series does not raise everybody's share.
4. Series are not independent: a holiday, or a shop's promotions, move many at once, and one week flags 2 %,
   the next 12 %. The share of an origin is drawn towards the nominal one by as much as shares have varied
   from origin to origin beyond chance (empirical Bayes: James & Stein 1961), at most by twice that. What is
   odd beyond the usual ups and downs stays flagged.

The null hypothesis is "errs as series of its volume have erred", so the expected number of false reviews at
an origin is the nominal level times the series that are judged, and this is stated beside the real one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Bools, Floats, Ints

TRIGGERS: Final = ("band", "tracking_signal", "cusum", "bias")
"""In the order of the columns of statistics and limits; of equal ones the first is told."""
WINDOW: Final = 8
"""Origins that tracking signal, CUSUM and bias look back upon, if there are twice as many."""
ALLOWANCE: Final = 0.5
"""Of the CUSUM, in scales: half the shift that is to be found soonest (Page 1954)."""
QUIET: Final = 0.05
"""A series all of whose scaled errors in the window are smaller sleeps: nothing there can be odd."""
LEAST_NULL: Final = 100
"""Earlier values below which a stratum borrows those of all."""
CORRECTED_ORIGINS: Final = 13
"""How many origins before the last one are held against the level."""
STEP: Final = 0.25
"""Of the correction of the level, per origin."""
LEAST_SHARES: Final = 4
"""Origins with a share below which nothing is known of how shares vary."""
USUAL: Final = 2.0
"""Standard deviations of the usual ups and downs of shares; what is beyond them is no common movement."""
MOST_CORRECTION: Final = 3.0
"""The corrected level stays between a third and thrice the nominal one."""
_UNHEARD_OF: Final = 1e6
"""Scaled error of a series that never erred and does now."""


@dataclass(frozen=True, slots=True)
class Reviews:
    """What to look at, and how many of these are expected to be false."""

    is_flagged: Bools
    """Of each series."""
    is_judged: Bools
    """False where the last error or its scale is not known, and where the series sleeps."""
    trigger: Ints
    """Index into `TRIGGERS` of what spoke loudest; -1 where nothing was judged."""
    statistic: Floats
    """Series x triggers, signed: positive where more came than was forecast; NaN where it cannot be told."""
    limit: Floats
    """Series x triggers: what the statistic must reach on its side; infinite: nothing was as far out."""
    chance: Floats
    """Of each series: how often one of its volume looks at least as odd; NaN where nothing was judged."""
    nominal: float
    level: float
    """The nominal level, corrected by what came before and by what all series have in common now."""
    past_shares: Floats
    """Of the origins before, the oldest first: share that the level of the time flagged."""

    @property
    def share(self) -> float | None:
        """Share of the judged series that is flagged; None where nothing was judged."""
        return float(self.is_flagged[self.is_judged].mean()) if self.is_judged.any() else None

    @property
    def expected(self) -> float:
        """Number of false reviews to be expected, had nothing changed."""
        return self.nominal * float(self.is_judged.sum())


def review(
    errors: Floats, scale: Floats, decile: Ints, *, nominal: float = 0.05, window: int | None = None
) -> Reviews:
    """Judge the last error of every series with those before it.

    Args:
        errors: Series x origins, ascending in time: what came less what was forecast, of one horizon (a step
            or a sum; overlapping sums are fine); NaN where not known.
        scale: Of the errors, as known at each origin (series x origins) or one per series; >= 0 or NaN.
        decile: Stratum of volume of each series, from 0; negative: judged with all.
        nominal: Share of series that is flagged though nothing has changed; within (0, 1).
        window: Origins that the slower triggers look back upon; None: 8, or half of the origins.

    Returns:
        The reviews. With fewer than two origins nothing is judged.

    Raises:
        ValueError: If a shape, the nominal level or a scale is not as it must be.

    Examples:
        Nothing but one value of twenty differs:
        >>> errors = np.tile([1.0, -1.0], (20, 10))
        >>> errors[3, -1] = 9.0
        >>> found = review(errors, np.ones(20), np.zeros(20, dtype=int), nominal=0.05)
        >>> np.flatnonzero(found.is_flagged).tolist(), TRIGGERS[found.trigger[3]], found.expected
        ([3], 'band', 1.0)
    """
    series, origins = _checked(errors, scale, decile, nominal)
    looked_back = min(WINDOW, max(origins // 2, 1)) if window is None else window
    if not 1 <= looked_back <= max(origins, 1):
        raise ValueError(f"window {window}: expected 1 to {origins} origins")
    scaled = _scaled(errors, scale)
    statistics = _statistics(scaled, looked_back)
    strata = np.maximum(decile, -1)
    ranks = np.stack([_two_sided(part, strata) for part in statistics])
    known = np.where(np.isnan(ranks), np.inf, ranks)
    oddest = known.min(axis=0) if origins else np.full((series, 0), np.inf)
    oddest = np.where(np.isfinite(oddest), oddest, np.nan)
    columns = oddest.shape[1]
    first = max(1, columns - 1 - CORRECTED_ORIGINS)
    corrected, level, shares, chance = nominal, nominal, [], np.full(series, np.nan)
    before: list[float] = []
    for column in range(first, columns):
        chance = _chances(oddest, column, strata)
        known_now = np.sort(chance[np.isfinite(chance)])
        if not len(known_now):
            continue
        share = float((known_now <= corrected).mean())
        level = _own_level(known_now, corrected, share - _in_common(share, before, nominal, len(known_now)))
        shares.append(float((known_now <= level).mean()))
        before.append(share)
        low, high = nominal / MOST_CORRECTION, nominal * MOST_CORRECTION
        corrected = float(np.clip(corrected + STEP * (nominal - share), low, high))
    is_judged = np.isfinite(chance)
    limit = _limits(statistics, ranks, oddest, strata, level) if columns > 1 else None
    last = statistics[:, :, -1].T if columns else np.full((series, len(TRIGGERS)), np.nan)
    loudest = known[:, :, -1].argmin(axis=0) if columns else np.zeros(series, dtype=np.int64)
    return Reviews(
        is_flagged=is_judged & (np.nan_to_num(chance, nan=1.0) <= level),
        is_judged=is_judged,
        trigger=np.where(is_judged, loudest, -1),
        statistic=last,
        limit=np.full_like(last, np.nan) if limit is None else limit,
        chance=chance,
        nominal=nominal,
        level=level,
        past_shares=np.array(shares[:-1] if is_judged.any() else shares),
    )


def _in_common(share: float, before: Sequence[float], nominal: float, judged: int) -> float:
    """Tell which part of a share's distance from the nominal one is a common movement, as came before."""
    if len(before) < LEAST_SHARES:
        return 0.0
    by_chance = nominal * (1 - nominal) / judged
    varies = sum((past - nominal) ** 2 for past in before) / len(before) - by_chance
    if varies <= 0:
        return 0.0
    most = USUAL * varies**0.5
    return float(np.clip((share - nominal) * varies / (varies + by_chance), -most, most))


def _own_level(chances: Floats, level: float, share: float) -> float:
    """Give the level that flags a share of an origin's chances (ascending), or fewer where some are equal."""
    place = round(share * len(chances))
    if place == int((chances <= level).sum()):
        return level
    first = int(np.searchsorted(chances, chances[place])) if place < len(chances) else len(chances)
    return float(chances[first - 1]) if first else 0.0


def _checked(errors: Floats, scale: Floats, decile: Ints, nominal: float) -> tuple[int, int]:
    if errors.ndim != 2 or decile.shape != errors.shape[:1]:  # noqa: PLR2004  series x origins
        raise ValueError(
            f"errors have shape {errors.shape}, deciles {decile.shape}: expected series x origins, and series"
        )
    if scale.shape not in {errors.shape, errors.shape[:1]}:
        raise ValueError(f"scale has shape {scale.shape}: expected {errors.shape} or {errors.shape[:1]}")
    if (scale < 0).any() or np.isinf(scale).any() or np.isinf(errors).any():
        raise ValueError("expected finite errors and scales, no scale below zero")
    if not 0 < nominal < 1:
        raise ValueError(f"nominal {nominal}: expected a share above 0 and below 1")
    return errors.shape[0], errors.shape[1]


def _scaled(errors: Floats, scale: Floats) -> Floats:
    """Divide errors by scales; an error where there never was one is greater than all, none is none."""
    wide = np.broadcast_to(scale if scale.ndim > 1 else scale[:, None], errors.shape)
    over = np.divide(errors, wide, out=np.sign(errors) * _UNHEARD_OF, where=wide > 0)
    result: Floats = np.where(np.isnan(wide), np.nan, np.clip(over, -_UNHEARD_OF, _UNHEARD_OF))
    return result


def _statistics(scaled: Floats, window: int) -> Floats:
    """Compute the four statistics at each origin that has a whole window behind it, signed.

    Returns:
        Triggers x series x (origins - window + 1); NaN where the last error is not known, or half the window,
        or nothing stirs.
    """
    series, origins = scaled.shape
    columns = max(origins - window + 1, 0)
    last = scaled[:, origins - columns :]
    total, spread, count = (np.zeros((series, columns)) for _ in range(3))
    above, below, greatest = (np.zeros((series, columns)) for _ in range(3))
    for back in range(window):
        error = scaled[:, back : back + columns]
        is_known = np.isfinite(error)
        error = np.where(is_known, error, 0.0)
        total += error
        spread += abs(error)
        greatest = np.maximum(greatest, abs(error))
        count += is_known
        above = np.where(is_known, np.maximum(above + error - ALLOWANCE, 0), above)
        below = np.where(is_known, np.maximum(below - error - ALLOWANCE, 0), below)
    ratio = np.divide(total * count, spread, out=np.zeros_like(total), where=spread > 0)
    tie_break = 1e-6 * np.tanh(total)  # series that always err to one side all have the same signal
    drift = np.divide(total, np.sqrt(count), out=np.zeros_like(total), where=count > 0)
    statistics = np.stack([last, ratio + tie_break, np.where(above >= below, above, -below), drift])
    is_known = np.isfinite(last) & (2 * count >= window) & (greatest >= QUIET)
    result: Floats = np.where(is_known[None], statistics, np.nan)
    return result


def _groups(values: Floats, strata: Ints) -> list[tuple[Bools, Floats]]:
    """Give the rows of each stratum with the sorted values that they are ranked among."""
    pooled: Floats | None = None
    found = []
    for stratum in np.unique(strata):
        rows = strata == stratum
        own = values[rows]
        own = np.sort(own[np.isfinite(own)])
        if stratum < 0 or len(own) < LEAST_NULL:
            if pooled is None:
                pooled = np.sort(values[np.isfinite(values)])
            own = pooled
        found.append((rows, own))
    return found


def _two_sided(values: Floats, strata: Ints) -> Floats:
    """Rank every value within its stratum: twice the share at least as far out on its side."""
    result = np.full(values.shape, np.nan)
    for rows, among in _groups(values, strata):
        if len(among):
            lower = np.searchsorted(among, values[rows], side="right")
            upper = len(among) - np.searchsorted(among, values[rows], side="left")
            result[rows] = np.minimum(2 * np.minimum(lower, upper) / len(among), 1)
    return np.where(np.isfinite(values), result, np.nan)


def _chances(oddest: Floats, column: int, strata: Ints) -> Floats:
    """Rank an origin's values among those of the origins before, within the stratum: conformal p-values."""
    result = np.full(len(oddest), np.nan)
    for rows, among in _groups(oddest[:, :column], strata):
        if len(among):
            odder = np.searchsorted(among, oddest[rows, column], side="right")
            result[rows] = (odder + 1) / (len(among) + 1)
    return np.where(np.isfinite(oddest[:, column]), result, np.nan)


def _limits(statistics: Floats, ranks: Floats, oddest: Floats, strata: Ints, level: float) -> Floats:
    """Say how far out each statistic would have to be, for people."""
    result = np.full((len(strata), len(statistics)), np.nan)
    thresholds = np.full(len(strata), np.nan)
    for rows, among in _groups(oddest[:, :-1], strata):
        if len(among):
            place = int(np.floor(level * (len(among) + 1))) - 1
            thresholds[rows] = among[place] if place >= 0 else 0.0
    for index, (values, rank) in enumerate(zip(statistics, ranks, strict=True)):
        is_out = np.where(np.isfinite(rank), rank, np.inf) <= thresholds[:, None]
        for stratum in np.unique(strata):
            rows = strata == stratum
            far = values[rows][is_out[rows]]
            right = float(far[far > 0].min()) if (far > 0).any() else np.inf
            left = float(far[far < 0].max()) if (far < 0).any() else -np.inf
            result[rows, index] = np.where(values[rows, -1] < 0, left, right)
    result[~np.isfinite(statistics[:, :, -1].T)] = np.nan
    return result
