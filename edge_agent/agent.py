"""The agent: composes clock, outbox, publisher and scanners, and keeps house until it is told to stop."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Final

import structlog

from contracts.gateway import ClockHealth, Health
from contracts.records import RowRef
from contracts.topics import Channel
from contracts.vocabulary import VIRTUAL_PREFIX
from edge_agent.certificates.keeper import CertificateKeeper
from edge_agent.clock import Clock
from edge_agent.config.remote import REMOTE_FILE, RemoteConfig
from edge_agent.config.settings import AgentSettings, Loaded, ScannerSettings, shown
from edge_agent.config.trial import Vitals
from edge_agent.config.wishes import Surroundings, Wishes
from edge_agent.coverage import Coverage
from edge_agent.doors.visits import from_us
from edge_agent.floor import Floor
from edge_agent.health import describe_gateway, describe_scanner
from edge_agent.labels.desk import LabelDesk
from edge_agent.labels.logbook import LOGBOOK_FILE, Logbook
from edge_agent.labels.queues import PrintQueues
from edge_agent.outbox.domain import OutboxStats
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.errors import OutboxError
from edge_agent.outbox.journal import OutboxJournal
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from edge_agent.page.server import PageServer, PageUnavailableError
from edge_agent.page.status import ConfigStatus, DiskStatus, PageStatus, SettingStatus
from edge_agent.publish.options import PublishOptions
from edge_agent.publish.service import Publisher
from edge_agent.readers.line import LineState
from edge_agent.readers.profile import load_profile
from edge_agent.readers.serial_port import SerialScanner
from edge_agent.supervisor import Recipe, Supervisor
from edge_agent.time_server import TimeServer
from edge_agent.ways import broker_of, ledger_of
from edge_agent.workflows.engine import Engine
from edge_agent.workflows.positions import UnitPositions
from edge_agent.workflows.reference import REFERENCE_FILE, ReferenceBook
from edge_agent.workflows.session import Session
from edge_agent.workflows.tasks import TASKS_FILE, TaskBoard

HOUSEKEEPING_S: Final = 1.0
ALIVE_EVERY: Final = timedelta(seconds=30)
"""How often the agent notes that it runs: the precision of a gap by power cut."""
_ALIVE: Final = "@agent"
_MB: Final = 1024 * 1024

log = structlog.get_logger(__name__)


class Agent:
    """One gateway, running."""

    def __init__(self, loaded: Loaded) -> None:
        """Open the outbox and prepare everything else; nothing is connected before ``run``.

        Args:
            loaded: The settings with what they were made of.

        Raises:
            OutboxError: If the outbox cannot be opened.
        """
        base = loaded.settings
        self._clock = Clock(is_synchronised=(lambda: True) if base.clock == "assumed" else None)
        self._remote = RemoteConfig(base.outbox.with_name(REMOTE_FILE), loaded, now=self._clock.now().at)
        self._settings = self._remote.effective().settings
        self._coverage = Coverage(base.gateway)
        self._time_server = TimeServer(base.time_server) if base.time_server else None
        self._started_s = time.monotonic()
        self._alive_noted_at: datetime | None = None
        self._positions, self._by_hand = UnitPositions(), UnitPositions(only_by_hand=True)
        self._tasks = TaskBoard(base.outbox.with_name(TASKS_FILE), base.site, base.gateway)
        self._labels, self._logbook = LabelDesk(base.outbox, base.site, base.printer), Logbook(base.outbox)
        self._reference = ReferenceBook(base.outbox.with_name(REFERENCE_FILE), base.site)
        self._prints = PrintQueues(self._labels)
        self._journal = OutboxJournal(self._note_stored)
        self._tallies: dict[str, Counter[str]] = {}
        self._version = version("dockledger")
        agent = f"dockledger-edge {self._version}"
        self._floor = Floor(
            self._settings, self._journal, self._clock, self._by_hand.location_of, self._is_in_stock
        )
        quota_mb = base.outbox_quota_mb
        self._outbox = Outbox(
            OutboxOptions(base.outbox, base.site, base.gateway, agent, quota_mb * _MB if quota_mb else None),
            self._clock,
            undecided_since=self._undecided_since,
        )
        self._publisher = Publisher(
            self._outbox,
            self._clock,
            PublishOptions(
                base.site,
                base.gateway,
                agent,
                broker_of(base),
                drain_rows_per_s=self._settings.drain_rows_per_s,
                ledger=ledger_of(base),
                detour_after_s=base.https_after_s,
            ),
            health=self._health,
            on_message=self._take_message,
            config_revision=lambda: self._remote.revision,
        )
        self._certificate = None
        if base.broker_certificate is not None:
            self._certificate = CertificateKeeper(
                base.broker_certificate,
                base.gateway,
                renew_link=self._publisher.renew,
                is_renewed_by_cloud=base.certificate_renewal == "cloud",
            )
        self._journal.attach(self._outbox, self._publisher.notify)
        around = Surroundings(self._vitals, self._apply, self._publisher.report)
        self._wishes = Wishes(self._remote, self._clock, around, within_s=base.config_trial_s)
        self._scanners: Supervisor[SerialScanner] = Supervisor(
            lambda scanner: scanner.counters.state is LineState.FAILED
        )
        self._page = PageServer(base.page_port, self._page_status) if base.page_port else None

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; then stop every thread and leave everything durable.

        Args:
            stop: Set from a signal handler, or by whoever notices that a thread died.
        """
        self._record_absence()
        self._publisher.start()
        self._scanners.start()
        self._scanners.replace_all(self._recipes(self._settings))
        self._floor.start()
        if self._time_server is not None:
            self._time_server.start()
        self._open_page()
        log.info("agent_started", site=self._settings.site, gateway=self._settings.gateway)
        try:
            while not stop.wait(HOUSEKEEPING_S):
                self._keep_house()
        finally:
            if self._page is not None:
                self._page.stop()
            if self._time_server is not None:
                self._time_server.stop()
            self._prints.stop()
            self._scanners.stop()
            self._note_alive()
            self._floor.stop()
            self._publisher.stop()
            self._outbox.close()
            log.info("agent_stopped", site=self._settings.site, gateway=self._settings.gateway)

    def _note_stored(self, drafts: Sequence[Draft], refs: Sequence[RowRef]) -> None:
        self._positions.note(drafts)
        self._by_hand.note(drafts)
        self._tasks.note(drafts, refs)

    def _is_in_stock(self, unit: str) -> bool:
        if not self._positions.is_heard_of(unit):
            return self._reference.is_in_stock(unit)
        place = self._positions.location_of(unit)
        return place is not None and not place.startswith(VIRTUAL_PREFIX)

    def _recipes(self, settings: AgentSettings) -> Mapping[str, Recipe[SerialScanner]]:
        return {
            each.id: Recipe((each, settings.workflow), partial(self._make_scanner, each, settings))
            for each in settings.scanner
        }

    def _make_scanner(self, scanner: ScannerSettings, settings: AgentSettings) -> SerialScanner:
        profile = load_profile(scanner.profile)
        if settings.workflow is None:
            raise OutboxError("settings with scanners have a workflow")
        tally = self._tallies.setdefault(scanner.id, Counter())
        engine = Engine(
            scanner.id,
            settings.workflow,
            self._positions.location_of,
            self._tasks.offered,
            self._labels,
            self._reference,
            self._reference.lots_of,
        )
        session = Session(
            engine,
            profile,
            self._journal,
            self._clock,
            tally,
            hold=self._tasks.hold,
            printers=self._prints,
        )
        return SerialScanner(scanner.id, scanner.port, profile, session)

    def _keep_house(self) -> None:
        now = self._clock.now()
        drafts = self._coverage.observe(
            now,
            is_open={each.id: each.counters.state is LineState.OPEN for each in self._scanners.members()},
            is_full=self._outbox.is_full,
            clock_gaps=self._clock.take_gaps(),
            readers=self._floor.presence(),
        )
        for reader, (first_us, last_us) in self._floor.late.take_spans().items():
            drafts.append(self._coverage.was_late(reader, from_us(first_us), from_us(last_us), now))
        if drafts:
            self._record(drafts)
        if self._alive_noted_at is None or abs(now.at - self._alive_noted_at) >= ALIVE_EVERY:
            self._note_alive()
        self._record_prints()
        if self._certificate is not None:
            connects = self._publisher.counted().get("connects", 0)
            self._certificate.step(now.at, connects=connects, is_connected=self._publisher.way == "mqtt")
        self._floor.assignments.store()
        self._tasks.store()
        self._reference.store()
        self._wishes.step()

    def _record_prints(self) -> None:
        if self._logbook.is_blank:
            return
        recorded = self._outbox.recall(LOGBOOK_FILE)
        noted = self._logbook.waiting(None if recorded is None else recorded.decode())
        if noted is not None and self._store(noted.drafts, (LOGBOOK_FILE, noted.last.encode())):
            self._logbook.forget(noted.last)
            self._publisher.notify()

    def _record_absence(self) -> None:
        noted = self._outbox.recall(_ALIVE)
        if noted is not None:
            self._record([self._coverage.was_down(datetime.fromisoformat(noted.decode()), self._clock.now())])
        self._note_alive()

    def _note_alive(self) -> bool:
        now = self._clock.now()
        self._alive_noted_at = now.at
        undecided_since = self._undecided_since()
        safe_until = now.at if undecided_since is None else min(now.at, undecided_since)
        return self._store([], (_ALIVE, safe_until.isoformat().encode()))

    def _record(self, drafts: Sequence[Draft]) -> None:
        self._store(drafts, None)
        self._publisher.notify()

    def _store(self, drafts: Sequence[Draft], memory: tuple[str, bytes] | None) -> bool:
        try:
            self._outbox.append(drafts, memory)
        except OutboxError as error:
            log.error("own_record_not_stored", records=len(drafts), detail=str(error))  # noqa: TRY400  no bug of ours to trace
            return False
        return True

    def _undecided_since(self) -> datetime | None:
        times = (self._journal.undecided_since(), self._floor.undecided_since())
        return min((at for at in times if at is not None), default=None)

    def _take_message(self, channel: Channel, payload: bytes) -> None:
        if channel is Channel.ASSIGNMENT:
            self._floor.assignments.take(payload)
        if channel is Channel.TASK:
            self._tasks.take(payload)
        if channel is Channel.REFERENCE:
            self._labels.take(payload)
            self._reference.take(payload)
        if channel is Channel.CERTIFICATE and self._certificate is not None:
            self._certificate.take(payload, self._clock.now().at)
        if channel is Channel.CONFIG_DESIRED:
            self._wishes.take(payload)

    def _apply(self) -> None:
        self._settings = self._remote.effective().settings
        self._publisher.drain_at(self._settings.drain_rows_per_s)
        self._scanners.replace_all(self._recipes(self._settings))
        lost_since = self._floor.apply(self._settings)
        if lost_since is not None:
            self._record([self._coverage.was_down(lost_since, self._clock.now())])

    def _vitals(self) -> Vitals:
        scanners = {
            each.id: None if each.counters.state is LineState.OPEN else f"its line is {each.counters.state}"
            for each in self._scanners.members()
        }
        return Vitals(
            devices=scanners | self._floor.connected(),
            is_outbox_writable=self._note_alive(),
            is_broker_reachable=self._publisher.way is not None,
        )

    def _health(self, stats: OutboxStats) -> Health:
        now = self._clock.now()
        counted = Counter(self._publisher.counted())
        counted.update(self._floor.counters())
        counted.update(self._wishes.counters)
        counted.update(self._labels.counters() | self._labels.misuses())
        if self._certificate is not None:
            counted.update(self._certificate.counters)
        counted["config_not_read"] = self._remote.not_read
        counted["tasks_refused"] = self._tasks.refused
        counted["tasks_unreadable"] = self._tasks.unreadable
        counted["tasks_not_read"] = self._tasks.not_read
        counted["tasks_not_stored"] = self._tasks.not_stored
        counted.setdefault(
            "reference_revision", self._reference.revision
        )  # of the shelf, where labels are printed
        counted["reference_not_read"] = self._reference.not_read
        counted["reference_not_stored"] = self._reference.not_stored
        counted["references_refused"] = self._reference.refused  # of the message that labels take too
        counted["references_unreadable"] = self._reference.unreadable
        counted["reader_restarts"] += self._scanners.restarts()
        for tally in list(self._tallies.values()):
            counted.update(dict(tally))
        for scanner in self._scanners.members():
            counted.update(scanner.counters.oddities())
        return describe_gateway(
            site=self._settings.site,
            gateway=self._settings.gateway,
            now=now.at,
            uptime_s=time.monotonic() - self._started_s,
            stats=stats,
            clock=ClockHealth(
                ok=now.clock_ok,
                offset_s=None if self._time_server is None else self._time_server.offset_s,
                steps=self._clock.steps,
            ),
            is_on_detour=self._publisher.is_on_detour,
            readers=[*(describe_scanner(each) for each in self._scanners.members()), *self._floor.health()],
            counters=dict(counted),
            certificate=None if self._certificate is None else self._certificate.health(),
        )

    def _open_page(self) -> None:
        if self._page is None:
            return
        try:
            self._page.start()
        except PageUnavailableError as error:
            log.error("page_not_open", detail=str(error))  # noqa: TRY400  no traceback needed
            self._page = None

    def _page_status(self) -> PageStatus:
        return PageStatus(
            version=self._version,
            health=self._health(self._outbox.stats()),
            way=self._publisher.way,
            antennas=self._floor.antennas(),
            zones=self._floor.zones(),
            crossings=self._floor.crossings(),
            notes=self._floor.notes(),
            visits=self._floor.progress(),
            config=self._config_status(),
            disk=DiskStatus(*shutil.disk_usage(self._settings.outbox.absolute().parent)[::2]),
        )

    def _config_status(self) -> ConfigStatus:
        loaded, last = self._remote.effective(), self._remote.last_report()
        return ConfigStatus(
            running_revision=self._remote.revision,
            last_revision=last.revision,
            outcome=last.outcome,
            errors=last.errors,
            settings=tuple(SettingStatus(*each) for each in shown(loaded)),
        )
