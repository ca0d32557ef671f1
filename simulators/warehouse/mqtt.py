"""The simulated gateways' door to the broker: publishes frames, hands acknowledgements to one queue."""

import contextlib
import queue
import socket
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from contracts.topics import Channel, topic
from simulators.warehouse.gateways import GatewayIdentity

KEEPALIVE_S = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """A message on a gateway's ack topic."""

    gateway: str
    payload: bytes


class GatewayLink:
    """One gateway's connection; reconnects by itself, keeps nothing: what was not answered is sent again."""

    def __init__(self, broker_url: str, identity: GatewayIdentity, answers: queue.Queue[Answer]) -> None:
        """Connect in the background.

        Args:
            broker_url: ``mqtt://[user:password@]host:port``.
            identity: Who connects; the client id is the gateway's.
            answers: Gets every message of the ack topic.
        """
        parts = urlsplit(broker_url)
        self._identity = identity
        self._answers = answers
        self._records = topic(identity.site, identity.gateway, Channel.RECORDS)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=identity.gateway, protocol=paho.MQTTv311
        )
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        self._client.max_inflight_messages_set(0)  # a PUBACK that is lost must not close the window for ever
        self._client.reconnect_delay_set(min_delay=1, max_delay=2)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect_async(parts.hostname or "127.0.0.1", parts.port or 1883, KEEPALIVE_S)
        self._client.loop_start()

    def send(self, frame: bytes) -> bool:
        """Publish a frame with QoS 1, if connected.

        Args:
            frame: The payload.

        Returns:
            False if there is no connection; nothing is queued then.
        """
        if not self._client.is_connected():
            return False
        self._client.publish(self._records, frame, qos=1)
        return True

    def renew(self) -> None:
        """Break the connection and make a new one: what a lost acknowledgement clogged is forgotten."""
        held = self._client.socket()
        if isinstance(held, socket.socket):
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Disconnect and join the network thread."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # noqa: SLF001  the pair that woke the loop; garbage closes it otherwise

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe(topic(self._identity.site, self._identity.gateway, Channel.ACK), qos=1)

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self._answers.put(Answer(self._identity.gateway, bytes(message.payload)))
