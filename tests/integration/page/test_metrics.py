"""The page's figures as Prometheus reads them."""

from prometheus_client.parser import text_string_to_metric_families

from edge_agent.page.metrics import metrics
from edge_agent.page.server import PageServer
from tests.integration.page.test_page import ask, status


def test_prometheus_gets_the_same_as_figures() -> None:
    server = PageServer(0, status)
    server.start()
    response, body = ask(server, "/metrics")
    server.stop()
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert metrics(status()).decode() == body
    lines = body.splitlines()
    for line in (
        "dockledger_edge_outbox_unacked_rows 1204.0",
        "dockledger_edge_broker_connected 1.0",
        "dockledger_edge_clock_offset_seconds 0.012",
        'dockledger_edge_device_open{device="r1",kind="reader"} 1.0',
        'dockledger_edge_antenna_reads_total{antenna="3",portal="dock-1",reader="r1"} 1200.0',
        'dockledger_edge_antenna_strongest_dbm{antenna="3",portal="dock-1",reader="r1"} -42.5',
        'dockledger_edge_events_total{event="scans"} 88.0',
        "dockledger_edge_config_applied 0.0",
        "dockledger_edge_disk_free_bytes 8.589934592e+09",
    ):
        assert line in lines
    names = [family.name for family in text_string_to_metric_families(body)]
    assert len(names) == len(set(names)) > 15
