"""How often what came lay within the bands: by stratum of volume, by class, by level. Pure."""

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from cloud.forecasting.batch.bands import BAND_80, BAND_95, LEVELS, limits
from cloud.forecasting.batch.classes import NAMES
from cloud.forecasting.batch.scales import Reals
from cloud.forecasting.protocol import Floats, Ints

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
        return cls(
            judged=np.zeros(shape, dtype=np.int64),
            within_80=np.zeros(shape, dtype=np.int64),
            within_95=np.zeros(shape, dtype=np.int64),
            zeros=np.zeros(shape, dtype=np.int64),
            below=np.zeros((_KINDS, len(LEVELS)), dtype=np.int64),
        )

    def __add__(self, other: "Coverage") -> "Coverage":
        """Add what another part counted."""
        return Coverage(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def figures(self) -> dict[str, Any]:
        """Give the shares.

        Returns:
            ``coverage_80`` and ``_95`` of single steps, by stratum (the smallest first) and class;
            ``cum_coverage_…`` of sums over the horizon; ``coverage_levels``, the share at or below each.
        """
        told: dict[str, Any] = {}
        for kind, prefix in enumerate(("", "cum_")):
            told |= {
                f"{prefix}coverage_80": _share(self.within_80[kind].sum(), self.judged[kind].sum()),
                f"{prefix}coverage_95": _share(self.within_95[kind].sum(), self.judged[kind].sum()),
                f"{prefix}coverage_by_decile": self._by(
                    kind, "decile", range(1, self.judged.shape[1] + 1), 1
                ),
                f"{prefix}coverage_by_class": self._by(kind, "class", (*NAMES, "none"), 0),
                f"{prefix}coverage_levels": [
                    {"level": float(level), "share": _share(count, self.judged[kind].sum())}
                    for level, count in zip(LEVELS, self.below[kind], strict=True)
                ],
            }
        return told

    def _by(self, kind: int, name: str, labels: Any, axis: int) -> list[dict[str, Any]]:
        judged, narrow, wide, zeros = (
            part[kind].sum(axis=axis) for part in (self.judged, self.within_80, self.within_95, self.zeros)
        )
        return [
            {
                name: label,
                "judged": int(n),
                "coverage_80": _share(a, n),
                "coverage_95": _share(b, n),
                "zero_share": _share(z, n),
            }
            for label, n, a, b, z in zip(labels, judged, narrow, wide, zeros, strict=True)
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
    is_judged = np.isfinite(came) & np.isfinite(quantiles[..., 0])
    shape = (count, len(NAMES) + 1)
    cell = np.maximum(strata, 0) * shape[1] + np.where(classes < 0, len(NAMES), classes)
    by_level = np.moveaxis(quantiles, 2, 0)
    parts = []
    for which in (slice(None, -1), slice(-1, None)):
        counted, drawn, y = is_judged[:, which], quantiles[:, which], came[:, which]
        hits = [counted]
        for band in (BAND_80, BAND_95):
            low, high = limits(drawn, band, idle[:, which])
            hits.append(counted & (y >= low) & (y <= high))
        hits.append(counted & (y == 0))
        below = [np.count_nonzero(counted & (y <= level)) for level in by_level[:, :, which]]
        summed = [np.bincount(cell, hit.sum(axis=1), count * shape[1]).reshape(shape) for hit in hits]
        parts.append((*summed, below))
    return Coverage(*(np.stack(pair).astype(np.int64) for pair in zip(*parts, strict=True)))


def _share(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole else None
