"""Two sites with a gateway and a scanner each: their accounts, their files, their processes, their truth."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Final

from cloud.db import Connection, LastingConnection, in_transaction
from cloud.identity import service as identity
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant, actor_of
from cloud.ingest.registry import service as registry
from cloud.local.accounts import admit
from cloud.local.demo.domain import Content, Line, Movement
from cloud.local.home import private_directory, write_private
from cloud.local.process import Service
from cloud.master.store import add_site

SHELL: Final = Actor("system:demo", frozenset({Role.ADMIN}), all_sites=True)
"""Whoever starts the demonstration owns its database."""

PERSON: Final = "demo"
"""Looks at everything, and asks for what others approve."""
APPROVER: Final = "demo-approver"
ROLES: Final[Mapping[str, tuple[Role, ...]]] = {
    PERSON: (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.PLANNER, Role.BUYER, Role.AUDITOR),
    APPROVER: (Role.APPROVER, Role.AUDITOR),
}
SITES: Final = ("leeds", "london")
ZONE: Final = "Europe/London"
CURRENCY: Final = "GBP"
SCANS_PER_S: Final = 60
CALM_SCANS_PER_S: Final = 2.5
"""Where no end is set: the transactions last for an hour."""


@dataclass(frozen=True, slots=True)
class DemoGateway:
    """One gateway of the demonstration and its files."""

    site: str
    name: str
    directory: Path

    @property
    def scanner(self) -> Path:
        """Where its scanner's pseudo-terminal appears."""
        return self.directory / "scanner"

    @property
    def config(self) -> Path:
        """Its settings file."""
        return self.directory / "agent.toml"


def demo_gateways(data_dir: Path) -> list[DemoGateway]:
    """Lay out the gateways and give each a broker account.

    Args:
        data_dir: The data directory.

    Returns:
        A gateway per site, in the order of the scanners.
    """
    place = private_directory(data_dir / "demo")
    gateways = [DemoGateway(site, f"{site}-1", private_directory(place / f"{site}-1")) for site in SITES]
    for gateway in gateways:
        admit(data_dir, gateway.site, gateway.name)
    return gateways


def register(app_dsn: str, gateways: Sequence[DemoGateway]) -> None:
    """Register the sites and gateways that the ledger does not know yet.

    Args:
        app_dsn: Connection of ``dockledger_app``.
        gateways: The gateways.
    """
    source = LastingConnection(app_dsn, "dockledger-demo")

    def work(conn: Connection) -> None:
        for site in SITES:
            add_site(conn, site, name=site.capitalize(), time_zone=ZONE, currency=CURRENCY)
        known = {gateway.name for gateway in registry.gateways(conn, SHELL)}
        for gateway in gateways:
            if gateway.name not in known:
                registry.register(conn, SHELL, gateway=gateway.name, site=gateway.site)

    in_transaction(source, work)
    source.close()


def acting(person: str) -> Actor:
    """Give somebody of the demonstration as an actor.

    Args:
        person: One of `ROLES`.

    Returns:
        Who may do what their roles allow, at all sites.
    """
    return actor_of(f"user:{person}", [Grant(role) for role in ROLES[person]])


def login_links(app_dsn: str, now: datetime) -> dict[str, str]:
    """Make links that log the people of the demonstration in, once each.

    Args:
        app_dsn: Connection of ``dockledger_app``.
        now: The present.

    Returns:
        Path and query of each one's link, by name.
    """
    source = LastingConnection(app_dsn, "dockledger-demo")

    def work(conn: Connection) -> dict[str, str]:
        known = {user.name for user in identity.list_users(conn, SHELL)}
        for name, roles in ROLES.items():
            grants = [Grant(role) for role in roles]
            if name in known:
                identity.change_grants(conn, SHELL, name=name, grant=grants)
            else:
                identity.add_user(conn, SHELL, name=name, password=None, grants=grants)
        return {name: identity.make_login_link(conn, SHELL, name=name, now=now) for name in ROLES}

    tokens = in_transaction(source, work)
    source.close()
    return {name: f"login/link?token={token}" for name, token in tokens.items()}


