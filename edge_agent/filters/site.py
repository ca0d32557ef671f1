"""How a site's doors are equipped: the ``[[portal]]`` tables of a site or agent file (DOMAIN D2)."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contracts.base import ID_PATTERN, Code, Gateway

_PORT: Final = re.compile(ID_PATTERN[1:-1] + ":[1-9][0-9]{0,4}")
_BARE_PORT: Final = re.compile("[1-9][0-9]{0,4}")


def _is_port(name: str) -> str:
    if not _PORT.fullmatch(name):
        raise ValueError(f"got {name!r}, expected 'reader:port', as in 'r1:1'")
    return name


def _is_beam(name: str | int) -> str:
    if _BARE_PORT.fullmatch(str(name)) or _PORT.fullmatch(str(name)):
        return str(name)
    raise ValueError(
        f"got {name!r}, expected 'reader:port', or a port number where the portal has one reader"
    )


Port = Annotated[str, AfterValidator(_is_port)]
"""``reader:antenna``."""
Offset = Annotated[float, Field(ge=-40, le=40, allow_inf_nan=False)]
"""In decibels."""
Beam = Annotated[str | int, AfterValidator(_is_beam)]
Source = Literal["antennas", "beams", "phase", "assignment"]
Side = Literal["inside", "outside"]
Signal = Literal["ok", "wrong", "idle", "in", "out", "undecided", "error"]
"""What an output tells people."""
SIGNALS: Final[tuple[Signal, ...]] = get_args(Signal)


class DoorFeedback(BaseModel):
    """Lamps or buzzers that a reader's outputs drive (DOMAIN D2)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok_gpo: Beam | None = None
    """Output of a reader, named like a beam: on for a moment when a unit's crossing was recorded and fits."""
    wrong_gpo: Beam | None = None
    """On when a unit of another open visit is read in the doorway."""
    idle_gpo: Beam | None = None
    """A light stack: on while it shows nothing else."""
    in_gpo: Beam | None = None
    """On for a moment when a crossing inward was recorded and posts."""
    out_gpo: Beam | None = None
    """The same outward."""
    undecided_gpo: Beam | None = None
    """On for a moment when a crossing is held: somebody must say what it was."""
    error_gpo: Beam | None = None
    """On while the portal cannot see or record: a reader of it is lost, or the outbox takes nothing."""
    seconds: Annotated[float, Field(ge=0.1, le=60, allow_inf_nan=False)] = 1.0
    """How long an output stays on."""
    near_dbm: Annotated[float, Field(ge=-90, le=0, allow_inf_nan=False)] = -45.0
    """Weaker reads are of tags that pass or stand somewhere near, and light nothing."""


