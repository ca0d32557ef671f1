"""How often bands held over all data sets together: each judged step of each series counts once.

A decile holds the like deciles of volume of all sets: the smallest tenth of each, and so on. A set of too few
series for ten strata counts by the tenth in which each of its strata ends.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

DECILES: Final = 10
_SHARES: Final = ("coverage_80", "coverage_95", "least_80", "least_95", "pit_80", "pit_95", "zero_share")

Strata = Sequence[Mapping[str, Any]]
"""As `Coverage.figures` gives them, by decile."""


_TOLD: Final = ("coverage_80", "least_80", "pit_80", "coverage_95", "pit_95", "zero_share")


def figures_of(sets: Sequence[Strata]) -> tuple[dict[str, float], dict[str, object]]:
    """Give the figures of all sets together, whole and by decile.

    Args:
        sets: Of each its strata; none gives nothing.

    Returns:
        Figures with ``all_sets`` in their names, and what was measured, with the deciles.
    """
    if not sets:
        return {}, {}
    whole, *deciles = rows = pooled(sets)
    figures = {f"all_sets_{name}": whole[name] for name in _SHARES}
    for level in (80, 95):
        covered, least, nominal = whole[f"coverage_{level}"], whole[f"least_{level}"], level / 100
        figures |= {
            f"all_sets_raw_off_{level}_points": 100 * abs(covered - nominal),
            f"all_sets_off_{level}_points": 100 * abs(covered - least),
            f"all_sets_pit_off_{level}_points": 100 * abs(whole[f"pit_{level}"] - nominal),
        }
    figures |= {
        "all_sets_raw_off_80_worst_decile_points": furthest(rows, "coverage_80", 0.8),
        "all_sets_off_80_worst_decile_points": furthest(rows, "coverage_80", "least_80"),
        "all_sets_pit_off_80_worst_decile_points": furthest(rows, "pit_80", 0.8),
    }
    by_decile = {
        f"all_sets_{name}_by_decile": [round(100 * row[name], 1) for row in deciles] for name in _TOLD
    }
    return figures, {
        "all_sets": f"{len(sets)} sets, {whole['judged']:.0f} judged steps, each once",
        **by_decile,
    }


def pooled(sets: Iterable[Strata]) -> list[dict[str, float]]:
    """Put the strata of all sets together.

    Args:
        sets: Of each its strata, the smallest volume first.

    Returns:
        The whole, then each decile that is not empty: ``decile`` (0 of the whole), ``judged`` and shares.
    """
    rows = [
        (math.ceil(row["decile"] * DECILES / max(one["decile"] for one in strata)), row)
        for strata in sets
        for row in strata
    ]
    parts = [(decile, [row for place, row in rows if place == decile]) for decile in range(1, DECILES + 1)]
    return [_together(decile, part) for decile, part in ((0, [row for _, row in rows]), *parts) if part]


def furthest(rows: Sequence[Mapping[str, float]], share: str, right: str | float) -> float:
    """Tell by how many points the deciles are off at most.

    Args:
        rows: As `pooled` gives them.
        share: Which.
        right: What it should be, or the name of the share that it should be.

    Returns:
        Percentage points.
    """
    return 100 * max(
        abs(row[share] - (row[right] if isinstance(right, str) else right)) for row in rows if row["decile"]
    )


def _together(decile: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    judged = sum(row["judged"] for row in rows)
    shares = {name: sum(row["judged"] * row[name] for row in rows) / judged for name in _SHARES}
    return {"decile": decile, "judged": judged, **shares}
