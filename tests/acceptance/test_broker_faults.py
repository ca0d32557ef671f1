"""A broker that loses, doubles, forgets and disappears changes nothing (FAULTS F4, F5, F6, F8)."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.audit import compare
from simulators.faults.broken_tcp import Breakage, BrokenLink
from simulators.faults.lossy_mqtt import LossyLink, Odds
from simulators.faults.proxy import Proxy
from simulators.warehouse.player import Presealed, play
from simulators.warehouse.scenario import Crew, Scenario
from tests.patience import PATIENCE_S

SITES, GATEWAYS = 2, 4


def through(proxy: Proxy, url: str, port: int) -> str:
    return url.replace(f":{port}", f":{proxy.port}")


def lose_packets(system: Callable[..., Any], *, rate: float, seconds: float, patience_s: float) -> None:
    """Lose one packet in ten between the gateways and the broker; the weather clears at the end."""
    running = system()
    stage = running.stage
    link = LossyLink(Odds(drop=0.1), seed=5)
    with Proxy(("127.0.0.1", stage.broker_port), link) as proxy:
        running.add_edges(broker_port=proxy.port)
        url = through(proxy, stage.gateways_url, stage.broker_port)
        streaming = running.stream(rate=rate, seconds=seconds, broker_url=url)
        running.scan(rate=60, seconds=seconds).finish(within_s=seconds + PATIENCE_S)
        link.odds = Odds()
        assert streaming.finish(within_s=patience_s)["resent"] > 0
        running.drain(within_s=patience_s)
        running.check()


def test_one_packet_in_ten_is_lost_and_no_row_is(system: Callable[..., Any]) -> None:
    lose_packets(system, rate=300, seconds=5, patience_s=PATIENCE_S)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_rows_survive_the_loss_of_one_packet_in_ten(system: Callable[..., Any]) -> None:
    lose_packets(system, rate=300, seconds=340, patience_s=600)


def lose_packets_at_ingest(
    system: Callable[..., Any], *, rate: float, seconds: float, patience_s: float
) -> None:
    """Lose one packet in ten between the broker and ingest; the weather never clears."""
    running = system(ingest_workers=0)
    stage = running.stage
    with Proxy(("127.0.0.1", stage.broker_port), LossyLink(Odds(drop=0.1), seed=9)) as proxy:
        url = through(proxy, stage.broker_url, stage.broker_port)
        for name in ("ingest-1", "ingest-2"):
            stage.add(stage.ingest_service(name, {"DOCKLEDGER_BROKER_URL": url}))
        running.add_edges()
        streaming = running.stream(rate=rate, seconds=seconds)
        running.scan(rate=60, seconds=seconds).finish(within_s=seconds + PATIENCE_S)
        assert streaming.finish(within_s=patience_s)["resent"] > 0
        running.drain(within_s=patience_s)
        running.check()


def test_one_packet_in_ten_is_lost_between_broker_and_ingest_and_no_row_is(
    system: Callable[..., Any],
) -> None:
    lose_packets_at_ingest(system, rate=100, seconds=5, patience_s=PATIENCE_S)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_rows_survive_the_loss_at_ingest_too(system: Callable[..., Any]) -> None:
    lose_packets_at_ingest(system, rate=300, seconds=340, patience_s=1800)


def test_every_packet_doubled_late_and_out_of_order_posts_each_row_once(system: Callable[..., Any]) -> None:
    running = system()
    stage = running.stage
    odds = Odds(duplicate=1.0, delay=0.5, delay_s=0.3)
    with Proxy(("127.0.0.1", stage.broker_port), LossyLink(odds, seed=6)) as proxy:
        running.add_edges(broker_port=proxy.port)
        url = through(proxy, stage.gateways_url, stage.broker_port)
        streaming = running.stream(rate=300, seconds=5, broker_url=url)
        running.scan(rate=60, seconds=5).finish(within_s=PATIENCE_S)
        streaming.finish(within_s=PATIENCE_S)
        running.drain(within_s=PATIENCE_S)
    running.check()


def test_a_whole_day_in_any_order_and_sent_twice_is_posted_once(system: Callable[..., Any]) -> None:
    running = system()
    dsn = running.stage.dsn("dockledger_migrator")
    now = datetime.now(UTC)
    scenario = Scenario.plausible(
        Crew(GATEWAYS, SITES, 7), count=6_000, start_at=now - timedelta(days=1), end_at=now
    )
    tapes = {identity: list(sealer.seal_all()) for identity, sealer in scenario.sealers().items()}
    dice = random.Random(7)
    for attempt in ("first", "again"):
        shuffled = {identity: Presealed(dice.sample(tape, len(tape))) for identity, tape in tapes.items()}
        url = running.stage.gateways_url
        played = play(url, dict(shuffled), window_batches=len(tapes) * 100, give_up_after_s=20)
        assert played.acknowledged_rows == 6_000, attempt
        found = compare(dsn, scenario.truth([batch for tape in tapes.values() for batch in tape]))
        assert found.is_clean, (attempt, found)
    running.check()


def test_a_broker_that_forgot_everything_is_drained_within_ten_seconds(system: Callable[..., Any]) -> None:
    running = system()
    running.add_edges()
    scanning = running.scan(rate=60, seconds=6)
    for _ in range(3):
        running.stage.parts["broker"].kill()
        running.stage.start_broker_anew()
    scanning.finish(within_s=PATIENCE_S)
    assert running.drain(within_s=PATIENCE_S) < 10
    running.check()


def test_a_long_outage_is_made_up_for_when_the_link_returns(system: Callable[..., Any]) -> None:
    running = system()
    with Proxy(("127.0.0.1", running.stage.broker_port), BrokenLink(Breakage(), seed=8)) as proxy:
        running.add_edges(broker_port=proxy.port)
        proxy.cut()
        running.scan(rate=600, seconds=10).finish(within_s=PATIENCE_S)
        proxy.heal()
        running.drain(within_s=PATIENCE_S)
    running.check()
