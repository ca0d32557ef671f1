"""One ``[[iot_reader]]`` table of an agent's settings: a reader that tells what it sees in JSON."""

import ipaddress
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from contracts.base import Gateway
from edge_agent.readers.iot.profile import Carrier, IotProfile, load_iot_profile
from edge_agent.readers.llrp.profile import Antenna, Gate, Power, PowerByAntenna, Session, SessionByAntenna
from edge_agent.readers.tls import TlsSettings

_CARRIERS: Final[dict[str, Carrier]] = {
    "http": "stream",
    "https": "stream",
    "mqtt": "mqtt",
    "mqtts": "mqtt",
    "listen": "listen",
}
_PORTS: Final = {"http": 80, "https": 443, "mqtt": 1883, "mqtts": 8883}
_LEAST_PASSWORD: Final = 8


def _is_profile(name: str) -> str:
    load_iot_profile(name)
    return name


def _is_url(url: str) -> str:
    got = "got a URL with '@'" if "@" in url else f"got {url!r}"  # a password may stand before it
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"{got}, expected https://reader/api/v1/data/stream") from None
    expected = "expected https://reader/api/v1/data/stream, mqtt://broker/topic, or listen://127.0.0.1:8422"
    if parts.scheme not in _CARRIERS or not parts.hostname:
        raise ValueError(f"{got}, {expected}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("user and password stand in settings of their own, not in the URL")
    try:
        port = parts.port
    except ValueError as error:
        why = "expected a port of 0 to 65535" if "@" in url else error
        raise ValueError(f"{got}: {why}") from None
    if parts.scheme == "listen" and port is None:
        raise ValueError(f"{got}, expected a port, as in listen://127.0.0.1:8422")
    if _CARRIERS[parts.scheme] == "mqtt" and not parts.path.strip("/"):
        raise ValueError(f"{got}, expected a topic, as in mqtt://broker/rfid/dock-1")
    return url


class IotReaderSettings(TlsSettings):
    """One RFID reader that tells what it sees in JSON, over HTTP or MQTT."""

    id: Gateway
    """Device id that its reads carry, as site files name it."""
    profile: Annotated[str, AfterValidator(_is_profile)]
    """Name of a shipped profile, or a path to one."""
    url: Annotated[str, AfterValidator(_is_url)]
    """``https://…`` reads the reader's stream, ``mqtt(s)://broker/topic`` subscribes, and ``listen://address:port``
    takes what the reader posts."""
    user: Annotated[str, Field(max_length=128)] = "reader"
    """For the stream or the broker; with ``listen`` the user name that the reader gives."""
    password: SecretStr | None = None
    """Needed with ``listen``, at least 8 characters."""
    silent_after_s: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] | None = None
    """So long without a word and it is lost; by default the profile's, where it sends heartbeats."""
    listen_certificate: Path | None = None
    """PEM file with certificate and key of ``listen``; needed where others than this machine can reach it."""
    antennas: tuple[Antenna, ...] | None = None
    """Ports in use, for the preset; by default the profile's."""
    power_dbm: Power | None = None
    power_dbm_by_antenna: PowerByAntenna = Field(default_factory=dict)
    session: Session | None = None
    session_by_antenna: SessionByAntenna = Field(default_factory=dict)
    gate: Gate | None = None
    """Inputs that start and stop the inventory, for the preset of an Impinj."""

    @model_validator(mode="after")
    def _gate_can_be_told(self) -> Self:
        gate = self.effective().radio.gate
        if gate is None:
            return self
        if load_iot_profile(self.profile).protocol != "impinj_iot":
            raise ValueError("gate is told to an Impinj only: set it on the reader itself")
        if gate.stop_gpi is None or gate.stop_after_s is not None:
            raise ValueError("the gate of a preset closes by stop_gpi: expected that, and no stop_after_s")
        return self

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if self.carrier == "listen":
            if self.password is None or len(self.password.get_secret_value()) < _LEAST_PASSWORD:
                raise ValueError(
                    f"listen takes reads only with a password of {_LEAST_PASSWORD} characters or more"
                )
            if not _is_loopback(self.parts.hostname or "") and self.listen_certificate is None:
                raise ValueError(
                    f"{self.url} can be reached by others: expected listen_certificate, or 127.0.0.1"
                )
        elif self.listen_certificate is not None:
            raise ValueError("listen_certificate says nothing without listen://")
        if self.has_tls_words and self.parts.scheme not in {"https", "mqtts"}:
            raise ValueError(
                "tls_ca, tls_certificate, tls_check_host and tls_pin say nothing without https or mqtts"
            )
        if self.tls_pin and self.carrier == "mqtt":
            raise ValueError("tls_pin is for readers: a broker is believed by tls_ca")
        return self

    @property
    def parts(self) -> SplitResult:
        """The URL, taken apart."""
        return urlsplit(self.url)

    @property
    def carrier(self) -> Carrier:
        """How events come."""
        return _CARRIERS[self.parts.scheme]

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect to, or to listen."""
        parts = self.parts
        port = parts.port
        return parts.hostname or "", _PORTS[parts.scheme] if port is None else port

    @property
    def secret(self) -> str:
        """The password; empty if there is none."""
        return "" if self.password is None else self.password.get_secret_value()

    def silence_s(self) -> float | None:
        """Tell how long it may say nothing.

        Returns:
            Seconds; None if silence tells nothing of this reader.
        """
        profile = load_iot_profile(self.profile)
        if self.silent_after_s is not None:
            return self.silent_after_s
        return profile.silent_after_s if self.carrier in profile.heartbeat_over else None

    def effective(self) -> IotProfile:
        """Load the profile and put these settings over it.

        Returns:
            The profile as this reader is to be run.
        """
        profile = load_iot_profile(self.profile)
        radio = profile.radio
        wanted = {
            "antennas": self.antennas,
            "power_dbm": self.power_dbm,
            "session": self.session,
            "gate": self.gate,
        }
        given: dict[str, object] = {name: value for name, value in wanted.items() if value is not None}
        powers = radio.power_dbm_by_antenna if self.power_dbm is None else {}
        sessions = radio.session_by_antenna if self.session is None else {}
        given["power_dbm_by_antenna"] = powers | self.power_dbm_by_antenna
        given["session_by_antenna"] = sessions | self.session_by_antenna
        return profile.model_copy(update={"radio": radio.model_copy(update=given)})


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
