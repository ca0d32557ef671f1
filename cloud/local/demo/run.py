"""The demonstration's course: start, scan and cross, watch, drain, compare, report, stop."""

import json
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Final

from cloud.db import DatabaseAwayError, LastingConnection
from cloud.local.demo import dock, items, stage
from cloud.local.demo.domain import judge
from cloud.local.demo.office import Desk
from cloud.local.demo.picture import Moment
from cloud.local.demo.report import Breach, Outcome
from cloud.local.demo.store import DemoStore
from cloud.local.process import Service, free_port, process_age_s, spawn, stop
from cloud.local.stack import Stack

DRAIN_S: Final = 10.0
"""Input stops so long before the end, for everything scanned to reach the ledger."""
PATIENCE_S: Final = 60.0
"""How long what was scanned or crossed may take to reach the ledger before it counts as missed."""
SETTLE_EVERY_S: Final = 5.0
"""How often somebody confirms receipts and departures of visits that are over."""
_TICK_S: Final = 0.2
_LOOK_S: Final = 1.0
_RATE_OVER: Final = timedelta(seconds=10)
Running = tuple[Service, "subprocess.Popen[bytes]"]


class DemoError(Exception):
    """The demonstration cannot go on; the message says what ended and where its log is."""


class Demo:
    """One demonstration on a stack that its maker starts and stops."""

    def __init__(self, stack: Stack, *, seed: int, show: Callable[[Moment], None]) -> None:
        """Lay out the gateways; nothing runs yet.

        Args:
            stack: Not started.
            seed: Which scanner begins, and what happens at the doors.
            show: Told how it goes, about once a second.
        """
        self._stack = stack
        self._seed = seed
        self._show = show
        self._gateways = stage.demo_gateways(stack.data_dir)
        self._doors = dock.dock_gateway(stack.data_dir)
        self._desk = Desk(stack, seed=seed)
        self._truth = stack.data_dir / "demo" / "truth.jsonl"
        self._scanned = stage.TruthTail(self._truth)
        self._since = datetime.now(UTC)
        self._has_doors = False
        self._doors_silent_at = self._since
        self._settled_s = 0.0
        self._looks: deque[tuple[float, int]] = deque(maxlen=10)
        self.seconds_to_ready = 0.0

    def start(self) -> dict[str, str]:
        """Start everything and wait until it is ready.

        Returns:
            The address to open, once, by whom.
        """
        self._truth.unlink(missing_ok=True)
        stage.errands(self._stack.data_dir).unlink(missing_ok=True)
        self._stack.start(any_port=True)
        settings = self._stack.settings
        stage.register(settings.needed("app_dsn"), [*self._gateways, self._doors])
        items.register(settings.needed("app_dsn"), self._stack.data_dir)
        for gateway in self._gateways:
            self._stack.supervisor.start(stage.agent(gateway, self._stack.data_dir, self._broker))
        source = LastingConnection(settings.needed("owner_dsn"), "dockledger-demo")
        scanning = [gateway.name for gateway in self._gateways]
        self._store = DemoStore(source, since=self._since, scanning=scanning, doors=[self._doors.name])
        while not self._gateways_are_heard():
            self._stack.tick()
            time.sleep(_TICK_S / 4)
        links = stage.login_links(settings.needed("app_dsn"), datetime.now(UTC))
        self.seconds_to_ready = process_age_s()
        return {name: self._stack.url + link for name, link in links.items()}

    def play(self, seconds: float | None) -> None:
        """Let people scan and goods cross, and look on, until the time is up or for ever.

        People stay until somebody has told them which bins to count: on a slow machine that is later.

        Args:
            seconds: How long, from when goods begin to move; None until interrupted.

        Raises:
            DemoError: If the people who scan, or the doors' readers, give up.
            DockError: If the ledger refuses the doors' papers.
            KeyboardInterrupt: When the process is asked to stop.
        """
        input_s = None if seconds is None else max(1.0, seconds - DRAIN_S)
        with ExitStack() as owned:
            owned.push(self._leave)
            running, begins_s = self._open_doors(input_s, owned)
            people = stage.scanning(
                self._gateways,
                self._stack.data_dir,
                truth=self._truth,
                seconds=input_s,
                seed=self._seed,
            )
            self._desk.begin()
            scanning = spawn(people)
            running.append((people, scanning))
            owned.callback(stop, scanning, people)
            began, asked = time.monotonic(), False
            while (
                seconds is None
                or time.monotonic() - max(began, begins_s) < seconds
                or scanning.poll() is None
            ):
                self._look(time.monotonic() - began)
                _require_going(running)
                is_over = input_s is not None and time.monotonic() - began >= input_s
                if is_over and self._desk.has_counted and not asked:
                    asked = True  # once: a process that ends by itself would die of the second signal
                    scanning.terminate()

    def finish(self) -> Outcome:
        """Wait for what was scanned and seen, then compare the ledger with the truth and verify it.

        Returns:
            What happened.

        Raises:
            DatabaseAwayError: If the database does not come back.
            DemoError: If the ledger cannot be verified.
            DockError: If the crossings cannot be judged.
        """
        failed = self._desk.wait(self._stack.tick)
        self._drain()
        judgement = judge(stage.read_truth(self._truth, self._gateways), self._store.movements())
        crossings = self._store.crossings()
        score = dock.CrossingScore()
        if self._has_doors:
            dock.settle(self._stack.settings.needed("app_dsn"), datetime.now(UTC))
            score = dock.score(self._doors, crossings, self._doors_silent_at)
        return Outcome(
            judgement=judgement,
            score=score,
            undecided=sum(line["direction"] == "undecided" for line in crossings),
            raw_reads=self._store.raw_reads(),
            moved_by_doors=self._store.moved_by_doors(),
            progress=self._store.progress(),
            decided=self._store.decided(),
            latency=self._store.latency(self._since),
            published=stage.events_kept(self._all_gateways, since=self._since),
            breaches=[*self._verify(), *([Breach("desk work", 1, failed)] if failed else [])],
            seconds_to_ready=self.seconds_to_ready,
            seed=self._seed,
            postgres=self._store.server_version(),
            broker=self._stack.broker_name,
        )

    @property
    def _broker(self) -> str:
        return self._stack.settings.needed("broker_url").rpartition("@")[2]

    @property
    def _all_gateways(self) -> list[stage.DemoGateway]:
        return [*self._gateways, self._doors] if self._has_doors else self._gateways

    def _gateways_are_heard(self) -> bool:
        """Tell whether every gateway's word has come through broker and ingest into the database."""
        names = [gateway.name for gateway in self._gateways]
        heard = {line.name for line in self._store.gateways(names) if line.presence == "online"}
        return heard == set(names)

    def _open_doors(self, input_s: float | None, owned: ExitStack) -> tuple[list[Running], float]:
        """Plan what happens at the doors, tell the ledger what to expect, and start readers and gateway.

        Returns:
            What runs, and when goods begin to move, by the monotonic clock.
        """
        readers = dock.world(self._doors, self._stack.data_dir, seed=self._seed, input_s=input_s)
        if readers is None:
            print(  # noqa: T201  for people
                f"No vehicle comes to the doors: what is left for goods to move is less than the"
                f" {dock.SHORTEST_S:g} s that one takes. A demonstration of 60 s or more has them.\n",
                flush=True,
            )
            return [], 0.0
        running = [(readers, spawn(readers))]
        owned.callback(self._close_doors)
        owned.callback(stop, running[0][1], readers)
        while (begins_at := dock.begins_at(self._doors)) is None:
            self._stack.tick()
            time.sleep(_TICK_S / 4)
            _require_going(running)
        dock.register(self._stack.settings.needed("app_dsn"), self._doors, datetime.now(UTC))
        page = free_port(0)
        self._stack.supervisor.start(dock.agent(self._doors, self._stack.data_dir, self._broker, page))
        print(f"The gateway of the doors shows itself at http://127.0.0.1:{page}/\n", flush=True)  # noqa: T201  for people
        self._has_doors = True
        return running, time.monotonic() + (begins_at - datetime.now(UTC)).total_seconds()

    def _close_doors(self) -> None:
        self._doors_silent_at = datetime.now(UTC)

    def _leave(self, kind: type[BaseException] | None, *_: object) -> None:
        """Cut the desk work short if the demonstration ends before its time."""
        if kind is not None:
            self._desk.cut_short()

    def _drain(self) -> None:
        """Wait until all that was scanned is in the ledger, and all that the doors may still decide."""
        patient_until = time.monotonic() + PATIENCE_S
        while time.monotonic() < patient_until:
            are_whole = not self._has_doors or self._store.are_doors_whole(self._doors_silent_at)
            if self._store.progress().movements >= self._scanned.count() and are_whole:
                return
            self._stack.tick()
            time.sleep(_TICK_S)

    def _look(self, seconds: float) -> None:
        """Look after the services for a second, then show how far everything is."""
        until = time.monotonic() + _LOOK_S
        while time.monotonic() < until:
            self._stack.tick()
            time.sleep(_TICK_S)
        try:
            if self._has_doors and time.monotonic() - self._settled_s >= SETTLE_EVERY_S:
                self._settled_s = time.monotonic()
                dock.settle(self._stack.settings.needed("app_dsn"), datetime.now(UTC))
            progress, decided = self._store.progress(), self._store.decided()
            latency = self._store.latency(datetime.now(UTC) - _RATE_OVER)
            gateways = self._store.gateways([gateway.name for gateway in self._all_gateways])
        except DatabaseAwayError:
            return
        self._looks.append((seconds, progress.movements))
        (since, before), (now, after) = self._looks[0], self._looks[-1]
        self._show(
            Moment(
                url=self._stack.url,
                seconds=seconds,
                scanned=self._scanned.count(),
                progress=progress,
                decided=decided,
                per_second=(after - before) / (now - since) if now > since else 0.0,
                latency=latency,
                gateways=gateways,
            )
        )

    def _verify(self) -> list[Breach]:
        """Run the command that users run; give what it found."""
        command = self._stack.command("verify", "--json")
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  our command
        if not done.stdout:
            raise DemoError(f"dockledger verify ended with status {done.returncode}: {done.stderr}")
        return [
            Breach(check["check"], check["breaches"], f"{check['promise']}: {check['first']}")
            for check in json.loads(done.stdout)["checks"]
            if check["breaches"]
        ]


def _require_going(running: Sequence[Running]) -> None:
    for service, process in running:
        if process.poll():
            raise DemoError(f"{service.name} gave up with status {process.returncode}: {service.log}")
