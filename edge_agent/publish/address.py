"""Where the broker is: its URL in, host, port and credentials out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


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
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
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
