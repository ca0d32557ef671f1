"""A site, a person with a badge, and scans that happen one second apart."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from contracts.base import EpochId, GatewayId
from contracts.offline import Badge
from contracts.records import Count, Movement, RowRef, UnitPosition, WorkflowEvent
from edge_agent.clock import Stamp
from edge_agent.decode.barcode import decode_barcode
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.engine import Engine, Outcome
from edge_agent.workflows.feedback import Feedback
from edge_agent.workflows.site import WorkflowSettings
from edge_agent.workflows.state import State

GLN = "9506000134352"
STARTED_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def badge(token: str, actor: str) -> Badge:
    return Badge(badge_sha256=hashlib.sha256(token.encode()).hexdigest(), actor=actor, roles=("operator",))


SITE = WorkflowSettings(
    gln=GLN,
    item_pattern=r"[0-9]{5}[A-Za-z]{0,2}",
    location_pattern=r"(?:LOC-)?(?P<code>[A-Z]-[0-9]{2}|STAGING|RETURNS)",
    staging="STAGING",
    returns="RETURNS",
    badges=(badge("ann", "ann"), badge("bob", "bob")),
)


@dataclass
class Bench:
    """Scans labels one after another, and gives committed records their identity at once."""

    engine: Engine
    state: State = field(default_factory=State)
    records: list[Movement | UnitPosition | Count | WorkflowEvent] = field(default_factory=list)
    elapsed: timedelta = timedelta()
    boot_id: str = "boot-1"

    def stamp(self) -> Stamp:
        at = STARTED_AT + self.elapsed
        return Stamp(at, int(self.elapsed.total_seconds() * 1e9), self.boot_id, clock_ok=True)

    def scan(self, *texts: str) -> Feedback:
        outcomes = [self.take(text) for text in texts]
        return outcomes[-1].feedback

    def take(self, text: str) -> Outcome:
        self.elapsed += timedelta(seconds=1)
        raw = text if text.startswith("]") else f"]C0{text}"
        outcome = self.engine.take(self.state, decode_barcode(raw), self.stamp())
        self.state = outcome.state
        self.commit(outcome.drafts)
        return outcome

    def commit(self, drafts: Iterable[Draft]) -> None:
        refs = {}
        for draft in drafts:
            self.records.append(draft.record)
            ref = RowRef(gateway=GatewayId("gw"), epoch=EpochId("0" * 16), seq=len(self.records))
            refs[id(draft.record)] = ref
        self.state = self.state.with_identities(refs)

    @property
    def movements(self) -> list[Movement]:
        return [record for record in self.records if isinstance(record, Movement)]

    @property
    def positions(self) -> list[UnitPosition]:
        return [record for record in self.records if isinstance(record, UnitPosition)]

    @property
    def counts(self) -> list[Count]:
        return [record for record in self.records if isinstance(record, Count)]

    @property
    def events(self) -> list[tuple[str, str, str | None]]:
        events = (record for record in self.records if isinstance(record, WorkflowEvent))
        return [(event.workflow, event.step, event.outcome) for event in events]

    @property
    def refusals(self) -> list[str | None]:
        return [outcome for _, step, outcome in self.events if step == "refused"]


@pytest.fixture
def bench() -> Bench:
    """A scanner whose user has logged in."""
    made = Bench(Engine("scanner-1", SITE))
    made.scan("$BADGE/ann")
    return made


@pytest.fixture(scope="session")
def new_bench() -> Callable[[], Bench]:
    """Makes scanners that nobody holds."""
    return lambda: Bench(Engine("scanner-1", SITE))
