"""The cloud's wishes, one after another: tried, judged, kept or undone, and reported until it is heard."""

import queue
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import ValidationError

from contracts.gateway import DesiredConfig, ReportedConfig
from edge_agent.clock import Clock
from edge_agent.config.remote import RemoteConfig, Verdict
from edge_agent.config.trial import Trial, Vitals

WAITING: Final = 8
SETTLED_AFTER_S: Final = 15.0
"""Readers have so long after the agent's start to connect before a wish is compared with how they were."""

STORE_AGAIN_S: Final = 10.0
"""After so long a wish that the disk did not take is tried again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a trial needs of the agent."""

    vitals: Callable[[], Vitals]
    apply: Callable[[], None]
    """Makes the agent run with ``RemoteConfig.effective``."""
    report: Callable[[ReportedConfig], bool]
    """Publishes; False while there is no connection."""


class Wishes:
    """Takes wishes from any thread; everything else happens in ``step``, on one."""

    def __init__(self, remote: RemoteConfig, clock: Clock, around: Surroundings, *, within_s: float) -> None:
        """Prepare; the report of what runs goes out with the first connection.

        Args:
            remote: What is kept.
            clock: The gateway's clock.
            around: The agent.
            within_s: So long a wish has to prove itself.
        """
        self._remote = remote
        self._clock = clock
        self._around = around
        self._within_s = within_s
        self._began_s = time.monotonic()
        self._waiting: queue.Queue[bytes] = queue.Queue(WAITING)
        self._put_off: bytes | None = None
        self._not_before_s = self._began_s
        self._trial: Trial | None = None
        self._unreported: ReportedConfig | None = remote.last_report()
        self.counters: Counter[str] = Counter()

    def take(self, payload: bytes) -> None:
        """Put a wish in line.

        Args:
            payload: As it came.
        """
        try:
            self._waiting.put_nowait(payload)
        except queue.Full:
            self.counters["config_dropped"] += 1
            log.warning("config_wish_dropped", waiting=self._waiting.qsize())

    def step(self) -> None:
        """Judge the wish on trial or try the next one, and report what is not reported yet."""
        now_s = time.monotonic()
        if self._trial is not None:
            self._judge(self._trial, now_s)
        elif self._has_next(now_s) and self._is_settled(now_s):
            payload, self._put_off = self._put_off or self._waiting.get_nowait(), None
            self._try(payload, now_s)
        if self._unreported is not None and self._around.report(self._unreported):
            self._unreported = None

    def _has_next(self, now_s: float) -> bool:
        return now_s >= self._not_before_s and (self._put_off is not None or not self._waiting.empty())

    def _is_settled(self, now_s: float) -> bool:
        is_long_here = now_s - self._began_s >= SETTLED_AFTER_S
        return is_long_here or not any(self._around.vitals().devices.values())

    def _try(self, payload: bytes, now_s: float) -> None:
        try:
            desired = DesiredConfig.model_validate_json(payload)
        except ValidationError as error:
            self.counters["config_unreadable"] += 1
            log.warning("config_wish_unreadable", detail=str(error))
            return
        before = self._around.vitals()
        try:
            verdict = self._remote.propose(desired, now=self._clock.now().at)
        except OSError as error:
            self._put_off, self._not_before_s = payload, now_s + STORE_AGAIN_S
            self._note_not_stored(desired.revision, error)
            return
        if verdict is not None:
            self._decide(verdict)
            return
        log.info("config_on_trial", revision=desired.revision, within_s=self._within_s)
        self._trial = Trial(before, now_s=now_s, within_s=self._within_s)
        self._around.apply()

    def _judge(self, trial: Trial, now_s: float) -> None:
        wrong = trial.judge(self._around.vitals(), now_s=now_s)
        if wrong is None:
            return
        now_at = self._clock.now().at
        if wrong:
            verdict = self._remote.roll_back(*wrong, now=now_at)
            self._around.apply()
        else:
            try:
                verdict = self._remote.confirm(now=now_at)
            except OSError as error:  # the trial goes on: the next look tries again
                self._note_not_stored(self._remote.revision, error)
                return
        self._trial = None
        self._decide(verdict)

    def _note_not_stored(self, revision: int, error: OSError) -> None:
        self.counters["config_not_stored"] += 1
        log.warning("config_not_stored", revision=revision, detail=str(error))

    def _decide(self, verdict: Verdict) -> None:
        self.counters[f"config_{verdict.outcome}"] += 1
        self._unreported = self._remote.report(verdict)
        log.info(
            "config_decided", revision=verdict.revision, outcome=verdict.outcome, errors=list(verdict.errors)
        )
