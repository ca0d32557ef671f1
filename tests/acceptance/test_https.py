"""Where the broker is blocked: shipped agents send over HTTPS, and by the broker again when it is back."""

from collections.abc import Callable
from typing import Any, LiteralString

import psycopg
import pytest

from benchmarks.edges import Edge
from benchmarks.mayhem import wait_until
from tests.acceptance.conftest import EDGES, System
from tests.patience import PATIENCE_S


@pytest.mark.soak
def test_agents_go_on_over_https_while_the_broker_is_away_and_return(system: Callable[..., Any]) -> None:
    whole: System = system(ingest_workers=1)
    https = f'https_url = "{whole.stage.add_api()}"\nhttps_after_s = 1\n'
    by_choice = 'publish = "https"\n'
    whole.edges += [Edge(whole.stage, gateway, gateway.name) for gateway in EDGES]
    for edge, more in zip(whole.edges, (https, https + by_choice), strict=True):
        edge.start(more=more)
    scans = whole.scan(rate=30, seconds=15)
    wait_until(lambda: posted(whole, "edge-1"), within_s=PATIENCE_S, what="the broker carries rows")
    whole.stage.parts["broker"].kill()
    wait_until(
        lambda: "https_stands_in_for_the_broker" in log(whole),
        within_s=PATIENCE_S,
        what="the agent turns away",
    )
    before = posted(whole, "edge-1")
    wait_until(lambda: posted(whole, "edge-1") > before + 20, within_s=PATIENCE_S, what="HTTPS carries rows")
    whole.stage.parts["api"].kill()
    whole.stage.parts["api"].start()
    before = posted(whole, "edge-1")
    wait_until(
        lambda: posted(whole, "edge-1") > before, within_s=PATIENCE_S, what="a killed server carries on"
    )
    assert told(whole) == {"edge-1": True, "edge-2": False}
    whole.stage.start_broker_anew()
    scans.finish(within_s=PATIENCE_S)
    whole.drain(within_s=PATIENCE_S)
    wait_until(lambda: "broker_carries_again" in log(whole), within_s=PATIENCE_S, what="the agent returns")
    whole.check()
    assert posted(whole, "edge-2"), "by HTTPS alone"


def log(whole: System) -> str:
    return (whole.stage.directory / "logs" / "edge-1.log").read_text("utf-8")


def ask(whole: System, query: LiteralString) -> list[tuple[Any, ...]]:
    with psycopg.connect(whole.stage.dsn("dockledger_migrator")) as conn:
        conn.execute("SET ROLE dockledger_owner")
        return conn.execute(query).fetchall()


def posted(whole: System, gateway: str) -> int:
    """Count the rows of one gateway in the ledger."""
    query = "SELECT name, sum(last_seq - first_seq + 1) FROM batch JOIN gateway USING (gateway_id) GROUP BY 1"
    return int(dict(ask(whole, query)).get(gateway, 0))


def told(whole: System) -> dict[str, bool]:
    """Tell what each gateway says of its way in its heartbeat."""
    query = "SELECT name, health -> 'is_on_detour' FROM gateway_status JOIN gateway USING (gateway_id)"
    return {name: is_on_detour for name, is_on_detour in ask(whole, query) if name in {"edge-1", "edge-2"}}
