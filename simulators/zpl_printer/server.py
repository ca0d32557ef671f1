"""The printer itself: bytes in at a TCP port, labels kept, `~HS` answered; paper, head and temper as told."""

import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Final

_FORMAT: Final = re.compile(rb"\^XA.*?\^XZ", re.DOTALL)
_ASKED: Final = b"~HS"


@dataclass
class Temper:
    """What is wrong with it; all may be changed while it runs."""

    paper_out: bool = False
    paused: bool = False
    head_open: bool = False
    ribbon_out: bool = False
    is_mute: bool = False
    """Whether it never answers."""
    hangs_up: bool = False
    """Whether it closes the connection as soon as a label begins."""
    babbles: bool = False
    """Whether its answer is none."""


class ZplPrinter:
    """Serves one port, one connection at a time, as such printers do."""

    def __init__(self, port: int = 0) -> None:
        """Listen.

        Args:
            port: On the loopback; 0: any free one.
        """
        self.temper = Temper()
        self.labels: list[str] = []
        """Formats that came whole, in order."""
        self.printed = threading.Condition()
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="zpl-printer")
        self._thread.start()

    def close(self) -> None:
        """Stop listening and join the thread."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def set_out(self, **wrong: bool) -> None:
        """Change what is wrong, the rest being right."""
        for each in fields(Temper):
            setattr(self.temper, each.name, wrong.get(each.name, False))

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(10)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        held = b""
        while data := connection.recv(4096):
            held += data
            while _ASKED in held:
                held = held.replace(_ASKED, b"", 1)
                if not self.temper.is_mute:
                    connection.sendall(b"what?\r\n" if self.temper.babbles else self._status())
            if self.temper.hangs_up and b"^XA" in held:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            for match in _FORMAT.finditer(held):
                with self.printed:
                    self.labels.append(match[0].decode())
                    self.printed.notify_all()
            held = _FORMAT.sub(b"", held)

    def _status(self) -> bytes:
        it = self.temper
        one = f"030,{it.paper_out:d},{it.paused:d},1184,000,0,0,0,000,0,0,0"
        two = f"000,0,{it.head_open:d},{it.ribbon_out:d},0,2,4,0,00000000,1,000"
        return "".join(f"\x02{line}\x03\r\n" for line in (one, two, "1234,0")).encode()
