"""Wishes from the cloud: a desired configuration in; applied, rejected or rolled back out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from contracts.gateway import ConfigOutcome, DesiredConfig
from edge_agent.config.settings import AgentSettings, SettingsError, build

REMOTE: Final = frozenset({"workflow", "scanner", "reader", "portal", "tags", "drain_rows_per_s"})
"""What the cloud may set. Identity, broker and outbox belong to whoever stands before the machine."""


class KeptConfig(BaseModel):
    """What the cloud last asked for, and how far it got."""

    model_config = ConfigDict(frozen=True)

    revision: int = 0
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    state: Literal["confirmed", "on_trial"] = "confirmed"
    before: dict[str, JsonValue] = Field(default_factory=dict)
    """What to go back to."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a wish."""

    revision: int
    outcome: ConfigOutcome
    errors: tuple[str, ...] = ()


class RemoteConfig:
    """Keeps the wish in force in a file beside the outbox; a wish that never proved itself is undone."""

    def __init__(self, path: Path, base: Mapping[str, object]) -> None:
        """Read what is kept, undoing a trial that the last run did not finish.

        Args:
            path: The file; made when the first wish arrives.
            base: The settings of file and environment, by name.
        """
        self._path = path
        self._base = dict(base)
        self._kept = self._read()
        self.unreported: Verdict | None = None
        if self._kept.state == "on_trial":
            self.unreported = self.roll_back("the agent stopped before it was healthy")

    @property
    def revision(self) -> int:
        """The last wish's revision; only higher ones are taken."""
        return self._kept.revision

    @property
    def values(self) -> dict[str, JsonValue]:
        """What is set from the cloud."""
        return self._kept.settings

    def effective(self) -> AgentSettings:
        """Merge the wish in force over the base.

        Returns:
            The settings to run with.

        Raises:
            SettingsError: If the base was changed so that the two no longer fit.
        """
        return build(self._base | self._kept.settings, dict.fromkeys(self._kept.settings, "cloud"))

    def propose(self, desired: DesiredConfig) -> Verdict | None:
        """Take a wish on trial.

        Args:
            desired: As received.

        Returns:
            None if it is on trial now (call ``confirm`` or ``roll_back`` later), or if it is not newer than
            the last one; a rejection otherwise.
        """
        if desired.revision <= self._kept.revision:
            return None
        foreign = sorted(set(desired.settings) - REMOTE)
        if foreign:
            return self._reject(
                desired, f"{foreign[0]!r} cannot be set from the cloud: expected {sorted(REMOTE)}"
            )
        try:
            build(self._base | desired.settings, dict.fromkeys(desired.settings, "cloud"))
        except SettingsError as error:
            return self._reject(desired, str(error))
        self._write(
            KeptConfig(
                revision=desired.revision,
                settings=desired.settings,
                state="on_trial",
                before=self._kept.settings,
            )
        )
        return None

    @property
    def is_on_trial(self) -> bool:
        """Whether a wish waits for the agent to prove healthy with it."""
        return self._kept.state == "on_trial"

    def confirm(self) -> Verdict:
        """Keep the wish on trial.

        Returns:
            What to report.
        """
        self._write(KeptConfig(revision=self._kept.revision, settings=self._kept.settings))
        return Verdict(self._kept.revision, ConfigOutcome.APPLIED)

    def roll_back(self, why: str) -> Verdict:
        """Go back to what was in force before the trial.

        Args:
            why: For the report.

        Returns:
            What to report.
        """
        self._write(KeptConfig(revision=self._kept.revision, settings=self._kept.before))
        return Verdict(self._kept.revision, ConfigOutcome.ROLLED_BACK, (why,))

    def _reject(self, desired: DesiredConfig, why: str) -> Verdict:
        self._write(KeptConfig(revision=desired.revision, settings=self._kept.settings))
        return Verdict(desired.revision, ConfigOutcome.REJECTED, (why,))

    def _read(self) -> KeptConfig:
        try:
            return KeptConfig.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return KeptConfig()
        except ValidationError:
            self._path.replace(self._path.with_name(self._path.name + ".damaged"))
            return KeptConfig()

    def _write(self, kept: KeptConfig) -> None:
        draft = self._path.with_name(self._path.name + ".new")
        with draft.open("wb") as file:
            file.write(kept.model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        self._kept = kept
