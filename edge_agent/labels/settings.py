"""Which label printers a gateway has."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.base import Gateway


def _host(value: str) -> str:
    try:
        value.encode("idna")  # as the resolver will
        is_name = value.isprintable() and " " not in value
    except UnicodeError:
        is_name = False
    if not is_name:
        raise ValueError(f"{value!r:.80}: expected an address, or a name whose parts have 1 to 63 letters")
    return value


class PrinterSettings(BaseModel):
    """One printer that takes ZPL over TCP."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Gateway
    host: Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_host)]
    port: Annotated[int, Field(ge=1, le=65535)] = 9100
    dots_per_mm: Literal[6, 8, 12, 24] = 8
    """8 is a head of 203 dpi, 12 one of 300, 24 one of 600."""
    asks_status: bool = True
    """False for one that does not answer ``~HS``: then nobody tells that its paper is out."""
    scanners: tuple[Gateway, ...] = ()
    """Whose labels it prints; none named: those of every scanner that no other printer names."""
