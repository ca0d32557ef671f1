"""API and pages behind one set of guards."""

from starlette.types import ASGIApp, Receive, Scope, Send

from cloud.api.app import PREFIXES, create_api
from cloud.api.metrics import Metrics
from cloud.gateways.door import BatchDoor
from cloud.gateways.enrolment.service import BrokerOffer
from cloud.identity.gate import Gate
from cloud.server.guards import Guards
from cloud.web.app import create_pages


def create_app(
    gate: Gate, *, network: str, batches: BatchDoor | None = None, offer: BrokerOffer | None = None
) -> ASGIApp:
    """Build what a server serves.

    Args:
        gate: Identifies whoever asks and opens their transactions.
        network: Name of the network, shown on pages.
        batches: Takes what gateways hand in; None if this server takes nothing.
        offer: The broker that gateways which enrol are told of; None if they use HTTPS only.

    Returns:
        The application. It starts and stops nothing by itself.
    """
    metrics = Metrics()
    api = create_api(gate, metrics, batches, offer)
    pages = create_pages(gate, network=network, offer=offer)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_api = any(path == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES)
        await (api if is_api else pages)(scope, receive, send)

    return Guards(dispatch, metrics)
