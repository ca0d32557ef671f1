"""Wishes from the cloud: a desired configuration in; applied, rejected, refused or rolled back out."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from contracts.gateway import REMOTE_SETTINGS, ConfigOutcome, DesiredConfig, ReportedConfig
from edge_agent.config.settings import Loaded, SettingsError, build
from edge_agent.outbox.beside import KeptFile

REMOTE_FILE: Final = "remote.json"
CLOUD: Final = "cloud"
"""Origin of what a wish set."""
_ANYTHING: Final = TypeAdapter(Any)

log = structlog.get_logger(__name__)


class Verdict(BaseModel):
    """What became of a wish."""

    model_config = ConfigDict(frozen=True)

    revision: int
    outcome: ConfigOutcome
    at: datetime
    errors: tuple[str, ...] = ()


class KeptConfig(BaseModel):
    """What the cloud last asked for, and how far it got."""

    model_config = ConfigDict(frozen=True)

    revision: int = 0
    """The highest that was ever seen."""
    running_revision: int = 0
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    state: Literal["confirmed", "on_trial"] = "confirmed"
    before: dict[str, JsonValue] = Field(default_factory=dict)
    """What to go back to."""
    before_revision: int = 0
    wished_sha256: str = ""
    """Of the last wish's settings: the same revision may come again, but not with others."""
    verdict: Verdict | None = None
    """On the last wish; kept, so that a report that got lost is given again."""


