"""How a simulated reader hands its payloads over: by HTTP POST, or through a broker."""

import base64
import http.client
import threading
from typing import Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

TIMEOUT_S: Final = 10.0
_KEEPALIVE_S: Final = 15


class Poster:
    """Posts to one address, over one connection while it lasts."""

    def __init__(self, url: str, user: str, password: str) -> None:
        """Prepare.

        Args:
            url: ``http://…``.
            user: Of the endpoint.
            password: Of the endpoint.
        """
        parts = urlsplit(url)
        self._target = parts.path or "/"
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}

    def send(self, payload: bytes) -> int:
        """Post once.

        Args:
            payload: JSON, or whatever is to be tried.

        Returns:
            The status of the answer.

        Raises:
            OSError: If nobody answers.
        """
        try:
            self._connection.request("POST", self._target, payload, self._headers)
            response = self._connection.getresponse()
            response.read()
        except http.client.HTTPException as error:
            self.close()
            raise ConnectionError(repr(error)) from error
        except OSError:
            self.close()
            raise
        return response.status

    def close(self) -> None:
        """Hang up; the next ``send`` calls again."""
        self._connection.close()


class Publisher:
    """Publishes to one topic with QoS 1."""

    def __init__(self, url: str) -> None:
        """Connect.

        Args:
            url: ``mqtt://user:password@host:port/topic``.

        Raises:
            OSError: If the broker is away.
        """
        parts = urlsplit(url)
        self._topic = parts.path.strip("/")
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        ready = threading.Event()
        self._client.on_connect = lambda *_: ready.set()
        self._client.connect(parts.hostname or "127.0.0.1", parts.port or 1883, _KEEPALIVE_S)
        self._client.loop_start()
        if not ready.wait(TIMEOUT_S):
            self.close()
            raise TimeoutError(f"the broker at {parts.hostname} does not answer")

    def send(self, payload: bytes, *, is_retained: bool = False) -> int:
        """Publish once, and wait for the broker's answer.

        Args:
            payload: JSON, or whatever is to be tried.
            is_retained: Whether the broker is to give it to whoever subscribes later.

        Returns:
            Always 204, as a taken post has it.
        """
        self._client.publish(self._topic, payload, 1, is_retained).wait_for_publish(TIMEOUT_S)
        return int(http.client.NO_CONTENT)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # noqa: SLF001  the pair that woke the loop; garbage closes it otherwise
