"""A dock played live: a plan on disk first, then readers on loopback that tell the world as it happens."""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from heapq import merge
from pathlib import Path
from typing import Any, Final, Self

from simulators.llrp_reader.models import GENERIC, IMPINJ
from simulators.llrp_reader.server import LlrpReaderServer
from simulators.warehouse.dock.beams import BeamChange, beam_changes
from simulators.warehouse.dock.doors import Door
from simulators.warehouse.dock.inventory import HOP_S, Inventory, Round
from simulators.warehouse.dock.papers import write_papers
from simulators.warehouse.dock.recording import inventories, observations
from simulators.warehouse.dock.world import World, chunks, plan_live

PLAN: Final = "plan.json"
READERS: Final = "readers.json"
LIVE_SLOT_S: Final = 0.004
"""At most 250 reads a second and reader, so that a small machine keeps up with everything else."""
LATEST_S: Final = 5.0
"""So long after its first second a world may still be begun: nothing moves before."""
_HOST: Final = "127.0.0.1"
_MICRO: Final = 1_000_000


class PlanError(ValueError):
    """A plan is absent, damaged or too old to be played."""


@dataclass(frozen=True)
class ReaderPlan:
    """Where a reader will listen."""

    portal: str
    host: str
    port: int
    profile: str
    """Of the gateway: a shipped reader profile."""


