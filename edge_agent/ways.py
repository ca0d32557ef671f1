"""An agent's settings in, the addresses of broker and ledger out."""

from edge_agent.config.settings import AgentSettings
from edge_agent.publish.address import BrokerAddress, LedgerAddress, parse_broker_url, parse_ledger_url


def broker_of(settings: AgentSettings) -> BrokerAddress | None:
    """Tell where the broker is.

    Args:
        settings: The agent's.

    Returns:
        Its address; None if nothing goes through a broker.
    """
    if settings.publish == "https" or settings.broker_url is None:
        return None
    return parse_broker_url(
        settings.broker_url, ca=settings.broker_ca, certificate=settings.broker_certificate
    )


def ledger_of(settings: AgentSettings) -> LedgerAddress | None:
    """Tell where the ledger's server is.

    Args:
        settings: The agent's.

    Returns:
        Its address; None if nothing goes over HTTPS.
    """
    if settings.https_url is None:
        return None
    return parse_ledger_url(
        settings.https_url, gateway=settings.gateway, broker_url=settings.broker_url, ca=settings.https_ca
    )
