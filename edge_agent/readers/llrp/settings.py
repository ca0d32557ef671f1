"""One ``[[reader]]`` table of an agent's settings."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from contracts.base import Gateway
from edge_agent.readers.llrp.messages import LlrpMissingError, require_llrp
from edge_agent.readers.llrp.profile import (
    Antenna,
    Gate,
    LlrpProfile,
    Power,
    PowerByAntenna,
    Session,
    SessionByAntenna,
    load_llrp_profile,
)
from edge_agent.readers.tls import TlsSettings


def _is_profile(name: str) -> str:
    load_llrp_profile(name)
    return name


class ReaderSettings(TlsSettings):
    """One RFID reader that speaks LLRP."""

    id: Gateway
    """Device id that its reads carry, as site files name it: ``r1`` in ``"r1:2"``."""
    host: Annotated[str, Field(min_length=1, max_length=253)]
    """Name or address of the reader."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """By default 5084, and 5085 with TLS."""
    profile: Annotated[str, AfterValidator(_is_profile)] = "generic_llrp"
    """Name of a shipped reader profile, or a path to one."""
    antennas: tuple[Antenna, ...] | None = None
    """Ports to use; by default the profile's, which by default are all."""
    power_dbm: Power | None = None
    """At the reader's port; by default the profile's."""
    power_dbm_by_antenna: PowerByAntenna = Field(default_factory=dict)
    """Exceptions by port, as in ``{ "3" = 24.5 }``; they go before the profile's."""
    session: Session | None = None
    """Gen2 session; by default the profile's."""
    session_by_antenna: SessionByAntenna = Field(default_factory=dict)
    """Exceptions by port."""
    gate: Gate | None = None
    """Inputs that start and stop the inventory; by default the profile's."""
    tls: bool = False
    """Encrypt the connection (LLRP over TLS)."""

    @model_validator(mode="after")
    def _can_be_understood(self) -> Self:
        try:
            require_llrp(self.id)
        except LlrpMissingError as error:
            raise ValueError(str(error)) from error
        return self

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        antennas = self.antennas or ()
        if len(set(antennas)) < len(antennas):
            raise ValueError(f"antennas {list(antennas)} are not all different")
        for setting in ("power_dbm_by_antenna", "session_by_antenna"):
            for name in getattr(self, setting):
                if antennas and int(name) not in antennas:
                    raise ValueError(f"{setting} names antenna {name!r}: expected one of {list(antennas)}")
        if self.has_tls_words and not self.tls:
            raise ValueError(
                "tls_ca, tls_certificate, tls_check_host and tls_pin say nothing without tls = true"
            )
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect to."""
        return self.host, self.port or (5085 if self.tls else 5084)

    def effective(self) -> LlrpProfile:
        """Load the profile and put these settings over it.

        Returns:
            The profile as this reader is to be run.
        """
        profile = load_llrp_profile(self.profile)
        radio = profile.radio
        wanted = {
            "antennas": self.antennas,
            "power_dbm": self.power_dbm,
            "session": self.session,
            "gate": self.gate,
        }
        given: dict[str, object] = {name: value for name, value in wanted.items() if value is not None}
        # A power or session given here holds for every antenna, but for the exceptions given here.
        powers = radio.power_dbm_by_antenna if self.power_dbm is None else {}
        sessions = radio.session_by_antenna if self.session is None else {}
        given["power_dbm_by_antenna"] = powers | self.power_dbm_by_antenna
        given["session_by_antenna"] = sessions | self.session_by_antenna
        return profile.model_copy(update={"radio": radio.model_copy(update=given)})
