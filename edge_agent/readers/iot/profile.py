"""Profiles of readers that speak JSON: a TOML file of ``firmware_configs/iot_readers`` in, a model out."""

from typing import Annotated, Final, Literal

from pydantic import Field

from edge_agent.readers.device import DeviceProfile, Strict, load_device, shipped
from edge_agent.readers.llrp.profile import Antenna, Gate, Power, PowerByAntenna, Session, SessionByAntenna

SHIPPED: Final = "firmware_configs.iot_readers"

Carrier = Literal["stream", "listen", "mqtt"]
"""How events come: the agent reads the reader's stream, the reader posts them, or a broker hands them on."""


class IotRadio(Strict):
    """How the reader is to inventory: what its preset says. The reader runs it by itself."""

    antennas: tuple[Antenna, ...] = (1, 2, 3, 4)
    power_dbm: Power = 30.0
    power_dbm_by_antenna: PowerByAntenna = Field(default_factory=dict)
    session: Session = 1
    session_by_antenna: SessionByAntenna = Field(default_factory=dict)
    tag_population: Annotated[int, Field(ge=1, le=65535)] = 32
    mode_index: Annotated[int, Field(ge=0, le=65535)] | None = None
    """``rfMode``; None leaves it to the reader."""
    search_mode: str = "dual-target"
    gate: Gate | None = None
    """Inputs that start and stop the inventory, for the preset; Impinj only."""


class IotProfile(DeviceProfile):
    """One kind of reader that speaks JSON, as data."""

    protocol: Literal["impinj_iot", "zebra_iot"]
    silent_after_s: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)]
    """So long without a word, heartbeats included, and the reader is taken for lost."""
    heartbeat_over: tuple[Carrier, ...]
    """Where it says that it lives while it sees nothing; elsewhere silence tells nothing."""
    phase_unit: Literal["degrees", "radians", "ignored"] = "ignored"
    """``ignored`` until it is seen from a device: a wrong unit would count against the truth."""
    epc_may_be_ascii_hex: bool = False
    radio: IotRadio = IotRadio()


def load_iot_profile(name: str) -> IotProfile:
    """Read the profile of a reader that speaks JSON.

    Args:
        name: The name of a shipped profile (``impinj_r700_iot``), or a path that ends in ``.toml``.

    Returns:
        The validated profile.

    Raises:
        ProfileError: If there is no such profile, it is not TOML, or a field is wrong or unknown.
    """
    return load_device("reader profile", SHIPPED, IotProfile, name)


def shipped_iot_profiles() -> tuple[str, ...]:
    """List the profiles that ship with the agent.

    Returns:
        Their names, sorted.
    """
    return shipped(SHIPPED)
