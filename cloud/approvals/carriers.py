"""Which carrier carries which kind of decision."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cloud.counting.carrier import ADJUSTMENT
from cloud.counting.reconciling.carrier import RECONCILIATION
from cloud.decisions.carrier import Carrier
from cloud.decisions.domain import Decision, DecisionError
from cloud.demand.carrier import SUPERSESSION
from cloud.documents.judging.scrapping import SCRAP
from cloud.forecasting.overrides.carrier import FORECAST_OVERRIDE
from cloud.lots.carrier import LOT_RECALL
from cloud.periods.carrier import PERIOD_CLOSE
from cloud.replenishment.carrier import PURCHASE_ORDER
from cloud.replenishment.change_carrier import ORDER_CHANGE

_KNOWN: Final[tuple[Carrier, ...]] = (
    ADJUSTMENT,
    SUPERSESSION,
    PURCHASE_ORDER,
    ORDER_CHANGE,
    FORECAST_OVERRIDE,
    PERIOD_CLOSE,
    RECONCILIATION,
    LOT_RECALL,
    SCRAP,
)
CARRIERS: Final[Mapping[str, Carrier]] = MappingProxyType({carrier.kind: carrier for carrier in _KNOWN})
"""Carrier by the kind it carries: those of this release."""


class NoCarrierError(DecisionError):
    """Nothing here carries out decisions of this kind."""


def carrier_of(decision: Decision, carriers: Mapping[str, Carrier]) -> Carrier:
    """Choose the carrier of a decision.

    Args:
        decision: The decision.
        carriers: By kind.

    Returns:
        The carrier.

    Raises:
        NoCarrierError: If there is none for its kind.
    """
    carrier = carriers.get(decision.kind)
    if carrier is None:
        raise NoCarrierError(
            f"decision {decision.decision_id} is of kind {decision.kind!r}, which nothing here carries out; "
            f"expected {' or '.join(sorted(carriers))}"
        )
    return carrier
