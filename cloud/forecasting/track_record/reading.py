"""The backtests in force, summed: errors, bias, coverage and value added by part. SQL only; no numpy."""

from dataclasses import dataclass
from typing import Final

from cloud.db import Connection, NamedStatements
from cloud.forecasting.admission import admit
from cloud.identity.actor import Actor

PARTS: Final = ("all", "site", "class", "decile", "bucket")
"""What accuracy is told by: all together, location, ADI/CV² class, decile of volume (1 the least), period."""
_SQL: Final = NamedStatements("cloud.forecasting.track_record")


@dataclass(frozen=True, slots=True)
class PartRow:
    """How near the forecasts of a part came, over a horizon."""

    part: str
    name: str
    """Of the site, class, decile or period; empty of all."""
    horizon_days: int
    items: int
    windows: int
    came: float
    wape: float | None
    """Sum of absolute errors over sum of demand; None: nothing was asked for."""
    naive_wape: float | None
    bias: float | None
    coverage: float
    """Share within the 80 % band that was drawn then."""
    coverage_wide: float | None
    """Share within the 95 % band; None: the run is of a release that did not tell."""
    idle: float
    """Share of windows in which nothing was asked for: a band that holds zero holds no less."""

    @property
    def value_added(self) -> float | None:
        """Share of the seasonal naive's error that the forecast takes away; negative: it adds some."""
        if self.wape is None or not self.naive_wape:
            return None
        return 1 - self.wape / self.naive_wape


def accuracy(conn: Connection, actor: Actor, *, site: str | None = None) -> list[PartRow]:
    """Sum the backtests in force up.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.

    Returns:
        A row per part and horizon.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return _SQL.rows(conn, PartRow, "accuracy", site=site)
