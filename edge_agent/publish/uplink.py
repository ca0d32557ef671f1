"""The way out: by the broker where it can be reached, by HTTPS while it cannot, and back."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

import structlog

from edge_agent.publish.address import BrokerAddress, LedgerAddress
from edge_agent.publish.domain import Detour
from edge_agent.publish.https import HttpsLink
from edge_agent.publish.mqtt import LinkEvent, MqttLink

Way = Literal["mqtt", "https"]

log = structlog.get_logger(__name__)


class Uplink:
    """One or two links; what is published goes out by the one that is connected, the broker's first."""

    def __init__(
        self,
        broker: BrokerAddress | None,
        ledger: LedgerAddress | None,
        *,
        site: str,
        gateway: str,
        detour_after_s: float,
        subscriptions: Sequence[str],
        will: Callable[[], tuple[str, bytes]],
        on_event: Callable[[LinkEvent], None],
    ) -> None:
        """Prepare the links; ``start`` starts them.

        Args:
            broker: Where the broker is; None: HTTPS only.
            ledger: Where the ledger's server is; None: the broker only.
            site: Of the gateway.
            gateway: Whose messages these are.
            detour_after_s: How long the broker must be out of reach before HTTPS takes over.
            subscriptions: Topics that the gateway reads.
            will: Gives topic and payload of the last will.
            on_event: Called on the links' threads; must not block.

        Raises:
            ValueError: If there is no way at all.
        """
        if broker is None and ledger is None:
            raise ValueError("neither a broker nor the ledger's server is named: expected one of them")
        self._mqtt: MqttLink | None = None
        self._https: HttpsLink | None = None
        if broker is not None:
            self._mqtt = MqttLink(
                broker, client_id=gateway, subscriptions=subscriptions, will=will, on_event=on_event
            )
        if ledger is not None:
            self._https = HttpsLink(ledger, site=site, gateway=gateway, on_event=on_event)
        self._detour = Detour(after_s=detour_after_s)
        self._is_on_detour = False

    @property
    def way(self) -> Way | None:
        """By which way messages go out just now; None: by none."""
        if self._mqtt is not None and self._mqtt.is_connected:
            return "mqtt"
        return "https" if self._https is not None and self._https.is_connected else None

    @property
    def is_on_detour(self) -> bool:
        """Whether HTTPS stands in for a broker that cannot be reached."""
        return self._is_on_detour and self.way == "https"

    @property
    def counters(self) -> Counter[str]:
        """What happened so far on all ways."""
        links = (self._mqtt, self._https)
        return sum((link.counters for link in links if link is not None), Counter[str]())

    def start(self) -> None:
        """Start the links."""
        if self._mqtt is not None:
            self._mqtt.start()
        if self._https is not None:
            self._https.want(is_wanted=self._mqtt is None)
            self._https.start()

    def step(self) -> None:
        """Decide by which way to go; called about twice a second, on one thread."""
        if self._mqtt is None or self._https is None:
            return
        is_due = self._detour.is_due(time.monotonic(), is_direct=self._mqtt.is_connected)
        if is_due != self._is_on_detour:
            self._is_on_detour = is_due
            self._https.want(is_wanted=is_due)
            log.warning("https_stands_in_for_the_broker" if is_due else "broker_carries_again")

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a message to the link that is connected.

        Args:
            topic: One that the gateway writes.
            payload: At most 256 KiB.
            retain: Whether the broker keeps it for later subscribers.

        Returns:
            False if it was not taken. Whoever must be heard sends again anyway.
        """
        if self._mqtt is not None and self._mqtt.is_connected:
            return self._mqtt.publish(topic, payload, retain=retain)
        return self._https is not None and self._https.publish(topic, payload)

    def renew(self) -> None:
        """Give up the present connection to the broker for a new one."""
        if self._mqtt is not None:
            self._mqtt.renew()

    def stop(self) -> None:
        """Send what is waiting, as far as that is possible at once, and join the links' threads."""
        if self._https is not None:
            self._https.stop()
        if self._mqtt is not None:
            self._mqtt.stop()
