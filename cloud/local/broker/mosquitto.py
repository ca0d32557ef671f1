"""Mosquitto as embedded broker: accounts in, its configuration, password and access files out."""

import secrets
from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from cloud.gateways.credentials.domain import SALT_BYTES, mosquitto_hash
from cloud.local.broker.embedded import (
    SERVICE_ACCOUNT,
    BrokerError,
    EmbeddedBroker,
    GatewayAccount,
    find_program,
)
from cloud.local.home import Home
from contracts.topics import DEMAND_ROOT, ROOT

_CONFIGURATION: Final = """\
# Written at every start. Nothing is kept by the broker: the ledger acknowledges, so nothing is lost by it.
listener {port} 127.0.0.1
allow_anonymous false
password_file {passwords}
acl_file {access}
persistence false
max_queued_messages 0
max_queued_bytes 67108864
max_packet_size 2097152
set_tcp_nodelay true
connection_messages false
log_dest stderr
log_type error
log_type warning
log_type notice
"""


class Mosquitto(EmbeddedBroker):
    """Eclipse Mosquitto 2, from the system's packages: MQTT 5 and 3.1.1."""

    name = "mosquitto"

    @override
    def _configure(self, home: Home, accounts: Sequence[GatewayAccount]) -> None:
        entries = {SERVICE_ACCOUNT: self._password} | {item.gateway: item.password for item in accounts}
        passwords = home.write(
            "passwords",
            "".join(
                f"{user}:{mosquitto_hash(password, secrets.token_bytes(SALT_BYTES))}\n"
                for user, password in entries.items()
            ),
        )
        access = home.write("access", access_rules(accounts))
        home.write(
            "mosquitto.conf", _CONFIGURATION.format(port=self.port, passwords=passwords, access=access)
        )

    @override
    def _command(self, home: Home) -> tuple[str, ...]:
        program = find_program(self.name)
        if program is None:
            raise BrokerError(
                "mosquitto is not installed: expected it on the PATH or in /usr/sbin;"
                " embedded_broker = 'nats' does without"
            )
        return (str(program), "-c", str(home.directory / "mosquitto.conf"))


def access_rules(accounts: Sequence[GatewayAccount]) -> str:
    """Spell Mosquitto's access list.

    Args:
        accounts: The gateways.

    Returns:
        The file's text.
    """
    lines = [f"user {SERVICE_ACCOUNT}", *(f"topic readwrite {root}/#" for root in (ROOT, DEMAND_ROOT))]
    for account in accounts:
        lines.append(f"\nuser {account.gateway}")
        lines += [f"topic write {written}" for written in account.writes]
        lines += [f"topic read {read}" for read in account.reads]
    return "\n".join(lines) + "\n"
