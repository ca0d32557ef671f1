"""The embedded MQTT broker: Mosquitto where it is installed, else the NATS server of a wheel."""

from collections.abc import Mapping
from typing import Final, Literal

from cloud.local.broker.embedded import BrokerError, EmbeddedBroker, GatewayAccount, find_program
from cloud.local.broker.mosquitto import Mosquitto
from cloud.local.broker.nats import Nats

__all__ = ["BROKERS", "BrokerError", "EmbeddedBroker", "GatewayAccount", "choose_broker"]

BROKERS: Final[Mapping[str, type[EmbeddedBroker]]] = {broker.name: broker for broker in (Mosquitto, Nats)}


def choose_broker(wanted: Literal["auto", "mosquitto", "nats"]) -> type[EmbeddedBroker]:
    """Pick the broker to embed.

    Args:
        wanted: The setting; ``auto`` prefers Mosquitto, which speaks MQTT 5, where it is installed.

    Returns:
        Its class.
    """
    if wanted == "auto":
        return Mosquitto if find_program(Mosquitto.name) else Nats
    return BROKERS[wanted]
