"""An HTTP stream that a reader keeps open: a line is one event, an empty line says that it lives."""

import base64
import http.client
import socket
import ssl
import threading
from contextlib import suppress
from typing import Final

from edge_agent.readers.iot.link import Hands
from edge_agent.readers.iot.settings import IotReaderSettings

CONNECT_S: Final = 5.0
LONGEST_LINE_BYTES: Final = 1 << 20
_LINE_END: Final = b"\n"


class StreamRefusedError(ConnectionError):
    """The reader answers, and gives no stream; its status says why."""


class HttpStream:
    """One GET at a time."""

    def __init__(self, settings: IotReaderSettings) -> None:
        """Prepare.

        Args:
            settings: Where the stream is, and who we are to it.
        """
        self._settings = settings
        self._silence_s = settings.silence_s()
        self._connection: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()
        self._is_over = False

    def run(self, hands: Hands) -> None:
        """Read the stream until it is lost.

        Args:
            hands: What to call.

        Raises:
            OSError: When it is lost or refused.
        """
        connection = self._connect()
        try:
            response = self._ask(connection)
            hands.opened()
            self._read(response, hands)
        except http.client.HTTPException as error:
            raise ConnectionError(f"the stream is no HTTP: {error!r}") from error
        except (AttributeError, ValueError) as error:
            # What http.client raises when its socket is closed under a read.
            raise ConnectionError(f"closed: {error}") from error
        finally:
            self._forget(connection)

    def interrupt(self) -> None:
        """End the read."""
        with self._lock:
            self._is_over = True
            connection = self._connection
            sock = None if connection is None else connection.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> http.client.HTTPConnection:
        settings, (host, port) = self._settings, self._settings.address
        connection: http.client.HTTPConnection
        if settings.parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                host, port, timeout=CONNECT_S, context=settings.context()
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=CONNECT_S)
        try:
            connection.connect()
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if isinstance(connection.sock, ssl.SSLSocket):
                settings.believe(connection.sock)
        except OSError:
            connection.close()
            raise
        with self._lock:
            self._connection = connection
            if self._is_over:
                connection.close()
                raise ConnectionAbortedError("stopped")
        return connection

    def _ask(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        parts = self._settings.parts
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Accept": "application/json"}
        if self._settings.password is not None:
            pair = f"{self._settings.user}:{self._settings.secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
        sock = connection.sock
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise StreamRefusedError(f"it answers {response.status} {response.reason} to GET {target}")
        # From here on silence is the reader's, and watched by whoever runs this.
        sock.settimeout(self._silence_s)
        return response

    def _read(self, response: http.client.HTTPResponse, hands: Hands) -> None:
        while not self._is_over:
            try:
                line = response.readline(LONGEST_LINE_BYTES)
            except TimeoutError as error:
                raise ConnectionError(f"silent for {self._silence_s:g} s") from error
            if not line:
                raise ConnectionResetError("closed by the reader")
            if not line.strip():
                hands.alive()
            elif line.endswith(_LINE_END):
                hands.payload(line)
            elif len(line) >= LONGEST_LINE_BYTES:
                raise ConnectionError(f"a line of more than {LONGEST_LINE_BYTES} bytes")
            else:
                raise ConnectionResetError("closed by the reader in the middle of an event")

    def _forget(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._connection = None
        connection.close()
