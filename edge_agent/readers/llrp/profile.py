"""Reader profiles: a TOML file of ``firmware_configs/readers`` in, a validated frozen model out."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from edge_agent.readers.device import DeviceProfile, Strict, load_device, shipped

SHIPPED: Final = "firmware_configs.readers"
_PORTS: Final = frozenset(map(str, range(1, 256)))

Antenna = Annotated[int, Field(ge=1, le=255)]
Power = Annotated[float, Field(ge=-10, le=40, allow_inf_nan=False)]
"""dBm at the reader's port."""
Session = Annotated[int, Field(ge=0, le=3)]


def _are_antennas(by_antenna: dict[str, Any]) -> dict[str, Any]:
    for name in by_antenna:
        if name not in _PORTS:
            raise ValueError(f"names antenna {name!r}: expected an antenna's number, 1 to 255")
    return by_antenna


PowerByAntenna = Annotated[dict[str, Power], AfterValidator(_are_antennas)]
SessionByAntenna = Annotated[dict[str, Session], AfterValidator(_are_antennas)]


class Gate(Strict):
    """Radiate only from one input's change until another's, or for a time."""

    start_gpi: Annotated[int, Field(ge=1, le=255)]
    """Input whose change starts the inventory."""
    start_high: bool = True
    """Which level of the input starts the inventory; one that it has already, starts it at once."""
    stop_gpi: Annotated[int, Field(ge=1, le=255)] | None = None
    """Input whose change stops it; may be the same one."""
    stop_high: bool = False
    """Which level of that input stops it."""
    stop_after_s: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False)] | None = None
    """The longest time from start to stop."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.stop_gpi is None and self.stop_after_s is None:
            raise ValueError("the gate never closes: expected stop_gpi, stop_after_s or both")
        if self.stop_gpi == self.start_gpi and self.stop_high == self.start_high:
            raise ValueError(f"input {self.start_gpi} starts and stops at the same level: expected two")
        return self


class Radio(Strict):
    """How the reader inventories; every field is written into the ROSpec."""

    antennas: tuple[Antenna, ...] = ()
    """Ports to use; none means all that the reader says it has."""
    power_dbm: Power | None = None
    """None means the most that the reader's table offers."""
    power_dbm_by_antenna: PowerByAntenna = Field(default_factory=dict)
    """Exceptions by port, as in ``{ "3" = 24.5 }``."""
    session: Session = 1
    session_by_antenna: SessionByAntenna = Field(default_factory=dict)
    """Exceptions by port."""
    tag_population: Annotated[int, Field(ge=1, le=65535)] = 32
    """Tags expected in the field at once."""
    mode_index: Annotated[int, Field(ge=0, le=65535)] | None = None
    """ModeIdentifier of the reader's table of RF modes; None means the table's first."""
    tari_ns: Annotated[int, Field(ge=0, le=25_000)] | None = None
    """None means the longest of the mode; 0 leaves it to the reader."""
    sensitivity_index: Annotated[int, Field(ge=0, le=65535)] = 1
    """Of the reader's table of receive sensitivities; 1 is the most sensitive."""
    gate: Gate | None = None
    """None means that the carrier is always on."""


class Impinj(Strict):
    """Impinj's extensions; other readers refuse them."""

    search_mode: Annotated[int, Field(ge=0, le=6)] = 2
    """ImpinjInventorySearchMode; 1 single target, 2 dual target."""
    phase: bool = True
    doppler: bool = True
    fine_rssi: bool = True


class Zebra(Strict):
    """Zebra's extensions; other readers refuse them."""

    flip_target: bool = True
    """MotoAntennaQueryConfig EnableABFlip: read tags of both states in turn."""
    phase: bool = True
    """MotoTagReportContentSelector EnablePhase."""


class Quirks(Strict):
    """What this kind of reader does its own way."""

    omitted_means_last: bool = False
    """A parameter that a report leaves out has the value of the report before."""
    epc_may_be_ascii_hex: bool = False
    """A 96-bit EPC may come as 192 bits that spell its hexadecimal digits."""
    state_aware: bool = False
    """Singulate by the tags' state A, as far as the reader can."""


class LlrpProfile(DeviceProfile):
    """One kind of reader that speaks LLRP, as data."""

    keepalive_s: Annotated[float, Field(ge=0.05, le=60, allow_inf_nan=False)] = 10.0
    """How often the reader is told to say that it lives; two that fail to come mean that it does not."""
    radio: Radio = Radio()
    quirks: Quirks = Quirks()
    impinj: Impinj | None = None
    zebra: Zebra | None = None

    @model_validator(mode="after")
    def _is_of_one_make(self) -> Self:
        if self.impinj and self.zebra:
            raise ValueError("expected [impinj] or [zebra], got both")
        return self

    @property
    def kind(self) -> Literal["impinj", "zebra", "generic"]:
        """Whose extensions the ROSpec may hold."""
        return "impinj" if self.impinj else "zebra" if self.zebra else "generic"


def load_llrp_profile(name: str) -> LlrpProfile:
    """Read the profile of a reader that speaks LLRP.

    Args:
        name: The name of a shipped profile (``impinj_r700``), or a path that ends in ``.toml``.

    Returns:
        The validated profile.

    Raises:
        ProfileError: If there is no such profile, it is not TOML, or a field is wrong or unknown.
    """
    return load_device("reader profile", SHIPPED, LlrpProfile, name)


def shipped_llrp_profiles() -> tuple[str, ...]:
    """List the profiles that ship with the agent.

    Returns:
        Their names, sorted.
    """
    return shipped(SHIPPED)
