"""A broker that hands a reader's events on: topic in, payloads out; the readers' only door to paho.

A message of QoS 1 is acknowledged after it was taken; the session is a clean one, so that what a reader said
while the agent was away does not come as if it happened now.
"""

import ssl
import threading
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from typing_extensions import override

from edge_agent.readers.iot.link import Hands
from edge_agent.readers.iot.settings import IotReaderSettings

CONNECT_S: Final = 5.0
KEEPALIVE_S: Final = 15
_POLL_S: Final = 0.2
_QOS: Final = 1
_REFUSED: Final = 128


class _ClosingSocket(ssl.SSLSocket):
    """Closes itself when its handshake fails, which paho leaves to the garbage collector."""

    @override
    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class MqttLink:
    """A fresh client for each connection, driven by the thread that runs it."""

    def __init__(self, settings: IotReaderSettings) -> None:
        """Prepare.

        Args:
            settings: Which broker and topic.
        """
        self._settings = settings
        self._over = threading.Event()

    def run(self, hands: Hands) -> None:
        """Subscribe, and carry messages until the connection is lost.

        Args:
            hands: What to call.

        Raises:
            OSError: When it is lost or refused.
        """
        settings, faults = self._settings, list[str]()
        topic = settings.parts.path.strip("/")
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        if settings.password is not None:
            client.username_pw_set(settings.user, settings.secret)
        if settings.parts.scheme == "mqtts":
            context = settings.context()
            context.sslsocket_class = _ClosingSocket
            client.tls_set_context(context)

        def connected(_client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
            if reason.is_failure:
                faults.append(f"the broker refuses: {reason}")
            else:
                client.subscribe(topic, _QOS)

        def subscribed(_client: Any, _data: Any, _number: Any, reasons: Any, _more: Any) -> None:
            if any(reason.value >= _REFUSED for reason in reasons):
                faults.append(f"the broker refuses topic {topic!r}")
            else:
                hands.opened()

        client.on_connect, client.on_subscribe = connected, subscribed
        client.on_message = lambda _client, _data, message: _taken(hands, message)
        client.connect_timeout = CONNECT_S
        client.connect(*settings.address, keepalive=KEEPALIVE_S)
        try:
            while not self._over.is_set():
                code = client.loop(_POLL_S)
                if faults:
                    raise ConnectionRefusedError(faults[0])
                if code is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                    raise ConnectionResetError(f"the broker is lost: {paho.error_string(code)}")
        finally:
            client.disconnect()
            _close(client)

    def interrupt(self) -> None:
        """End the loop."""
        self._over.set()


def _taken(hands: Hands, message: paho.MQTTMessage) -> None:
    if not message.retain:  # what the broker kept was heard when it happened, or is old
        hands.payload(bytes(message.payload))


def _close(client: paho.Client) -> None:
    """Close the connection, and the pair of sockets by which paho wakes its own loop."""
    client._reset_sockets()  # noqa: SLF001  paho closes the pair nowhere else but in its finaliser
