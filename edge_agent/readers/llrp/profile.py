"""Reader profiles: a TOML file of ``firmware_configs/readers`` in, a validated frozen model out."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.base import ID_PATTERN
from edge_agent.readers.profile import Quality

SHIPPED: Final = "firmware_configs.readers"

Antenna = Annotated[int, Field(ge=1, le=255)]
Power = Annotated[float, Field(ge=-10, le=40, allow_inf_nan=False)]
"""dBm at the reader's port."""


class LlrpProfileError(ValueError):
    """A reader profile that cannot be used: the file, the field and what was expected."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Radio(_Strict):
    """How the reader inventories; every field is written into the ROSpec."""

    antennas: tuple[Antenna, ...] = ()
    """Ports to use; none means all that the reader says it has."""
    power_dbm: Power | None = None
    """None means the most that the reader's table offers."""
    session: Annotated[int, Field(ge=0, le=3)] = 1
    tag_population: Annotated[int, Field(ge=1, le=65535)] = 32
    """Tags expected in the field at once."""
    mode_index: Annotated[int, Field(ge=0, le=65535)] | None = None
    """ModeIdentifier of the reader's table of RF modes; None means the table's first."""
    tari_ns: Annotated[int, Field(ge=0, le=25_000)] | None = None
    """None means the longest of the mode; 0 leaves it to the reader."""
    sensitivity_index: Annotated[int, Field(ge=0, le=65535)] = 1
    """Of the reader's table of receive sensitivities; 1 is the most sensitive."""


class Impinj(_Strict):
    """Impinj's extensions; other readers refuse them."""

    search_mode: Annotated[int, Field(ge=0, le=6)] = 2
    """ImpinjInventorySearchMode; 1 single target, 2 dual target."""
    phase: bool = True
    doppler: bool = True
    fine_rssi: bool = True


class Zebra(_Strict):
    """Zebra's extensions; other readers refuse them."""

    flip_target: bool = True
    """MotoAntennaQueryConfig EnableABFlip: read tags of both states in turn."""
    phase: bool = True
    """MotoTagReportContentSelector EnablePhase."""


class Quirks(_Strict):
    """What this kind of reader does its own way."""

    omitted_means_last: bool = False
    """A parameter that a report leaves out has the value of the report before."""
    epc_may_be_ascii_hex: bool = False
    """A 96-bit EPC may come as 192 bits that spell its hexadecimal digits."""
    state_aware: bool = False
    """Singulate by the tags' state A, as far as the reader can."""


class LlrpProfile(_Strict):
    """One kind of reader, as data."""

    name: Annotated[str, Field(pattern=ID_PATTERN)]
    vendor: str
    model: str
    quality: Quality
    setup: tuple[str, ...]
    """What to configure on the device, in its manual's words."""
    keepalive_s: Annotated[float, Field(ge=0.05, le=60, allow_inf_nan=False)] = 10.0
    """How often the reader is told to say that it lives; two that fail to come mean that it does not."""
    radio: Radio = Radio()
    quirks: Quirks = Quirks()
    impinj: Impinj | None = None
    zebra: Zebra | None = None

    @property
    def kind(self) -> Literal["impinj", "zebra", "generic"]:
        """Whose extensions the ROSpec may hold."""
        return "impinj" if self.impinj else "zebra" if self.zebra else "generic"


def load_llrp_profile(name: str) -> LlrpProfile:
    """Read a profile that ships with the agent, or one of the site's own.

    Args:
        name: The name of a shipped profile (``impinj_r700``), or a path that ends in ``.toml``.

    Returns:
        The validated profile.

    Raises:
        LlrpProfileError: If there is no such profile, it is not TOML, or a field is wrong or unknown.
    """
    source = Path(name) if name.endswith(".toml") else files(SHIPPED) / f"{name}.toml"
    try:
        fields = tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise LlrpProfileError(
            f"reader profile {name!r}: expected one of {shipped_llrp_profiles()} or a path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LlrpProfileError(f"reader profile {name!r} is not TOML: {error}") from error
    try:
        profile = LlrpProfile.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise LlrpProfileError(
            f"reader profile {name!r}: {place}: {first['msg']} (got {first.get('input')!r})"
        ) from error
    if profile.impinj and profile.zebra:
        raise LlrpProfileError(f"reader profile {name!r}: expected [impinj] or [zebra], got both")
    return profile


def shipped_llrp_profiles() -> tuple[str, ...]:
    """List the profiles that ship with the agent.

    Returns:
        Their names, sorted.
    """
    return tuple(
        sorted(entry.name[:-5] for entry in files(SHIPPED).iterdir() if entry.name.endswith(".toml"))
    )
