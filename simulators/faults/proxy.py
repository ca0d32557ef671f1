"""A TCP proxy in a thread of its own; what happens to the bytes is a filter's decision."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol, Self

_READ_BYTES: Final = 64 * 1024
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Ending(Enum):
    """What becomes of the connection after a delivery."""

    RESET = auto()
    """Both sides get a TCP reset."""
    HALF_CLOSE = auto()
    """This direction ends; the other lives on."""
    STALL = auto()
    """Nothing passes any more in either direction, and nobody is told."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes to pass on."""

    data: bytes
    after_s: float = 0.0
    ending: Ending | None = None


class Filter(Protocol):
    """Decides what passes in one direction of one connection."""

    def feed(self, data: bytes) -> Sequence[Delivery]:
        """Take bytes that arrived.

        Args:
            data: At least one byte.

        Returns:
            What to pass on, in order.

        Raises:
            ValueError: If the bytes make no sense; the connection is then reset.
        """


class _Connection:
    def __init__(self, task: "asyncio.Task[None]", writer: asyncio.StreamWriter) -> None:
        self.task = task
        self.writers = [writer]
        self.half_closed: set[asyncio.StreamWriter] = set()
        self.is_stalled = False
        self.ended = asyncio.Event()

    def write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if data and writer not in self.half_closed and not writer.is_closing():
            writer.write(data)

    def half_close(self, writer: asyncio.StreamWriter) -> None:
        if writer not in self.half_closed and not writer.is_closing():
            self.half_closed.add(writer)
            writer.write_eof()

    def reset(self) -> None:
        self.ended.set()
        for writer in self.writers:
            peer = writer.get_extra_info("socket")
            if not writer.is_closing() and peer is not None:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()


class Proxy:
    """Listens on loopback, passes each connection to the upstream through a pair of filters."""

    def __init__(
        self, upstream: tuple[str, int], make_filters: Callable[[], tuple[Filter, Filter]], *, port: int = 0
    ) -> None:
        """Start listening.

        Args:
            upstream: Host and port to connect to.
            make_filters: Called for each connection: filters towards the upstream and back.
            port: Port to listen on; 0 takes a free one.

        Raises:
            OSError: If the port is taken.
        """
        self._upstream = upstream
        self._make_filters = make_filters
        self._connections: set[_Connection] = set()
        self._is_cut = False
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"proxy-{self.port}")
        self._thread.start()

    def cut(self) -> None:
        """Part the two sides: reset what is open, refuse what comes, until healed."""
        self._call(self._cut)

    def heal(self) -> None:
        """Let connections through again."""
        self._call(self._heal)

    def close(self) -> None:
        """End every connection and join the thread."""
        self._call(self._ended.set)
        self._thread.join()

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _call(self, action: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(action)

    def _cut(self) -> None:
        self._is_cut = True
        for connection in self._connections:
            connection.reset()

    def _heal(self) -> None:
        self._is_cut = False

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accepted, sock=self._listener)
        async with server:
            await self._ended.wait()
            self._cut()
            await asyncio.gather(*(connection.task for connection in self._connections))

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine always runs in a task
        connection = _Connection(task, writer)
        self._connections.add(connection)
        try:
            await self._join(connection, reader)
        except (OSError, ValueError):
            connection.reset()
        finally:
            self._connections.discard(connection)
            for open_writer in connection.writers:
                open_writer.close()

    async def _join(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        if self._is_cut:
            connection.reset()
            return
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        connection.writers.append(up_writer)
        there, back = self._make_filters()
        await asyncio.gather(
            self._pump(connection, reader, up_writer, there),
            self._pump(connection, up_reader, connection.writers[0], back),
        )

    async def _pump(
        self,
        connection: _Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        judge: Filter,
    ) -> None:
        while data := await reader.read(_READ_BYTES):
            for delivery in judge.feed(data):
                if connection.is_stalled:
                    await connection.ended.wait()
                self._deliver(connection, writer, delivery)
            if writer.is_closing():
                return
            await writer.drain()
        connection.half_close(writer)

    def _deliver(self, connection: _Connection, writer: asyncio.StreamWriter, delivery: Delivery) -> None:
        if delivery.after_s:
            self._loop.call_later(delivery.after_s, connection.write, writer, delivery.data)
        else:
            connection.write(writer, delivery.data)
        match delivery.ending:
            case Ending.RESET:
                connection.reset()
            case Ending.HALF_CLOSE:
                connection.half_close(writer)
            case Ending.STALL:
                connection.is_stalled = True
            case _:
                pass