@dataclass(frozen=True)
class LivePlan:
    """Everything that makes a live world again, as plan.json keeps it; readers.json repeats the readers."""

    seed: int
    seconds: float
    doors: int
    start_at: datetime
    site: str
    gateway: str
    readers: dict[str, ReaderPlan]
    """By reader id."""

    @classmethod
    def make(
        cls, seed: int, seconds: float, doors: int, start_at: datetime, *, site: str, gateway: str
    ) -> Self:
        """Choose free ports.

        Args:
            seed: Of the world.
            seconds: Its length.
            doors: Number of doors.
            start_at: The world's second 0.
            site: Id of the site.
            gateway: Id of the gateway.

        Returns:
            A plan.
        """
        fronts = plan_live(seed, seconds, doors, start_at).doors
        ports = _free_ports(len(fronts))
        readers = {
            door.reader: ReaderPlan(
                door.portal, _HOST, port, "impinj_r700" if _has_phase(door) else "generic_llrp"
            )
            for door, port in zip(fronts, ports, strict=True)
        }
        return cls(seed, seconds, doors, start_at, site, gateway, readers)

    @property
    def world(self) -> World:
        """What will happen."""
        return plan_live(self.seed, self.seconds, self.doors, self.start_at)

    def write(self, directory: Path) -> None:
        """Write the world's papers, readers.json for whoever configures the gateway, and plan.json last.

        Args:
            directory: Made if absent.
        """
        write_papers(self.world, directory, self.start_at, site=self.site, gateway=self.gateway)
        fields = asdict(self) | {"start_at": self.start_at.isoformat()}
        for name, content in ((READERS, fields["readers"]), (PLAN, fields)):
            unfinished = directory / f"{name}.new"
            unfinished.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
            unfinished.replace(directory / name)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read what ``write`` wrote.

        Args:
            directory: Where.

        Returns:
            The plan.

        Raises:
            PlanError: If it is absent or damaged.
        """
        path = directory / PLAN
        try:
            fields: dict[str, Any] = json.loads(path.read_text("utf-8"))
            readers = {reader: ReaderPlan(**each) for reader, each in fields.pop("readers").items()}
            start_at = datetime.fromisoformat(fields.pop("start_at"))
            return cls(**fields, start_at=start_at, readers=readers)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise PlanError(
                f"{path}: expected a plan of `warehouse-sim dock --only-plan`: {error}"
            ) from error


@dataclass(frozen=True, order=True)
class _Moment:
    """Something that a reader says at an instant."""

    at_s: float
    act: Callable[[], None] = field(compare=False)


@dataclass
class Played:
    """What came of it."""

    crossings: int = 0
    reads: int = 0
    reported: int = 0
    """Tag reports handed to gateways."""
    unheard: int = 0
    """Reads while no gateway listened."""
    is_whole: bool = False
    """Whether the world came to its end."""


def play(plan: LivePlan, stopped: threading.Event, tell: Callable[[str], None]) -> Played:
    """Serve readers until the world has ended or somebody stops it.

    Args:
        plan: What, where and when.
        stopped: Set it to stop.
        tell: Gets a line of progress every few seconds.

    Returns:
        The figures.

    Raises:
        PlanError: If the world began too long ago.
        OSError: If a port is taken.
    """
    late_s = time.time() - plan.start_at.timestamp()
    if late_s > LATEST_S:
        raise PlanError(
            f"the plan starts at {plan.start_at.isoformat()}, {late_s:.1f} s ago: "
            f"expected at most {LATEST_S:.0f} s"
        )
    servers = {
        reader: LlrpReaderServer(
            (each.host, each.port), model=IMPINJ if each.profile.startswith("impinj") else GENERIC
        )
        for reader, each in plan.readers.items()
    }
    stage = _Stage(plan, servers)
    try:
        for server in servers.values():
            server.start()
        tell(f"{len(servers)} readers listen; goods move from {plan.start_at.isoformat()}")
        stage.played.is_whole = stage.run(stopped, tell)
    finally:
        for server in servers.values():
            server.stop()
    stage.played.reported = sum(server.reported_tags for server in servers.values())
    stage.played.unheard = sum(server.unheard_tags for server in servers.values())
    return stage.played


class _Stage:
    """Lets readers say what they read when it is time."""

    def __init__(self, plan: LivePlan, servers: dict[str, LlrpReaderServer]) -> None:
        self._world = plan.world
        self._start_s = plan.start_at.timestamp()
        self._servers = servers
        self.played = Played()

    def run(self, stopped: threading.Event, tell: Callable[[str], None]) -> bool:
        """Play to the end; False if stopped before."""
        readers = inventories(self._world, slot_s=LIVE_SLOT_S)
        crossings = deque(seen.at_s or 0.0 for seen in self._world.crossings)
        count, told_s = len(crossings), 0.0
        for moment in merge(*(self._moments(door, readers[door]) for door in self._world.doors)):
            if stopped.wait(self._until(moment.at_s)):
                return False
            moment.act()
            while crossings and crossings[0] <= moment.at_s:
                crossings.popleft()
                self.played.crossings += 1
            if moment.at_s - told_s >= LATEST_S:
                told_s = moment.at_s
                reads = self.played.reads
                tell(f"{told_s:5.0f} s: {self.played.crossings} of {count} crossings, {reads} reads")
        self.played.crossings += len(crossings)
        return not stopped.wait(self._until(self._world.end_s))

    def _until(self, world_s: float) -> float:
        return max(0.0, self._start_s + world_s - time.time())

    def _moments(self, door: Door, inventory: Inventory) -> Iterator[_Moment]:
        """Tell what one reader does, computed a hop of its channel ahead."""
        server = self._servers[door.reader]
        start_us = round(self._start_s * _MICRO)
        beams = deque(beam_changes(door, self._world.loads))
        for begin_s, end_s in chunks(self._world, HOP_S):
            for found in inventory.during(begin_s, end_s):
                while beams and beams[0].at_s <= found.end_s:
                    yield _beam(server, beams.popleft())
                yield self._report(server, found, start_us)
            while beams and beams[0].at_s < end_s:
                yield _beam(server, beams.popleft())

    def _report(self, server: LlrpReaderServer, found: Round, start_us: int) -> _Moment:
        told = observations(found, start_us)

        def act() -> None:
            self.played.reads += len(told)
            server.report(told)

        return _Moment(found.end_s, act)


def _beam(server: LlrpReaderServer, change: BeamChange) -> _Moment:
    return _Moment(change.at_s, lambda: server.gpi(change.port, is_high=change.is_broken))


def _has_phase(door: Door) -> bool:
    return door.number % 2 == 1


def _free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on, all at once so that they differ."""
    sockets = [socket.create_server((_HOST, 0)) for _ in range(count)]
    try:
        return [int(listener.getsockname()[1]) for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()
