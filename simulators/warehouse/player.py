"""Plays gateways against a broker: seals what is due, keeps a window, honours the ledger's answers."""

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, Protocol

from contracts.feedback import Ack
from simulators.warehouse.gateways import GatewayIdentity, SealedBatch, Sealer
from simulators.warehouse.mqtt import Answer, GatewayLink
from simulators.warehouse.window import RESEND_AFTER_NS, Window

WINDOW_BATCHES: Final = 16
_TICK_S: Final = 0.02


class Source(Protocol):
    """Where a gateway's batches come from."""

    def take(self) -> SealedBatch | None:
        """Give the next batch if one is due."""

    @property
    def is_exhausted(self) -> bool:
        """Whether there will be no more."""


class Live:
    """Seals each batch when its records have happened."""

    def __init__(self, sealer: Sealer, sealed: Callable[[SealedBatch], None]) -> None:
        """Seal as time passes.

        Args:
            sealer: One gateway's records.
            sealed: Told of each batch before it is sent.
        """
        self._sealer = sealer
        self._sealed = sealed

    def take(self) -> SealedBatch | None:
        """Seal what has happened by now.

        Returns:
            At most one batch.
        """
        batch = self._sealer.seal_due(time.time_ns() // 1000)
        if batch is not None:
            self._sealed(batch)
        return batch

    @property
    def is_exhausted(self) -> bool:
        """Whether every record is sealed."""
        return self._sealer.is_exhausted


class Presealed:
    """Batches made before the clock starts."""

    def __init__(self, batches: Iterator[SealedBatch] | list[SealedBatch]) -> None:
        """Hold batches.

        Args:
            batches: In order.
        """
        self._batches = list(batches)
        self._next = 0

    def take(self) -> SealedBatch | None:
        """Give the next batch.

        Returns:
            None at the end.
        """
        if self.is_exhausted:
            return None
        self._next += 1
        return self._batches[self._next - 1]

    @property
    def is_exhausted(self) -> bool:
        """Whether all were given."""
        return self._next == len(self._batches)


@dataclass(slots=True)
class Played:
    """How a run went."""

    first_sent_ns: int = 0
    last_answered_ns: int = 0
    acknowledged_rows: int = 0
    resent: int = 0
    conflicts: int = 0
    round_trips_ns: list[int] = field(default_factory=list)
    """From the first sending of each batch to the ledger's answer."""

    @property
    def seconds(self) -> float:
        """From the first sending to the last answer."""
        return (self.last_answered_ns - self.first_sent_ns) / 1e9


@dataclass(slots=True)
class _Gateway:
    identity: GatewayIdentity
    source: Source
    link: GatewayLink
    window: Window
    heard_ns: int
    first_sent_ns: dict[int, int] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        return self.source.is_exhausted and self.window.is_empty


def play(
    broker_url: str,
    sources: dict[GatewayIdentity, Source],
    *,
    window_batches: int = WINDOW_BATCHES,
    give_up_after_s: float = 600.0,
) -> Played:
    """Play gateways until the ledger has answered for everything.

    Args:
        broker_url: ``mqtt://[user:password@]host:port``; ``{gateway}`` stands for each gateway's id.
        sources: Each gateway's batches.
        window_batches: How many batches a gateway may have unanswered.
        give_up_after_s: Longest silence of the ledger, in seconds.

    Returns:
        How the run went.

    Raises:
        TimeoutError: If the ledger answers nothing for ``give_up_after_s``.
    """
    answers: queue.Queue[Answer] = queue.Queue()
    played = Played()
    with ExitStack() as stack:
        gateways: dict[str, _Gateway] = {
            identity.gateway: _Gateway(
                identity,
                source,
                stack.enter_context(
                    GatewayLink(broker_url.replace("{gateway}", identity.gateway), identity, answers)
                ),
                Window(window_batches),
                time.monotonic_ns(),
            )
            for identity, source in sources.items()
        }
        heard_ns = time.monotonic_ns()
        while not all(gateway.is_done for gateway in gateways.values()):
            for gateway in gateways.values():
                _send(gateway, played)
            if _hear(answers, gateways, played):
                heard_ns = time.monotonic_ns()
            elif time.monotonic_ns() - heard_ns > give_up_after_s * 1e9:
                waiting = [name for name, gateway in gateways.items() if not gateway.is_done]
                raise TimeoutError(f"no answer from the ledger for {give_up_after_s} s to {waiting}")
    played.resent = sum(gateway.window.resent for gateway in gateways.values())
    played.conflicts = sum(len(gateway.window.conflicts) for gateway in gateways.values())
    played.acknowledged_rows = sum(gateway.window.acknowledged_rows for gateway in gateways.values())
    return played


def _send(gateway: _Gateway, played: Played) -> None:
    now_ns = time.monotonic_ns()
    overdue = gateway.window.overdue(now_ns)
    if overdue and now_ns - gateway.heard_ns > 2 * RESEND_AFTER_NS:
        gateway.heard_ns = now_ns
        gateway.link.renew()
    for late in overdue:
        gateway.link.send(late.frame(now_ns))
    while gateway.window.has_room and (batch := gateway.source.take()) is not None:
        now_ns = time.monotonic_ns()
        played.first_sent_ns = played.first_sent_ns or now_ns
        gateway.first_sent_ns[batch.range.batch_no] = now_ns
        gateway.window.sent(batch, now_ns)
        gateway.link.send(batch.frame(now_ns))


def _hear(answers: queue.Queue[Answer], gateways: dict[str, _Gateway], played: Played) -> bool:
    try:
        answer = answers.get(timeout=_TICK_S)
    except queue.Empty:
        return False
    while True:
        gateway = gateways[answer.gateway]
        gateway.heard_ns = time.monotonic_ns()
        ack = Ack.model_validate_json(answer.payload)
        if ack.epoch == gateway.identity.epoch:
            now_ns = time.monotonic_ns()
            for batch in gateway.window.answered(ack):
                played.round_trips_ns.append(now_ns - gateway.first_sent_ns.pop(batch.range.batch_no))
                played.last_answered_ns = now_ns
        if answers.empty():
            return True
        answer = answers.get()
