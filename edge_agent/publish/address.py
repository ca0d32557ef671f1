"""Where broker and ledger are: URLs in, hosts, ports and credentials out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "http": 80, "https": 443}
_BROKER: Final = frozenset({"mqtt", "mqtts"})


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who we are to it."""

    host: str
    port: int
    is_tls: bool
    username: str | None
    password: str | None
    ca: Path | None = None
    """PEM file with who may have signed the broker's certificate; None: the machine's authorities."""
    certificate: Path | None = None
    """PEM file with our own certificate and key."""


@dataclass(frozen=True, slots=True)
class LedgerAddress:
    """Where the ledger's server takes batches over HTTPS, and who we are to it."""

    host: str
    port: int
    is_tls: bool
    path: str
    """Before every path of ours, without a slash at its end."""
    username: str
    password: str = field(repr=False)
    ca: Path | None = None
    """PEM file with who may have signed the server's certificate; None: the machine's authorities."""


def parse_broker_url(url: str, *, ca: Path | None = None, certificate: Path | None = None) -> BrokerAddress:
    """Take a broker's URL apart.

    Args:
        url: ``mqtt://user:password@host:port`` or ``mqtts://…``.
        ca: As in the address.
        certificate: As in the address.

    Returns:
        The address.

    Raises:
        ValueError: If it is not such a URL; the message never shows the password.

    Examples:
        >>> parse_broker_url("mqtt://gw-1:secret@10.0.0.5").port
        1883
    """
    parts = urlsplit(url)
    if parts.scheme not in _BROKER or not parts.hostname:
        raise ValueError(
            f"broker URL with scheme {parts.scheme!r}: expected mqtt://[user:password@]host[:port]"
        )
    return BrokerAddress(
        host=parts.hostname,
        port=parts.port or _DEFAULT_PORTS[parts.scheme],
        is_tls=parts.scheme == "mqtts",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        ca=ca,
        certificate=certificate,
    )


def parse_ledger_url(
    url: str, *, gateway: str, broker_url: str | None = None, ca: Path | None = None
) -> LedgerAddress:
    """Take the URL of the ledger's server apart; who it names nobody, shows what the broker is shown.

    Args:
        url: ``https://host:port``, or ``https://user:secret@host:port/path``.
        gateway: The gateway's id, its user name where neither names one.
        broker_url: The broker's URL, whose user and password count where this one has none.
        ca: As in the address.

    Returns:
        The address.

    Raises:
        ValueError: If it is not such a URL, or no secret is known; the message never shows one.

    Examples:
        >>> parse_ledger_url("https://gw-1:secret@ledger.example/dl/", gateway="gw-1").path
        '/dl'
        >>> parse_ledger_url("https://ledger.example", gateway="gw-1", broker_url="mqtt://gw-1:x@b").password
        'x'
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS.keys() - _BROKER or not parts.hostname:
        raise ValueError(
            f"ledger URL with scheme {parts.scheme!r}: expected https://[user:secret@]host[:port]"
        )
    shown = parts if parts.password else urlsplit(broker_url or "")
    if not shown.password:
        raise ValueError("the ledger's URL holds no secret: expected https://gateway:secret@host")
    return LedgerAddress(
        host=parts.hostname,
        port=parts.port or _DEFAULT_PORTS[parts.scheme],
        is_tls=parts.scheme == "https",
        path=parts.path.rstrip("/"),
        username=unquote(shown.username or gateway),
        password=unquote(shown.password),
        ca=ca,
    )
