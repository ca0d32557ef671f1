"""Which antennas look at which place, where no door is: the ``[[zone]]`` tables of a site or agent file.

A read zone is radio (DOMAIN D11): where a tag is heard best. It posts nothing.
"""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contracts.base import Code, Gateway
from edge_agent.filters.site import Offset, Port

Decibels = Annotated[float, Field(ge=0, le=40, allow_inf_nan=False)]


class ReadZone(BaseModel):
    """One read zone, and how readily a tag is taken to have moved there.

    The defaults are those of the EdgeX and RSP middleware: another zone takes over with 2 reads and a mean of
    the newest 20 that is higher by a margin, which is 6 dB for half a second after the tag was last heard
    where it was, and then falls by 8 dB a second.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Gateway
    location: Code
    antennas: Annotated[tuple[Port, ...], Field(min_length=1)]
    offsets_db: dict[Port, Offset] = {}
    """Added to what an antenna hears: ``edge-agent calibrate`` finds them."""
    margin_db: Decibels = 6.0
    fade_db_per_s: Decibels = 8.0
    hold_off_s: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] = 0.5
    departed_after_s: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] = 600.0
    scale_db: Annotated[float, Field(ge=0.1, le=20, allow_inf_nan=False)] = 3.0
    """So many decibels more than another zone make this one e times as likely."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        twice = sorted({port for port in self.antennas if self.antennas.count(port) > 1})
        if twice:
            raise ValueError(f"zone {self.id!r}: antenna {twice[0]!r} is named twice, expected each once")
        for port in self.offsets_db:
            if port not in self.antennas:
                raise ValueError(
                    f"zone {self.id!r}: offsets_db names {port!r}, expected one of {list(self.antennas)}"
                )
        return self


def _agree(zones: tuple[ReadZone, ...]) -> tuple[ReadZone, ...]:
    owner: dict[str, str] = {}
    ids: set[str] = set()
    for zone in zones:
        if zone.id in ids:
            raise ValueError(f"zone {zone.id!r} is defined twice, expected each id once")
        ids.add(zone.id)
        for port in zone.antennas:
            if owner.setdefault(port, zone.id) != zone.id:
                raise ValueError(
                    f"antenna {port!r} belongs to zones {owner[port]!r} and {zone.id!r}, expected one of them"
                )
    return zones


ReadZones = Annotated[tuple[ReadZone, ...], AfterValidator(_agree)]
"""All read zones of a gateway; contradictions between them are refused."""