class RemoteConfig:
    """Keeps the wish in force in a file beside the outbox; a wish that never proved itself is undone.

    Whoever calls ``propose`` ends the trial with ``confirm`` or ``roll_back`` before the next one.
    """

    def __init__(self, path: Path, loaded: Loaded, *, now: datetime, is_looking: bool = False) -> None:
        """Read what is kept, undoing a trial that the last run did not finish, and what no longer fits.

        Args:
            path: The file; made when the first wish arrives.
            loaded: The settings of file and environment.
            now: The present.
            is_looking: Only look: undo nothing, the agent may be running.
        """
        self._file: Final = KeptFile(path, KeptConfig())
        self._base = dict(loaded.values)
        self._origins = dict(loaded.origins)
        self._began_at = now
        self._kept = _of_any_release(self._file.read(is_looking=is_looking))
        self.misfit = ""
        """Why the wish in force does not go with the base, when only looked at; nothing runs with it then."""
        if is_looking:
            self.misfit = self._misfit()
            return
        if self.is_on_trial:
            self.roll_back("the agent stopped before it was healthy with it", now=now)
        self._fit(now)

    @property
    def not_read(self) -> int:
        """1 if the file was damaged at the start, or could not be read."""
        return self._file.not_read

    @property
    def revision(self) -> int:
        """Of the wish that runs; 0 while there is none."""
        return self._kept.running_revision

    @property
    def is_on_trial(self) -> bool:
        """Whether a wish waits for the agent to prove healthy with it."""
        return self._kept.state == "on_trial"

    def effective(self) -> Loaded:
        """Merge the wish in force over the base.

        Returns:
            The settings to run with, and their origins.

        Raises:
            SettingsError: If the base was changed so that the two no longer fit.
        """
        if self.misfit:
            return Loaded(build(self._base, self._origins), self._base, self._origins)
        values = self._base | self._kept.settings
        origins = self._origins | dict.fromkeys(self._kept.settings, CLOUD)
        return Loaded(build(values, origins), values, origins)

    def last_report(self) -> ReportedConfig:
        """Say what became of the last wish, and what runs.

        Returns:
            The report; before the first wish it says that the gateway's own settings are applied.
        """
        verdict = self._kept.verdict or Verdict(
            revision=self._kept.revision, outcome=ConfigOutcome.APPLIED, at=self._began_at
        )
        return self.report(verdict)

    def report(self, verdict: Verdict) -> ReportedConfig:
        """Say a verdict and what runs.

        Args:
            verdict: On a wish.

        Returns:
            The report.
        """
        loaded = self.effective()
        running = {name: loaded.values[name] for name in sorted(REMOTE_SETTINGS & loaded.values.keys())}
        return ReportedConfig(
            revision=verdict.revision,
            outcome=verdict.outcome,
            reported_at=verdict.at,
            settings=_without_badges(_ANYTHING.dump_python(running, mode="json")),
            errors=verdict.errors,
            running_revision=self._kept.running_revision,
            origins={name: loaded.origins.get(name, "default") for name in running},
        )

    def propose(self, desired: DesiredConfig, *, now: datetime) -> Verdict | None:
        """Take a wish on trial.

        Args:
            desired: As received.
            now: The present.

        Returns:
            None if it is on trial now. Else what to report: that it is not valid, that its revision is not
            above the last one's, or, for the last one again, what became of that. Where the file cannot be
            written (OSError), nothing has changed.
        """
        wished_sha256 = hashlib.sha256(_ANYTHING.dump_json(desired.settings)).hexdigest()
        if desired.revision <= self._kept.revision:
            return self._repeated(desired, wished_sha256, now)
        verdict = None
        if foreign := sorted(set(desired.settings) - REMOTE_SETTINGS):
            verdict = _rejected(
                desired,
                f"{foreign[0]!r} cannot be set from the cloud: expected {sorted(REMOTE_SETTINGS)}",
                now,
            )
        else:
            try:
                build(self._base | desired.settings, dict.fromkeys(desired.settings, CLOUD))
            except SettingsError as error:
                verdict = _rejected(desired, str(error), now)
        changed: dict[str, object] = {
            "revision": desired.revision,
            "wished_sha256": wished_sha256,
            "verdict": verdict,
        }
        if verdict is None:
            changed |= {
                "settings": desired.settings,
                "running_revision": desired.revision,
                "state": "on_trial",
                "before": self._kept.settings,
                "before_revision": self._kept.running_revision,
            }
        self._write(self._kept.model_copy(update=changed))
        return verdict

    def confirm(self, *, now: datetime) -> Verdict:
        """Keep the wish on trial.

        Args:
            now: The present.

        Returns:
            What to report. Where the file cannot be written (OSError), the trial goes on.
        """
        verdict = Verdict(revision=self._kept.revision, outcome=ConfigOutcome.APPLIED, at=now)
        done: dict[str, object] = {"state": "confirmed", "before": {}, "before_revision": 0}
        self._write(self._kept.model_copy(update={**done, "verdict": verdict}))
        return verdict

    def roll_back(self, *why: str, now: datetime) -> Verdict:
        """Go back to what was in force before the trial.

        Args:
            *why: For the report.
            now: The present.

        Returns:
            What to report; also where the file cannot be written.
        """
        kept = self._kept
        verdict = Verdict(revision=kept.revision, outcome=ConfigOutcome.ROLLED_BACK, at=now, errors=why)
        back: dict[str, object] = {"settings": kept.before, "running_revision": kept.before_revision}
        done: dict[str, object] = {"state": "confirmed", "before": {}, "before_revision": 0}
        after = kept.model_copy(update={**back, **done, "verdict": verdict})
        try:
            self._write(after)
        except OSError as error:  # what lies there is a trial, which the next start undoes as well
            self._kept = after
            log.warning("config_not_stored", revision=kept.revision, detail=str(error))
        return verdict

    def _fit(self, now: datetime) -> None:
        """Give up a wish that the gateway's own settings, changed since, no longer go with."""
        if misfit := self._misfit():
            log.warning("config_no_longer_fits", revision=self.revision, detail=misfit)
            self._kept = self._kept.model_copy(update={"before": {}, "before_revision": 0})
            self.roll_back(f"it no longer fits the gateway's own settings: {misfit}", now=now)

    def _misfit(self) -> str:
        try:
            self.effective()
        except SettingsError as error:
            return str(error)
        return ""

    def _repeated(self, desired: DesiredConfig, wished_sha256: str, now: datetime) -> Verdict:
        kept, revision = self._kept, desired.revision
        is_last = revision == kept.revision
        if is_last and _is_of_old_release(kept) and kept.settings == desired.settings:
            return Verdict(revision=revision, outcome=ConfigOutcome.APPLIED, at=now)
        if is_last and kept.verdict is not None and kept.wished_sha256 in {"", wished_sha256}:
            return kept.verdict
        why = (
            f"revision {revision} was given before, with other settings"
            if is_last
            else f"revision {revision} is not above {kept.revision}, the last one seen here"
        )
        return Verdict(revision=revision, outcome=ConfigOutcome.REFUSED, at=now, errors=(why,))

    def _write(self, kept: KeptConfig) -> None:
        self._file.write(kept)
        self._kept = kept


def _is_of_old_release(kept: KeptConfig) -> bool:
    """Tell whether the release before wrote it, which kept neither verdict nor running revision."""
    return kept.verdict is None and not kept.wished_sha256


def _of_any_release(kept: KeptConfig) -> KeptConfig:
    if not (_is_of_old_release(kept) and kept.settings):
        return kept
    return kept.model_copy(update={"running_revision": kept.revision})


def _rejected(desired: DesiredConfig, why: str, now: datetime) -> Verdict:
    return Verdict(revision=desired.revision, outcome=ConfigOutcome.REJECTED, at=now, errors=(why,))


def _without_badges(settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Leave PIN hashes where they are."""
    shown = dict(settings)
    workflow = shown.get("workflow")
    if isinstance(workflow, dict):
        shown["workflow"] = {name: value for name, value in workflow.items() if name != "badges"}
    return shown
