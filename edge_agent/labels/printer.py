"""A printer at the end of a TCP connection: ZPL in, printed or a clear reason why not."""

import socket
import time
from contextlib import suppress
from typing import Final

from edge_agent.labels.domain import ASK, HostStatus, StatusUnreadableError, is_whole, parse_host_status
from edge_agent.labels.settings import PrinterSettings

CONNECT_S: Final = 2.0
ANSWER_S: Final = 3.0
ATTEMPTS: Final = 3
AGAIN_AFTER_S: Final = 0.3
_LONGEST_ANSWER: Final = 4096


class PrinterError(Exception):
    """Nothing was printed; the message says what is wrong and what to do."""


class PrinterUncertainError(PrinterError):
    """The connection broke while the label was sent: it may have been printed, so it is not sent again."""


def ask_status(printer: PrinterSettings) -> HostStatus:
    """Ask a printer how it is.

    Args:
        printer: Which.

    Returns:
        Its status.

    Raises:
        PrinterError: If it does not answer, or not as a printer does.
    """
    with _connected(printer) as connection:
        return _status(connection, printer)


def send_label(printer: PrinterSettings, zpl: str) -> None:
    """Print; a connection that is not made is tried again, a label under way never is.

    Args:
        printer: Which.
        zpl: One label.

    Raises:
        PrinterError: If it is not reachable, its paper is out, its head open or the like: nothing was sent.
        PrinterUncertainError: If the connection broke while the label was on its way.
    """
    with _connected(printer) as connection:
        if printer.asks_status:
            faults = _status(connection, printer).faults
            if faults:
                raise PrinterError(f"printer {printer.id}: {', '.join(faults)}; nothing was printed")
        try:
            connection.sendall(zpl.encode())
            connection.shutdown(socket.SHUT_WR)
            _drain(connection)
        except OSError as error:
            raise PrinterUncertainError(
                f"printer {printer.id}: the connection broke while the label was sent ({error}): "
                "look whether it was printed"
            ) from error


def _connected(printer: PrinterSettings) -> socket.socket:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            connection = socket.create_connection((printer.host, printer.port), timeout=CONNECT_S)
        except OSError as error:
            if attempt == ATTEMPTS:
                raise PrinterError(
                    f"printer {printer.id} at {printer.host}:{printer.port} does not answer: {error}; is it "
                    "on, and on the network?"
                ) from error
            time.sleep(AGAIN_AFTER_S)
        else:
            connection.settimeout(ANSWER_S)
            return connection
    raise PrinterError(f"printer {printer.id}: no attempt was made")


def _drain(connection: socket.socket) -> None:
    """Let the printer close, or keep the connection open: it has taken all that was sent."""
    until = time.monotonic() + ANSWER_S
    with suppress(TimeoutError):
        while _part(connection, until):
            pass


def _part(connection: socket.socket, until: float) -> bytes:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"no end within {ANSWER_S:g} s")
    connection.settimeout(left)
    return connection.recv(_LONGEST_ANSWER)


def _status(connection: socket.socket, printer: PrinterSettings) -> HostStatus:
    answer = b""
    until = time.monotonic() + ANSWER_S
    try:
        connection.sendall(ASK)
        while not is_whole(answer) and len(answer) < _LONGEST_ANSWER:
            part = _part(connection, until)
            if not part:
                break
            answer += part
        connection.settimeout(ANSWER_S)
        return parse_host_status(answer)
    except OSError as error:
        raise PrinterError(
            f"printer {printer.id} does not say how it is ({error}); asks_status = false if it cannot"
        ) from error
    except StatusUnreadableError as error:
        raise PrinterError(f"printer {printer.id} says {error}; asks_status = false if it cannot") from error
