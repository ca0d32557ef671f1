"""A client for tests, on the simulator's own codec; real clients are tested elsewhere."""

import socket
from collections.abc import Callable
from typing import Self

from simulators.llrp_reader.element import Element
from simulators.llrp_reader.messages import Framer, Message, decode_message, encode_message, message
from simulators.llrp_reader.vocabulary import StatusCode
from tests.patience import PATIENCE_S
from tests.unit.simulators_llrp.specs import IMMEDIATELY, report_spec, rospec, status


class Client:
    """One connection to a reader."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.peer = socket.create_connection(address, PATIENCE_S)
        self.peer.settimeout(PATIENCE_S)
        self.chunks = 0
        """How many times bytes arrived."""
        self._framer = Framer()
        self._waiting: list[bytes] = []
        self._last_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.peer.close()

    def receive(self) -> bytes:
        """Give the next whole message; EOFError if the reader closed."""
        while not self._waiting:
            data = self.peer.recv(1 << 16)
            if not data:
                raise EOFError
            self.chunks += 1
            self._waiting += self._framer.feed(data)
        return self._waiting.pop(0)

    def bytes_until_reset(self) -> bytes:
        """Give the raw bytes that arrive before the reader resets the connection."""
        received = b""
        while True:
            try:
                data = self.peer.recv(1 << 16)
            except ConnectionResetError:
                return received
            assert data, "closed, not reset"
            received += data

    def names_until_silence(self, seconds: float) -> list[str]:
        """Give the names of messages until nothing has come for a while."""
        self.peer.settimeout(seconds)
        names = []
        while True:
            try:
                names.append(self.next().name)
            except TimeoutError:
                self.peer.settimeout(PATIENCE_S)
                return names

    def next(self) -> Message:
        return decode_message(self.receive())

    def until(self, is_it: Callable[[Message], bool]) -> Message:
        while True:
            found = self.next()
            if found.name == "KEEPALIVE":
                self.send("KEEPALIVE_ACK")
            if is_it(found):
                return found

    def send(self, name: str, *parameters: Element, **fields: int) -> int:
        self._last_id += 1
        self.peer.sendall(encode_message(message(name, *parameters, message_id=self._last_id, **fields)))
        return self._last_id

    def ask(self, name: str, *parameters: Element, **fields: int) -> Element:
        """Give the body of the response."""
        number = self.send(name, *parameters, **fields)
        return self.until(lambda each: each.message_id == number and is_answer(each)).body

    def begin(self, *settings: Element, spec: Element | None = None) -> Self:
        """Configure the reader and start an inventory."""
        assert event(self.next()).name == "ConnectionAttemptEvent"
        for response in (
            self.ask("SET_READER_CONFIG", *settings, ResetToFactoryDefault=1),
            self.ask("ADD_ROSPEC", spec or rospec(start=IMMEDIATELY, report=report_spec())),
            self.ask("ENABLE_ROSPEC", ROSpecID=1),
        ):
            assert status(response) is StatusCode.M_Success
        return self


def is_answer(each: Message) -> bool:
    return each.name.endswith("_RESPONSE") or each.name == "ERROR_MESSAGE"


def event(each: Message) -> Element:
    return each.body.one("ReaderEventNotificationData").parameters[1]


def numbers(report: Message) -> list[int]:
    """Give the tags' numbers in a report."""
    epcs = [entry.one("EPC_96").fields["EPC"] for entry in report.body.parameters]
    return [int.from_bytes(epc) for epc in epcs if isinstance(epc, bytes)]


def is_report(each: Message) -> bool:
    return each.name == "RO_ACCESS_REPORT"
