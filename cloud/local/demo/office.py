"""The demonstration's desk work, beside scanners and doors: demand, planning, counting, approving.

One thread does it step by step; its maker waits for it, or cuts it short.
"""

import os
import subprocess
from collections.abc import Callable, Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import Final, TypeVar

import structlog

from cloud.approvals.service import approve_and_apply
from cloud.db import Connection, LastingConnection, in_transaction
from cloud.decisions import reading as decisions
from cloud.decisions.domain import Decision, StaleDecisionError, State
from cloud.identity import service as identity
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.local.demo import sales
from cloud.local.demo.bins import Counter
from cloud.local.demo.stage import APPROVER, PERSON, SHELL, SITES, acting, errands, script
from cloud.local.home import private_directory
from cloud.local.stack import Stack
from cloud.replenishment import answers
from cloud.replenishment import reading as proposals
from contracts.base import SiteId

COUNTED_SITE: Final = SITES[-1]
"""Where somebody counts: all its gateways speak at once, so its counts are soon final."""
ADJUSTMENTS: Final = 2
"""How many of them the approver approves; the others wait for whoever looks on."""
APPEAR_S: Final = 30.0
"""How long adjustments of counts may take to be proposed."""
LOOK_S: Final = 0.5
NICENESS: Final = 10
"""What is scanned and seen meanwhile goes before what is planned."""
TICK_S: Final = 0.2
KEY_LIFE: Final = timedelta(days=1)

T = TypeVar("T")
log = structlog.get_logger()


class OfficeError(Exception):
    """Some desk work failed; the message holds what was said about it."""


class CutShortError(Exception):
    """Whoever waited for the desk work waits no longer."""


