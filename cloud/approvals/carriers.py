"""Which carrier carries which kind of decision."""

import importlib
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final

from cloud.decisions.carrier import Carrier
from cloud.decisions.domain import Decision, DecisionError

_PLACES: Final = (
    ("cloud.counting.carrier", "ADJUSTMENT"),
    ("cloud.replenishment.carrier", "PURCHASE_ORDER"),
)


class NoCarrierError(DecisionError):
    """Nothing here carries out decisions of this kind."""


@cache
def known_carriers() -> Mapping[str, Carrier]:
    """Collect the carriers of this release.

    Returns:
        Carrier by the kind it carries.
    """
    found: list[Carrier] = []
    for module, name in _PLACES:
        package = module.rpartition(".")[0]
        if find_spec(package) is not None and find_spec(module) is not None:
            found.append(getattr(importlib.import_module(module), name))
    return MappingProxyType({carrier.kind: carrier for carrier in found})


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
            f"expected {' or '.join(sorted(carriers)) or 'a carrier'}"
        )
    return carrier
