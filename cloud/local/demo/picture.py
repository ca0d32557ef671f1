"""The live picture in the terminal: services, gateways and the ledger's flow, drawn from facts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cloud.local.demo.store import Decided, GatewayLine, Latency, Progress
from cloud.local.supervisor import Kept


@dataclass(frozen=True, slots=True)
class Moment:
    """What the picture shows."""

    url: str
    seconds: float
    """Since everything was ready."""
    scanned: int
    """Movements that people have scanned."""
    progress: Progress
    decided: Decided
    per_second: float
    """Movements posted a second, over the last moments."""
    latency: Latency
    gateways: Sequence[GatewayLine]


def draw(moment: Moment, services: Iterable[Kept]) -> RenderableType:
    """Draw the picture.

    Args:
        moment: The figures.
        services: The processes.

    Returns:
        Something for rich to print.
    """
    head = Text.assemble(
        ("Dockledger  ", "bold"), (moment.url, "underline cyan"), "   Ctrl-C stops everything"
    )
    return Panel(Group(head, "", _flow(moment), "", _gateways(moment.gateways), "", _services(services)))


def one_line(moment: Moment) -> str:
    """Say the same in a line, for a log.

    Args:
        moment: The figures.

    Returns:
        The line.
    """
    return (
        f"{moment.seconds:5.0f} s  scanned {moment.scanned}  in ledger {moment.progress.movements}"
        f"  {moment.per_second:.0f}/s  scan to ledger {_ms(moment.latency.p50_ms)} / "
        f"{_ms(moment.latency.p99_ms)} (p50 / p99)  crossings {moment.progress.crossings}"
        f"  quarantined {moment.progress.quarantined}  {_decided(moment)}"
    )


def _flow(moment: Moment) -> Table:
    table = Table(box=None, show_header=False)
    for name, value in (
        ("scanned", f"{moment.scanned:,}"),
        ("in the ledger", f"{moment.progress.movements:,}   ({moment.per_second:.0f} a second)"),
        (
            "scan to ledger",
            f"{_ms(moment.latency.p50_ms)} / {_ms(moment.latency.p99_ms)} (p50 / p99)",
        ),
        ("crossings at doors", f"{moment.progress.crossings:,}"),
        ("position", f"{moment.progress.position:,}"),
        ("in quarantine", str(moment.progress.quarantined)),
        ("decided on", _decided(moment)),
        ("running for", f"{moment.seconds:.0f} s"),
    ):
        table.add_row(Text(name, "dim"), value)
    return table


def _decided(moment: Moment) -> str:
    decided = moment.decided
    return (
        f"counts {decided.counts}, variances {decided.variances}, alerts {moment.progress.alerts}, "
        f"forecasts {decided.forecasts}, proposals {decided.proposals}, approved {decided.approved}"
    )


def _gateways(gateways: Sequence[GatewayLine]) -> Table:
    table = Table("gateway", "site", "state", "movements", "waiting for the ledger", box=None)
    for gateway in gateways:
        colour = "green" if gateway.presence == "online" else "red"
        waiting = "-" if gateway.unacked_rows is None else str(gateway.unacked_rows)
        state = Text(gateway.presence, colour)
        table.add_row(gateway.name, gateway.site_id, state, f"{gateway.movements:,}", waiting)
    return table


def _services(services: Iterable[Kept]) -> Table:
    table = Table("process", "state", "id", "restarts", box=None)
    for kept in services:
        state = Text("ready", "green") if kept.is_ready else Text("down", "red")
        table.add_row(kept.service.name, state, str(kept.process.pid), str(kept.restarts))
    return table


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"
