"""The embedded MQTT broker: accounts in, a loopback broker that holds each gateway to its own topics."""

import abc
import shutil
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

from cloud.local.home import Home, open_home
from cloud.local.process import Service, accepts_connections, free_port
from contracts.base import is_valid_id
from contracts.topics import INGEST_STATE, UPSTREAM, Channel, DemandChannel, demand_topic, topic

SERVICE_ACCOUNT: Final = "dockledger"
"""The account of ingest: every topic below ours, both ways."""

_SEARCH_PATH: Final = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


class BrokerError(Exception):
    """The embedded broker cannot be prepared; the message says what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """A gateway's credential; its user name is the gateway's id, which is unique in the network.

    It may also publish demand, as the source of that name at its site: a shop's account does no more.
    """

    site: str
    gateway: str
    password: str

    def __post_init__(self) -> None:
        """Refuse ids that could bend a rule of the broker's access list."""
        for value in (self.site, self.gateway):
            if not is_valid_id(value):
                raise BrokerError(f"{value!r} cannot name an account: expected 1-64 of A-Z a-z 0-9 _ -")
        if self.gateway == SERVICE_ACCOUNT:
            raise BrokerError(
                f"gateway {self.gateway!r} has the name of the service account: expected another"
            )

    @property
    def writes(self) -> tuple[str, ...]:
        """Topics that it may publish to."""
        own = (topic(self.site, self.gateway, channel) for channel in Channel if channel in UPSTREAM)
        return (*own, demand_topic(self.site, self.gateway, DemandChannel.LINES))

    @property
    def reads(self) -> tuple[str, ...]:
        """Topics that reach it."""
        own = (topic(self.site, self.gateway, channel) for channel in Channel if channel not in UPSTREAM)
        return (*own, demand_topic(self.site, self.gateway, DemandChannel.ANSWER), INGEST_STATE)


class EmbeddedBroker(abc.ABC):
    """A broker of one data directory; the subclasses spell its configuration."""

    name: ClassVar[str]
    """Which broker it is, in settings and logs."""

    def __init__(self, data_dir: Path, password: str) -> None:
        """Name the broker; nothing is touched yet.

        Args:
            data_dir: The data directory of all embedded services.
            password: Password of the service account.
        """
        self._data_dir = data_dir
        self._password = password
        self.port = 0

    def prepare(self, accounts: Iterable[GatewayAccount] = ()) -> Service:
        """Write the configuration and say how to start the broker.

        Args:
            accounts: The gateways that may connect.

        Returns:
            The service; ready when it accepts MQTT connections.

        Raises:
            BrokerError: If the program is not there.
            HomeError: If there is no place for it.
        """
        home = open_home(self._data_dir, self.name)
        self.port = self.port or free_port()
        self._configure(home, tuple(accounts))
        return Service(
            name="broker",
            command=self._command(home),
            log=self._data_dir / "logs" / "broker.log",
            is_ready=lambda _pid: accepts_connections(self.port),
            identity=home.identity,
            stop_signal=signal.SIGTERM,
        )

    def admit(self, accounts: Iterable[GatewayAccount]) -> None:
        """Change who may connect; the running broker reads it on SIGHUP.

        Args:
            accounts: All gateways that may connect from now on.

        Raises:
            HomeError: If the broker's home has gone.
        """
        self._configure(open_home(self._data_dir, self.name), tuple(accounts))

    @property
    def url(self) -> str:
        """The service account's connection."""
        return self._url(SERVICE_ACCOUNT, self._password)

    def gateway_url(self, account: GatewayAccount) -> str:
        """Spell a gateway's connection.

        Args:
            account: The gateway's account.

        Returns:
            An ``mqtt://`` URL.
        """
        return self._url(account.gateway, account.password)

    def _url(self, user: str, password: str) -> str:
        return f"mqtt://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}"

    @abc.abstractmethod
    def _configure(self, home: Home, accounts: Sequence[GatewayAccount]) -> None:
        """Write the configuration files into the home."""

    @abc.abstractmethod
    def _command(self, home: Home) -> tuple[str, ...]:
        """Spell the command that starts the broker."""


def find_program(name: str, *, also_in: Path | None = None) -> Path | None:
    """Find a program, also in the system directories that an ordinary user's PATH leaves out.

    Args:
        name: Program name.
        also_in: A directory to look in first.

    Returns:
        Its path, or None.
    """
    path = f"{also_in}:{_SEARCH_PATH}" if also_in else _SEARCH_PATH
    found = shutil.which(name) or shutil.which(name, path=path)
    return Path(found) if found else None