class Portal(BaseModel):
    """One door: its antennas, what lies on both sides, and how sure it must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Gateway
    kind: Literal["two_sided", "one_plane", "overhead_array", "conveyor"]
    """What can tell the direction: antennas on two sides, or only beams. An overhead array and a conveyor
    have two sides if they name inside and outside, or if ``direction_from`` names their antennas: these then
    stand in the order from outside to inside. Otherwise they are one plane."""
    inside: tuple[Port, ...] = ()
    outside: tuple[Port, ...] = ()
    antennas: tuple[Port, ...] = ()
    beams: tuple[Beam, ...] = ()
    """Outer and inner GPI port."""
    direction_from: tuple[Source, ...] = ()
    """What may tell the direction; by default whatever there is."""
    neighbours: tuple[Gateway, ...] = ()
    offsets_db: dict[Port, Offset] = {}
    """Added to what an antenna hears, where it is weighed: ``edge-agent calibrate`` finds them."""
    inside_location: Code
    outside_location: Code
    post_at: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.95
    hold_at: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.50
    posting_source: Literal["portal", "handheld", "either_first"] = "portal"
    mode: Literal["live", "shadow"] = "live"
    feedback: DoorFeedback | None = None

    @property
    def is_two_sided(self) -> bool:
        """Whether antennas look at both sides."""
        return bool(self.inside_ports)

    @property
    def inside_ports(self) -> tuple[str, ...]:
        """Antennas that hear the inside first; empty for one plane."""
        return self.antennas[len(self.antennas) // 2 :] if self._is_in_order else self.inside

    @property
    def outside_ports(self) -> tuple[str, ...]:
        """Antennas that hear the outside first; empty for one plane."""
        return self.antennas[: len(self.antennas) // 2] if self._is_in_order else self.outside

    @property
    def _is_in_order(self) -> bool:
        is_row = self.kind in {"overhead_array", "conveyor"} and bool(self.antennas)
        return is_row and "antennas" in self.direction_from

    @property
    def ports(self) -> tuple[str, ...]:
        """Every antenna, ``reader:antenna``."""
        return (*self.inside, *self.outside, *self.antennas)

    @property
    def beam_ports(self) -> tuple[str, ...]:
        """Outer and inner beam as ``reader:port``; empty without beams or where they may not be used."""
        if self.direction_from and "beams" not in self.direction_from:
            return ()
        return tuple(self._spelled_out(beam) for beam in self.beams)

    def gpo(self, signal: Signal) -> str | None:
        """Name the output for a signal.

        Args:
            signal: Which.

        Returns:
            ``reader:port``; None if it has none.
        """
        named = None if self.feedback is None else getattr(self.feedback, f"{signal}_gpo")
        return None if named is None else self._spelled_out(named)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Every output that it drives, ``reader:port``."""
        found = (self.gpo(signal) for signal in SIGNALS)
        return tuple(output for output in found if output is not None)

    def _spelled_out(self, port: str | int) -> str:
        return str(port) if ":" in str(port) else f"{self.ports[0].partition(':')[0]}:{port}"

    @property
    def may_follow_assignment(self) -> bool:
        """Whether a single open visit may lend its direction, where nothing else tells it."""
        return not self.direction_from or "assignment" in self.direction_from

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for fault in self._faults():
            raise ValueError(f"portal {self.id!r}: {fault}")
        return self

    def _faults(self) -> Iterator[str]:
        yield from self._wrong_sides()
        twice = sorted({port for port in self.ports if self.ports.count(port) > 1})
        if twice:
            yield f"antenna {twice[0]!r} is named twice, expected each on one side only"
        yield from self._wrong_beams()
        yield from self._wrong_feedback()
        strange = [port for port in self.offsets_db if port not in self.ports]
        if strange:
            yield f"offsets_db names {strange[0]!r}, expected one of {list(self.ports)}"
        if self.id in self.neighbours:
            yield f"neighbours names {self.id!r} itself, expected other portals"
        if self.inside_location == self.outside_location:
            yield f"inside_location = outside_location = {self.inside_location!r}, expected two places"
        if self.hold_at > self.post_at:
            yield f"hold_at = {self.hold_at} is above post_at = {self.post_at}, expected at most that"

    def _wrong_sides(self) -> Iterator[str]:
        sided, flat = bool(self.inside or self.outside), bool(self.antennas)
        if self.kind == "two_sided" and flat:
            yield f"kind two_sided takes inside and outside, got antennas = {list(self.antennas)}"
        if self.kind == "one_plane" and sided:
            yield f"kind one_plane takes antennas, got inside and outside = {[*self.inside, *self.outside]}"
        if sided and flat:
            yield "expected inside and outside, or antennas, got all three"
        if self.kind == "two_sided" or sided:
            for side, ports in (("inside", self.inside), ("outside", self.outside)):
                if not ports:
                    yield f"{side} = [], expected at least one antenna"
        elif not flat:
            yield "antennas = [], expected at least one"
        elif self._is_in_order and len(self.antennas) % 2:
            yield (
                f"antennas = {list(self.antennas)}: direction_from names them, so expected an even number, "
                "from outside to inside; leave the middle one out"
            )

    def _wrong_beams(self) -> Iterator[str]:
        if self.beams and self.is_two_sided:
            yield f"beams = {list(self.beams)}: expected with antennas in one plane only, got two sides"
        if self.beams and len(self.beams) != 2:  # noqa: PLR2004  outer and inner
            yield f"beams = {list(self.beams)}, expected two: the outer and the inner one"
        readers = {port.partition(":")[0] for port in self.ports}
        bare = [beam for beam in self.beams if ":" not in str(beam)]
        if bare and len(readers) != 1:
            yield f"beam {bare[0]!r}: expected 'reader:port', as the portal has {sorted(readers)}"
        named = [str(beam).rpartition(":")[2] if len(readers) == 1 else str(beam) for beam in self.beams]
        if len(set(named)) < len(named):
            yield f"beams = {list(self.beams)} is one beam twice, expected two"
        if "beams" in self.direction_from and not self.beams:
            yield "direction_from names beams, but beams = []"
        if "antennas" in self.direction_from and not (self.inside or self._is_in_order):
            yield "direction_from names antennas: expected inside and outside, one plane cannot tell"
        if set(self.direction_from) == {"phase"}:
            yield "direction_from = ['phase']: expected antennas, beams or assignment beside it"
        if self.is_two_sided and self.direction_from and "antennas" not in self.direction_from:
            yield f"direction_from = {list(self.direction_from)}: expected antennas among them, for two sides"

    def _wrong_feedback(self) -> Iterator[str]:
        if self.feedback is None:
            return
        named = {f"{signal}_gpo": getattr(self.feedback, f"{signal}_gpo") for signal in SIGNALS}
        outputs = [each for each in named.values() if each is not None]
        if not outputs:
            yield f"feedback lights nothing, expected one of {', '.join(named)}"
        owner: dict[str, str] = {}
        for name, each in named.items():
            if each is not None and (other := owner.setdefault(self._spelled_out(each), name)) != name:
                yield f"feedback: {other} and {name} are both {named[other]!r}, expected two outputs"
        readers = {port.partition(":")[0] for port in self.ports}
        bare = [each for each in outputs if ":" not in str(each)]
        if bare and len(readers) != 1:
            yield f"feedback output {bare[0]!r}: expected 'reader:port', as the portal has {sorted(readers)}"


def _agree(portals: tuple[Portal, ...]) -> tuple[Portal, ...]:
    ids = [portal.id for portal in portals]
    for portal in portals:
        if ids.count(portal.id) > 1:
            raise ValueError(f"portal {portal.id!r} is defined twice, expected each id once")
        for neighbour in portal.neighbours:
            if neighbour not in ids:
                raise ValueError(
                    f"portal {portal.id!r}: neighbour {neighbour!r} is not a portal, expected one of {ids}"
                )
    _each_once("antenna", [(portal.id, port) for portal in portals for port in portal.ports])
    _each_once("beam", [(portal.id, port) for portal in portals for port in portal.beam_ports])
    return portals


def _each_once(what: str, named: Sequence[tuple[str, str]]) -> None:
    owner: dict[str, str] = {}
    for portal, port in named:
        if owner.setdefault(port, portal) != portal:
            raise ValueError(
                f"{what} {port!r} belongs to portals {owner[port]!r} and {portal!r}, expected one of them"
            )


Portals = Annotated[tuple[Portal, ...], AfterValidator(_agree)]
"""All portals of a gateway; contradictions between them are refused."""
