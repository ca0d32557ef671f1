"""How often what came lay within the bands: by stratum of volume, by class, by level. Pure.

Where nothing is asked for in nine periods of ten, every band that holds zero covers nine of ten, so the 80 %
band covers more than 80 % and cannot help it. Two further numbers tell whether it is right all the same. One
is the least that a band of this share can cover: the share of zeros, if that is more. The other is the
coverage of the randomised probability integral transform (Brockwell 2007; Czado et al. 2009; Kolassa
2016): what came is put at a level drawn evenly from those whose quantile it is. So zero, if it was forecast
with chance 0.9, lies between the levels 0.1 and 0.9 in eight cases of nine, and of a right forecast 80 % do,
whatever its zeros. The mean over all draws is told, so that nothing is drawn.
"""

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from cloud.forecasting.batch.bands import BAND_80, BAND_95, LEVELS, limits
from cloud.forecasting.batch.classes import NAMES
from cloud.forecasting.batch.scales import Reals
from cloud.forecasting.protocol import Floats, Ints

_GRID: Final = 1 << 20
"""Parts of a case are summed as whole multiples of 1 / 2^20, so that no order of series changes a sum."""
_KINDS: Final = 2
"""Single steps, and sums over the horizon."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts; those of parts are added."""

    judged: Ints
    """Kinds x strata x classes (the last: without demand)."""
    within_80: Ints
    within_95: Ints
    zeros: Ints
    """How often nothing was asked for: a band that holds zero covers at least that."""
    pit_80: Ints
    """Cases within the levels of the band by the randomised transform, in multiples of the grid."""
    pit_95: Ints
    without_band: Ints
    """How much came that no band was drawn for, as nothing told how far off it may be."""
    without_demand: Ints
    """How much of it was nothing again."""
    below: Ints
    """Kinds x levels: how many were at or below the quantile."""

    @classmethod
    def empty(cls, strata: int) -> "Coverage":
        """Begin with nothing.

        Args:
            strata: Their number.

        Returns:
            Zeros.
        """
        shape = (_KINDS, strata, len(NAMES) + 1)
        counts = {one.name: np.zeros(shape, dtype=np.int64) for one in fields(cls)}
        return cls(**{**counts, "below": np.zeros((_KINDS, len(LEVELS)), dtype=np.int64)})

    def __add__(self, other: "Coverage") -> "Coverage":
        """Add what another part counted."""
        return Coverage(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def figures(self) -> dict[str, Any]:
        """Give the shares.

        Returns:
            ``coverage_80`` and ``_95`` of single steps, by stratum (the smallest first) and class;
            ``least_80`` and ``_95``, what no band of that share can fall below, by stratum their zeros'
            share or its own; ``pit_80`` and ``_95`` by the randomised transform; ``cum_…`` of sums over the
            horizon; ``coverage_levels``, the share at or below each; ``without_band``, how many steps are in
            none of these, as nothing told how far off they may be, and the share that brought no demand.
        """
        told: dict[str, Any] = {}
        for kind, prefix in enumerate(("", "cum_")):
            deciles = self._by(kind, "decile", range(1, self.judged.shape[1] + 1), 1)
            whole = self.judged[kind].sum()
            for level in (80, 95):
                least = sum(row["judged"] * row[f"least_{level}"] for row in deciles)
                told |= {
                    f"{prefix}coverage_{level}": _share(getattr(self, f"within_{level}")[kind].sum(), whole),
                    f"{prefix}least_{level}": _share(least, whole),
                    f"{prefix}pit_{level}": _share(getattr(self, f"pit_{level}")[kind].sum(), whole * _GRID),
                }
            bare = self.without_band[kind].sum()
            told |= {
                f"{prefix}without_band": {
                    "steps": int(bare),
                    "zero_share": _share(self.without_demand[kind].sum(), bare),
                },
                f"{prefix}coverage_by_decile": deciles,
                f"{prefix}coverage_by_class": self._by(kind, "class", (*NAMES, "none"), 0),
                f"{prefix}coverage_levels": [
                    {"level": float(level), "share": _share(count, self.judged[kind].sum())}
                    for level, count in zip(LEVELS, self.below[kind], strict=True)
                ],
            }
        return told

    def _by(self, kind: int, name: str, labels: Any, axis: int) -> list[dict[str, Any]]:
        parts = (
            self.judged,
            self.without_band,
            self.zeros,
            self.within_80,
            self.within_95,
            self.pit_80,
            self.pit_95,
        )
        return [
            {
                name: label,
                "judged": int(n),
                "without_band": int(bare),
                "coverage_80": float(narrow / n),
                "coverage_95": float(wide / n),
                "zero_share": float(zeros / n),
                "least_80": max(0.8, float(zeros / n)),
                "least_95": max(0.95, float(zeros / n)),
                "pit_80": float(pit_80 / n / _GRID),
                "pit_95": float(pit_95 / n / _GRID),
            }
            for label, n, bare, zeros, narrow, wide, pit_80, pit_95 in zip(
                labels, *(part[kind].sum(axis=axis) for part in parts), strict=True
            )
            if n
        ]


def covered(
    quantiles: Floats, came: Floats, *, strata: Ints, classes: Ints, count: int, idle: Reals
) -> Coverage:
    """Count what lay within the bands of one origin.

    Args:
        quantiles: Series x targets x levels, the last target the sum.
        came: Series x targets; NaN where not known.
        strata: Of each series.
        classes: Of each series, -1 where there is none.
        count: Of strata.
        idle: Series x targets: chance that nothing is asked for.

    Returns:
        Counts.
    """
    has_come = np.isfinite(came)
    is_judged = has_come & np.isfinite(quantiles[..., 0])
    shape = (count, len(NAMES) + 1)
    cell = np.maximum(strata, 0) * shape[1] + np.where(classes < 0, len(NAMES), classes)
    by_level = np.moveaxis(quantiles, 2, 0)
    parts = []
    for which in (slice(None, -1), slice(-1, None)):
        counted, drawn, y = is_judged[:, which], quantiles[:, which], came[:, which]
        hits, placed = [counted], []
        chance = _chance_of_zero(drawn, idle[:, which])
        for band in (BAND_80, BAND_95):
            low, high = limits(drawn, band, idle[:, which])
            hits.append(counted & (y >= low) & (y <= high))
            inside = _inside(drawn, y, band, chance)
            placed.append(np.where(counted, np.round(inside * _GRID), 0))
        bare = has_come[:, which] & ~counted
        hits += [counted & (y == 0), *placed, bare, bare & (y == 0)]
        below = [np.count_nonzero(counted & (y <= level)) for level in by_level[:, :, which]]
        summed = [np.bincount(cell, hit.sum(axis=1), count * shape[1]).reshape(shape) for hit in hits]
        parts.append((*summed, below))
    return Coverage(*(np.stack(pair).astype(np.int64) for pair in zip(*parts, strict=True)))


def randomised(quantiles: Floats, came: Floats, band: tuple[int, int, int], idle: Reals) -> Floats:
    """Tell with what chance the randomised transform of what came lies within the levels of a band.

    Args:
        quantiles: Any shape, the last axis the levels.
        came: The same shape without it; NaN where not known.
        band: `BAND_80` or `BAND_95`.
        idle: The same: chance that nothing is asked for.

    Returns:
        The same: 0 or 1 above zero; at zero the part of its chance that lies between the levels. Where the
        quantiles leave open how likely zero is, it is as likely as `idle` says.

    Examples:
        Zero with chance 0.9 fills the levels up to 0.9, eight ninths of them above 0.1:
        >>> often = np.array([[0.0] * 11 + [1.0] * 4])
        >>> randomised(often, np.array([0.0]), BAND_80, np.array([0.9])).round(4).tolist()
        [0.8889]
    """
    return _inside(quantiles, came, band, _chance_of_zero(quantiles, idle))


def _chance_of_zero(quantiles: Floats, idle: Reals) -> Floats:
    """Read the chance of zero off quantiles; 0 where none of them is zero."""
    edges = np.array([0.0, *LEVELS, 1.0])
    zeros = np.zeros(idle.shape, dtype=np.intp)
    for level in np.moveaxis(quantiles, -1, 0):
        zeros += level <= 0
    return np.where(zeros > 0, np.clip(idle, edges[zeros], edges[zeros + 1]), 0)


def _inside(quantiles: Floats, came: Floats, band: tuple[int, int, int], chance: Floats) -> Floats:
    low, high = (LEVELS[place] for place in band[:2])
    part = np.maximum(np.minimum(chance, high) - low, 0) / np.maximum(chance, low)
    is_in = (came >= quantiles[..., band[0]]) & (came <= quantiles[..., band[1]])
    return np.where((came == 0) & (chance > 0), part, is_in)


def _share(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole else None
