"""One ``[[reader]]`` table of an agent's settings."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contracts.base import Gateway
from edge_agent.readers.llrp.messages import LlrpMissingError, require_llrp
from edge_agent.readers.llrp.profile import Antenna, LlrpProfile, Power, load_llrp_profile


def _is_profile(name: str) -> str:
    load_llrp_profile(name)
    return name


class ReaderSettings(BaseModel):
    """One RFID reader that speaks LLRP."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    power_dbm_by_antenna: dict[str, Power] = {}
    """Exceptions by port, as in ``{ "3" = 24.5 }``."""
    tls: bool = False
    """Encrypt the connection (LLRP over TLS)."""
    tls_ca: Path | None = None
    """PEM file with who may have signed the reader's certificate; by default the machine's authorities."""
    tls_certificate: Path | None = None
    """PEM file with the certificate and key that the reader asks of its client."""
    tls_check_host: bool = True
    """Whether the reader's certificate must name ``host``."""

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
        for name in self.power_dbm_by_antenna:
            if not name.isdecimal() or (antennas and int(name) not in antennas):
                expected = f"one of {list(antennas)}" if antennas else "an antenna's number"
                raise ValueError(f"power_dbm_by_antenna names antenna {name!r}: expected {expected}")
        has_tls_words = self.tls_ca or self.tls_certificate or not self.tls_check_host
        if has_tls_words and not self.tls:
            raise ValueError("tls_ca, tls_certificate and tls_check_host say nothing without tls = true")
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
        wanted = {"antennas": self.antennas, "power_dbm": self.power_dbm}
        given = {name: value for name, value in wanted.items() if value is not None}
        return profile.model_copy(update={"radio": profile.radio.model_copy(update=given)})