@dataclass(frozen=True, slots=True)
class Office:
    """What desk work needs."""

    stack: Stack
    """Started; its gateways are heard."""
    seed: int
    ends: Event
    has_counted: Event
    """Set once people know which bins to count."""

    def work(self) -> None:
        """Do everything, in order.

        Raises:
            OfficeError: If a command fails.
            CutShortError: If it was cut short.
            CountRefusedError: If the API refuses a count.
            DatabaseAwayError: If the database goes away.
        """
        source = LastingConnection(self.stack.settings.needed("app_dsn"), "dockledger-demo")
        try:
            shelves = self._sell_a_year()
            self._once(source, lambda conn: sales.fill(conn, shelves, datetime.now(UTC)))
            self._once(source, lambda conn: sales.set_up(conn, shelves))
            self._count(source, [shelf for shelf in shelves if shelf.site == COUNTED_SITE])
            self.has_counted.set()
            self._run(*self.stack.command("scheduler", "--once", "planning"))
            self._order(source)
            self._adjust(source)
        finally:
            source.close()
        log.info("office_done")

    def _sell_a_year(self) -> list[sales.Shelf]:
        """Import real sales as demand, which makes the items known."""
        place = private_directory(self.stack.data_dir / "demo")
        raw, given = place / "sales.csv", place / "demand.csv"
        self._run(script("warehouse-sim"), "pos-history", "--out", str(raw))
        shelves = sales.with_sites(raw, given)
        self._run(*self.stack.command("demand", "import", str(given), "--source", "till", "--new-items"))
        return shelves

    def _count(self, source: LastingConnection, shelves: Sequence[sales.Shelf]) -> None:
        grants = [Grant(Role.OPERATOR, SiteId(COUNTED_SITE))]
        key = self._once(
            source,
            lambda conn: identity.create_api_key(
                conn, SHELL, name="demo-counter", grants=grants, life=KEY_LIFE, now=datetime.now(UTC)
            ),
        )
        Counter(self.stack.url, key).count(
            shelves,
            seed=self.seed,
            scanner=SITES.index(COUNTED_SITE),
            errands=errands(self.stack.data_dir),
        )

    def _order(self, source: LastingConnection) -> None:
        """Accept the most urgent proposal, and let another person approve the purchase."""
        buyer, approver = acting(PERSON), acting(APPROVER)

        def accept(conn: Connection) -> int | None:
            listed = proposals.proposals(conn, buyer, site=SITES[0], states=["proposed"], limit=20)
            urgent = next((row for row in listed if row.kind == "order"), None)
            if urgent is None:
                return None
            now = datetime.now(UTC)
            return answers.accept(conn, buyer, urgent.proposal_id, answers.AcceptPaper(), now=now).decision_id

        decision_id = self._once(source, accept)
        if decision_id is not None:
            asked = self._once(source, lambda conn: decisions.find(conn, approver, decision_id))
            self._once(source, partial(self._approve, approver=approver, decision=asked))

    def _adjust(self, source: LastingConnection) -> None:
        """Approve some of what the counts made somebody ask for."""
        approver = acting(APPROVER)
        for _ in range(ADJUSTMENTS):
            waiting = self._appeared(source, approver)
            try:
                self._once(source, partial(self._approve, approver=approver, decision=waiting))
            except StaleDecisionError as error:  # late facts changed it while it was looked at
                log.info("office_looks_again", error=str(error))

    def _appeared(self, source: LastingConnection, approver: Actor) -> Decision | None:
        until = datetime.now(UTC) + timedelta(seconds=APPEAR_S)
        while datetime.now(UTC) < until:
            listed = self._once(
                source,
                lambda conn: decisions.waiting(
                    conn, approver, site=COUNTED_SITE, kind="count_adjustment", limit=1
                ),
            )
            if listed:
                return listed[0]
            self.ends.wait(LOOK_S)
        return None

    @staticmethod
    def _approve(conn: Connection, *, approver: Actor, decision: Decision | None) -> None:
        if decision is None or decision.state is not State.SUBMITTED:
            return
        note = "Looks right to me"
        done = approve_and_apply(conn, approver, decision.decision_id, decision.revision, note)
        log.info("office_approved", decision=decision.decision_id, state=done.state)

    def _once(self, source: LastingConnection, work: Callable[[Connection], T]) -> T:
        if self.ends.is_set():
            raise CutShortError
        return in_transaction(source, work)

    def _run(self, *command: str) -> None:
        """Run one of our own commands, after everything else that wants the processor."""
        if self.ends.is_set():
            raise CutShortError
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603  our command
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
            told, complaint = process.communicate()
        log.info("office_command", command=command[-3:], status=process.returncode, told=told[-1000:])
        if process.returncode:
            if self.ends.is_set():
                raise CutShortError
            raise OfficeError(
                f"{' '.join(command)} ended with status {process.returncode}: {complaint.strip()}"
            )


class Desk:
    """The thread that does the office's work; its maker begins it, and waits for it or cuts it short."""

    def __init__(self, stack: Stack, *, seed: int) -> None:
        """Do nothing yet.

        Args:
            stack: Started when the work begins.
            seed: Of what is found when somebody counts.
        """
        self._ends = Event()
        self._has_counted = Event()
        self._office = Office(stack, seed, self._ends, self._has_counted)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="office")
        self._work: Future[None] | None = None

    def begin(self) -> None:
        """Begin to work."""
        self._work = self._thread.submit(self._office.work)
        self._work.add_done_callback(lambda _: self._has_counted.set())

    @property
    def has_counted(self) -> bool:
        """Whether people know which bins to count, or nobody will tell them."""
        return self._has_counted.is_set()

    def cut_short(self) -> None:
        """Finish the present step and no more."""
        self._ends.set()

    def wait(self, tick: Callable[[], None]) -> str | None:
        """Wait until everything is done, or was cut short.

        Args:
            tick: Called meanwhile, a few times a second.

        Returns:
            What failed; None if nothing did.
        """
        while self._work is not None and not self._work.done():
            tick()
            futures.wait([self._work], timeout=TICK_S)
        self._thread.shutdown()
        failed = self._work.exception() if self._work else None
        if failed is None or self._ends.is_set():
            return None
        log.error("office_failed", exc_info=failed)
        return f"{type(failed).__name__}: {failed}"