def agent(gateway: DemoGateway, data_dir: Path, broker_address: str) -> Service:
    """Write a gateway's settings and say how to start its agent.

    Args:
        gateway: The gateway.
        data_dir: The data directory.
        broker_address: Host and port of the broker.

    Returns:
        The service.
    """
    account = admit(data_dir, gateway.site, gateway.name)
    settings = {
        "site": gateway.site,
        "gateway": gateway.name,
        "broker_url": f"mqtt://{account.gateway}:{account.password}@{broker_address}",
        "outbox": str(gateway.directory / "outbox.db"),
        "clock": "assumed",
    }
    scanner = {"id": "scanner-1", "port": str(gateway.scanner), "profile": "generic_terminal"}
    workflow = files("firmware_configs.sites").joinpath("retail_example.toml").read_text("utf-8")
    text = f"{toml(settings)}\n[[scanner]]\n{toml(scanner)}\n{workflow}"
    write_private(gateway.config, text)
    return Service(
        name=f"agent-{gateway.name}",
        command=(script("edge-agent"), "run", "--config", str(gateway.config)),
        log=data_dir / "logs" / f"agent-{gateway.name}.log",
        is_ready=lambda _pid: True,
    )


def scanning(
    gateways: Sequence[DemoGateway], data_dir: Path, *, truth: Path, seconds: float | None, seed: int
) -> Service:
    """Say how to start the people who scan.

    Args:
        gateways: Where they scan.
        data_dir: The data directory.
        truth: File that takes what they scan.
        seconds: For how long; then they only count bins until they are asked to stop. None: until the
            transactions run out.
        seed: Which of them begins.

    Returns:
        The service.
    """
    ports = (part for gateway in gateways for part in ("--port", str(gateway.scanner)))
    limit = () if seconds is None else ("--seconds", f"{seconds:.1f}", "--stay")
    rate = CALM_SCANS_PER_S if seconds is None else SCANS_PER_S
    counts = ("--counts", str(errands(data_dir)))
    options = ("--truth", str(truth), *counts, "--rate", str(rate), "--seed", str(seed), *limit)
    return Service(
        name="people",
        command=(script("warehouse-sim"), "scan-pos", *ports, *options),
        log=data_dir / "logs" / "people.log",
        is_ready=lambda _pid: True,
    )


def errands(data_dir: Path) -> Path:
    """Say where bins stand that people are to count with their scanners.

    Args:
        data_dir: The data directory.

    Returns:
        The file.
    """
    return data_dir / "demo" / "counts.jsonl"


def read_truth(truth: Path, gateways: Sequence[DemoGateway]) -> Iterator[Movement]:
    """Read what was scanned so far.

    Args:
        truth: The file.
        gateways: In the order of the scanners.

    Yields:
        Movements; a last line that is still being written is left for later.
    """
    with truth.open(encoding="utf-8") as file:
        for text in file:
            if not text.endswith("\n"):
                return
            fields = json.loads(text)
            if fields["kind"] == "movement":
                site = gateways[fields["scanner"]].site
                content = Content(
                    fields["item"],
                    Decimal(fields["quantity"]),
                    fields["source"],
                    fields["destination"],
                    fields["disposition"],
                )
                yield Movement(Line(site, fields["document"], str(fields["line"])), content)


class TruthTail:
    """Counts the movements in a truth file that grows, reading each byte once."""

    def __init__(self, path: Path) -> None:
        """Remember the file.

        Args:
            path: The file; it may come later.
        """
        self._path = path
        self._offset = 0
        self._count = 0

    def count(self) -> int:
        """Count what was scanned so far."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._offset += len(whole)
            self._count += whole.count(b'{"kind": "movement"')
        return self._count


def events_kept(gateways: Sequence[DemoGateway], *, since: datetime) -> int:
    """Count the movements and unit positions in the gateways' outboxes, acknowledged ones included.

    Args:
        gateways: The gateways.
        since: Only what is claimed to have occurred from here on counts.

    Returns:
        Their number.
    """
    kept = 0
    for gateway in gateways:
        command = (script("edge-agent"), "outbox", "export", "--config", str(gateway.config))
        lines = subprocess.run(command, check=True, capture_output=True).stdout.splitlines()  # noqa: S603  our command
        records = map(json.loads, lines)
        kept += sum(
            record["kind"] in {"movement", "unit_position"}
            and datetime.fromisoformat(record["occurred_at_claimed"]) >= since
            for record in records
        )
    return kept


def script(name: str) -> str:
    """Find one of our own programs.

    Args:
        name: Its name.

    Returns:
        Its path beside this Python, else the name.
    """
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    return beside or name


def toml(fields: Mapping[str, str | int]) -> str:
    """Write settings as TOML.

    Args:
        fields: Value by name.

    Returns:
        A line each.
    """
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items())
