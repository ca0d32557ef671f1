"""The demonstration's dock doors: a planned world, its papers, its gateway, and the judgement."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from cloud.db import Connection, LastingConnection, in_transaction
from cloud.documents import service as documents
from cloud.documents import visits
from cloud.documents.domain import DocumentError
from cloud.documents.import_file import ImportFileError, read_import
from cloud.identity.actor import Actor, Role
from cloud.local.accounts import admit
from cloud.local.demo.stage import DemoGateway, script, toml
from cloud.local.home import private_directory, write_private
from cloud.local.process import Service

SITE: Final = "leeds"
GATEWAY: Final = "leeds-dock"
SHORTEST_S: Final = 30.0
"""A demonstration that lets goods move for less than this has no doors: no vehicle would be done."""
ENDLESS_S: Final = 3600.0
"""How long vehicles come and go where no end is set."""
PLAN: Final = "plan.json"
"""The last file that is written of a plan."""
T = TypeVar("T")

KEEPER: Final = Actor("system:demo", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)


class DockError(Exception):
    """The doors' papers are refused, or what came of them cannot be judged; the message says why."""


@dataclass(frozen=True, slots=True)
class CrossingScore:
    """What came of the units that really crossed, in topmost units."""

    truth: int = 0
    right: int = 0
    wrong: int = 0
    false_movements: int = 0
    held: int = 0
    missed: int = 0


def dock_gateway(data_dir: Path) -> DemoGateway:
    """Lay out the doors' gateway and give it a broker account.

    Args:
        data_dir: The data directory.

    Returns:
        The gateway.
    """
    place = private_directory(private_directory(data_dir / "demo") / GATEWAY)
    admit(data_dir, SITE, GATEWAY)
    return DemoGateway(SITE, GATEWAY, place)


def world(gateway: DemoGateway, data_dir: Path, *, seed: int, input_s: float | None) -> Service | None:
    """Say how to start the readers and what they see; the process plans it, so that it begins when it can.

    Args:
        gateway: Whose directory takes the files; what was planned before is forgotten.
        data_dir: The data directory.
        seed: Of everything that happens.
        input_s: How long things may happen; None for as long as vehicles come and go.

    Returns:
        The service, which ends by itself; too short a time has none.
    """
    seconds = ENDLESS_S if input_s is None else input_s
    if seconds < SHORTEST_S:
        return None
    place = gateway.directory / "dock"
    (place / PLAN).unlink(missing_ok=True)
    what = ("--seed", f"{seed}", "--seconds", f"{int(seconds)}")
    where = ("--site", gateway.site, "--gateway", gateway.name, "--directory", str(place))
    return Service(
        name="dock",
        command=(script("warehouse-sim"), "dock", *what, *where),
        log=data_dir / "logs" / "dock.log",
        is_ready=lambda _pid: True,
    )


def begins_at(gateway: DemoGateway) -> datetime | None:
    """Tell when goods begin to move.

    Args:
        gateway: The doors' gateway.

    Returns:
        The instant; None until it is planned.
    """
    try:
        plan = json.loads((gateway.directory / "dock" / PLAN).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return datetime.fromisoformat(plan["start_at"])


def register(app_dsn: str, gateway: DemoGateway, now: datetime) -> None:
    """Import the plan's items, doors, opening stock, documents and visits.

    Args:
        app_dsn: Connection of ``dockledger_app``.
        gateway: The doors' gateway, registered.
        now: The present.

    Raises:
        DockError: If the ledger refuses them: the data directory holds other goods by these names.
    """
    try:
        papers = read_import(gateway.directory / "dock" / "documents.json")
        _once(app_dsn, lambda conn: documents.import_all(conn, KEEPER, papers, now=now))
    except (DocumentError, ImportFileError) as error:
        raise DockError(f"the doors' documents cannot be imported: {error}") from error


def agent(gateway: DemoGateway, data_dir: Path, broker_address: str, page_port: int) -> Service:
    """Write the doors' gateway's settings and say how to start its agent.

    Args:
        gateway: The gateway, whose world is planned.
        data_dir: The data directory.
        broker_address: Host and port of the broker.
        page_port: Of the gateway's own page.

    Returns:
        The service.
    """
    account = admit(data_dir, gateway.site, gateway.name)
    settings: dict[str, str | int] = {
        "site": gateway.site,
        "gateway": gateway.name,
        "broker_url": f"mqtt://{account.gateway}:{account.password}@{broker_address}",
        "outbox": str(gateway.directory / "outbox.db"),
        "clock": "assumed",
        "page_port": page_port,
    }
    plan_directory = gateway.directory / "dock"
    readers = json.loads((plan_directory / "readers.json").read_text("utf-8"))
    tables = "".join(
        f"\n[[reader]]\n{toml({'id': name} | {key: reader[key] for key in ('host', 'port', 'profile')})}"
        for name, reader in readers.items()
    )
    site = (plan_directory / "site.toml").read_text("utf-8")
    write_private(gateway.config, f"{toml(settings)}{tables}\n{site}")
    return Service(
        name=f"agent-{gateway.name}",
        command=(script("edge-agent"), "run", "--config", str(gateway.config)),
        log=data_dir / "logs" / f"agent-{gateway.name}.log",
        is_ready=lambda _pid: True,
    )


def settle(app_dsn: str, now: datetime) -> int:
    """Confirm receipt and departure of every visit whose time is over, as a supervisor would.

    Args:
        app_dsn: Connection of ``dockledger_app``.
        now: The present.

    Returns:
        How many visits had something to confirm.
    """

    def over(conn: Connection) -> list[str]:
        listed = visits.visits(conn, KEEPER, site=SITE, state="open", limit=10_000)
        return [row.visit for row in listed if row.to_at is not None and row.to_at <= now]

    def confirm(visit: str) -> Callable[[Connection], int]:
        def work(conn: Connection) -> int:
            done = visits.confirm(conn, KEEPER, site=SITE, visit=visit, now=now)
            return int(done.position is not None)

        return work

    return sum(_once(app_dsn, confirm(visit)) for visit in _once(app_dsn, over))


def score(gateway: DemoGateway, crossings: list[Mapping[str, object]], until: datetime) -> CrossingScore:
    """Compare the ledger's crossings with the truth.

    Args:
        gateway: Whose truth.
        crossings: What the ledger holds, in the words of ``edge-agent replay``.
        until: When the doors fell silent; what should have crossed later did not.

    Returns:
        The score.

    Raises:
        DockError: If the judge cannot read its files.
    """
    place = gateway.directory / "dock"
    decisions = place / "decisions.jsonl"
    write_private(decisions, "".join(json.dumps(line) + "\n" for line in crossings))
    told = _run(
        script("warehouse-sim"),
        "judge",
        str(place / "truth.jsonl"),
        str(decisions),
        "--json",
        "--until",
        until.isoformat(),
    )
    figures = json.loads(told)
    return CrossingScore(**{name: int(figures[name]) for name in CrossingScore.__dataclass_fields__})


def _once(app_dsn: str, work: Callable[[Connection], T]) -> T:
    source = LastingConnection(app_dsn, "dockledger-demo")
    try:
        return in_transaction(source, work)
    finally:
        source.close()


def _run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  our command
    if done.returncode:
        raise DockError(f"{' '.join(command[:2])} ended with status {done.returncode}: {done.stderr.strip()}")
    return done.stdout
