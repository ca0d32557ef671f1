"""A reader on a TCP port, served by one thread of its own: observations and levels in, LLRP out."""

import contextlib
import queue
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final, Self

from simulators.llrp_reader.faults import Act, Faults
from simulators.llrp_reader.link import Conditions, Link, LinkLostError
from simulators.llrp_reader.messages import name_of
from simulators.llrp_reader.models import GENERIC, ReaderModel
from simulators.llrp_reader.reader import VirtualReader
from simulators.llrp_reader.report import EVERY_FIELD, Observation, encode_report
from simulators.llrp_reader.voice import Outgoing

_US_PER_S: Final = 1_000_000
_LONGEST_WAIT_S: Final = 3600.0
_REMEMBERED_MESSAGES: Final = 1000
_QUEUED_ACTS: Final = 100_000
_NS_PER_US: Final = 1000
_WAKES: Final = 1 << 16


class SteadyClock:
    """Microseconds since 1970 in UTC that only go forward, whatever is done to the machine's clock."""

    def __init__(self) -> None:
        """Take the machine's time once."""
        self._base_us = (time.time_ns() - time.monotonic_ns()) // _NS_PER_US

    def __call__(self) -> int:
        """Give the time."""
        return self._base_us + time.monotonic_ns() // _NS_PER_US


class LlrpReaderServer:
    """Serves one client at a time; the methods may be called from any thread."""

    def __init__(
        self,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        *,
        model: ReaderModel = GENERIC,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """Switch a reader on; it does not listen yet.

        Args:
            listen: Host and port; port 0 takes a free one, and keeps it over ``stop`` and ``start``.
            model: The make.
            clock: The truth in microseconds since 1970, UTC; it must not go back. By default the machine's.
        """
        self._clock = clock or SteadyClock()
        self._listen = listen
        self._reader = VirtualReader(model, self._clock())
        self._conditions = Conditions()
        self._acts: queue.Queue[Act] = queue.Queue(_QUEUED_ACTS)
        self._changed = threading.Condition()
        self._switch = threading.Lock()
        """Held while it is decided who does an act: the serving thread, or the caller when there is none."""
        self._received: deque[str] = deque(maxlen=_REMEMBERED_MESSAGES)
        self._link: Link | None = None
        self._thread: threading.Thread | None = None
        self._is_stopping = False
        self.connections = 0
        """Clients that were served."""
        self.faults = Faults(self._conditions, self._do, self._clock)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, or will."""
        return self._listen

    @property
    def model(self) -> ReaderModel:
        """The make."""
        return self._reader.model

    @property
    def is_connected(self) -> bool:
        """Whether a client is there."""
        return self._link is not None

    @property
    def is_reporting(self) -> bool:
        """Whether a client is there and a ROSpec runs for it."""
        return self._reader.is_reporting

    @property
    def reported_tags(self) -> int:
        """TagReportData entries handed to clients."""
        return self._reader.voice.reported_tags

    @property
    def lost_reports(self) -> int:
        """Reports that a client left no room for by not reading, on its present connection."""
        link = self._link
        return 0 if link is None else link.lost_reports

    @property
    def unheard_tags(self) -> int:
        """Observations while no ROSpec listened to their antenna."""
        return self._reader.unheard_tags

    @property
    def received(self) -> tuple[str, ...]:
        """Names of the latest messages that clients sent, oldest first."""
        return tuple(self._received)

    @property
    def gpo_states(self) -> dict[int, bool]:
        """The outputs, by port."""
        return dict(self._reader.configuration.gpos)

    def start(self) -> None:
        """Listen, on the port that it had before if it had one.

        Raises:
            OSError: If the port is taken.
            RuntimeError: If it listens already.
        """
        if self._thread is not None:
            raise RuntimeError(f"the reader at {self._listen} runs already")
        listener = socket.create_server(self._listen)
        listener.settimeout(0)
        self._listen = listener.getsockname()[:2]
        self._is_stopping = False
        self._wake_reads, self._wake_writes = socket.socketpair()
        self._wake_reads.settimeout(0)
        self._wake_writes.settimeout(0)
        thread = threading.Thread(target=self._serve, args=(listener,), name=f"llrp-reader-{self._listen[1]}")
        with self._switch:
            self._thread = thread
        thread.start()

    def stop(self, *, is_abrupt: bool = False) -> None:
        """Say farewell, close, and join the thread; the reader's memory stays for the next ``start``.

        Args:
            is_abrupt: Reset the connection instead, as when the power goes.
        """
        if self._thread is None:
            return

        def end(reader: VirtualReader, link: Link | None) -> None:
            self._is_stopping = True
            if link is not None and is_abrupt:
                link.reset()
            elif link is not None:
                link.send(reader.bid_farewell(self._clock()), self._clock())

        self._do(end)
        self._thread.join()
        with self._switch:
            self._thread = None
            while not self._acts.empty():
                self._acts.get_nowait()(self._reader, None)
        self._wake_reads.close()
        self._wake_writes.close()

    def report(self, observations: Sequence[Observation]) -> None:
        """Let the antennas find tags, as far as a ROSpec listens to them.

        Args:
            observations: What the air gives.

        Raises:
            ValueError: If one of them cannot be told in LLRP, or there is no such antenna.
        """
        for each in observations:
            if not 1 <= each.antenna <= self.model.antennas:
                raise ValueError(f"antenna {each.antenna}: expected 1 to {self.model.antennas}")
        encode_report(observations, EVERY_FIELD)
        self._do(lambda reader, _: self._send(reader.observe(observations, self._clock())))

    def gpi(self, port: int, is_high: bool) -> None:  # noqa: FBT001  the level is what is told
        """Change the level of an input.

        Args:
            port: From 1.
            is_high: High means that a beam is broken.

        Raises:
            ValueError: If there is no such port.
        """
        if not 1 <= port <= self.model.gpis:
            raise ValueError(f"GPI port {port}: expected 1 to {self.model.gpis}")
        self._do(lambda reader, _: self._send(reader.change_gpi(port, self._clock(), is_high=is_high)))

    def plug_antenna(self, antenna: int, *, is_plugged: bool) -> None:
        """Plug an antenna's cable in, or pull it.

        Args:
            antenna: From 1.
            is_plugged: The new state.

        Raises:
            ValueError: If there is no such antenna.
        """
        if not 1 <= antenna <= self.model.antennas:
            raise ValueError(f"antenna {antenna}: expected 1 to {self.model.antennas}")
        self._do(
            lambda reader, _: self._send(reader.plug_antenna(antenna, self._clock(), is_plugged=is_plugged))
        )

    def raise_exception(self, text: str) -> None:
        """Let the reader tell of an exception inside it.

        Args:
            text: What it says.
        """
        self._do(lambda reader, _: self._send(reader.raise_exception(text, self._clock())))

    def wait_for(self, is_so: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something holds of this reader, looking again whenever it did something.

        Args:
            is_so: What to wait for.
            timeout_s: Patience.

        Returns:
            Whether it came to hold.
        """
        with self._changed:
            return self._changed.wait_for(is_so, timeout_s)

    def _do(self, act: Act) -> None:
        with self._switch:
            if self._thread is None:
                act(self._reader, None)
                return
        self._acts.put(act)
        try:
            self._wake_writes.send(b"\0")
        except OSError:
            return  # enough waking is under way, or it has just stopped, and then does the act itself

    def _serve(self, listener: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, listener:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(self._wake_reads, selectors.EVENT_READ)
            while not self._is_stopping:
                ready = {key.fileobj for key, _ in selector.select(self._patience_s())}
                self._turn(selector, ready)
                if listener in ready:
                    self._accept(selector, listener)
                self._tell()
            self._drop(selector)
        self._tell()

    def _turn(self, selector: selectors.BaseSelector, ready: Collection[object]) -> None:
        try:
            if self._wake_reads in ready:
                self._wake_reads.recv(_WAKES)
            self._act(selector)  # before the client's messages: what was done first counts for them
            if self._link is not None and self._link.peer in ready:
                self._hear(self._link)
            if self._reader.due_us() <= self._clock():
                self._send(self._reader.advance(self._clock()))
                if self._conditions.is_silent:
                    self._reader.forgive()
            if self._link is not None:
                self._link.flush(self._clock())
                if self._reader.is_closing and self._link.is_drained:
                    self._drop(selector)
        except LinkLostError:
            self._drop(selector)
        if self._link is not None:
            self._await(selector, self._link)

    def _hear(self, link: Link) -> None:
        for data in link.receive():
            self._received.append(name_of(data) or "unknown")
            if not self._conditions.is_silent:
                self._send(self._reader.receive(data, self._clock()))

    def _act(self, selector: selectors.BaseSelector) -> None:
        while True:
            try:
                act = self._acts.get_nowait()
            except queue.Empty:
                return
            try:
                act(self._reader, self._link)
            except LinkLostError:
                self._drop(selector)  # the acts after it still count

    def _send(self, outgoing: list[Outgoing]) -> None:
        if self._link is not None:
            self._link.send(outgoing, self._clock())

    def _accept(self, selector: selectors.BaseSelector, listener: socket.socket) -> None:
        try:
            peer, _ = listener.accept()
        except OSError:
            return  # gone before it was served
        now_us = self._clock()
        if self._link is not None:
            self._turn_away(peer)
            self._send(self._reader.tell_of_attempt(now_us))
        else:
            self._link = Link(peer, self._conditions)
            selector.register(peer, selectors.EVENT_READ)
            self.connections += 1
            self._send(self._reader.connect(now_us))
        self._await(selector, self._link)

    def _turn_away(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):  # it may be gone already
            if not self._conditions.is_silent:
                peer.send(self._reader.refusal(self._clock()))

    @staticmethod
    def _await(selector: selectors.BaseSelector, link: Link) -> None:
        writing = selectors.EVENT_WRITE if link.wants_to_write else 0
        selector.modify(link.peer, selectors.EVENT_READ | writing)

    def _drop(self, selector: selectors.BaseSelector) -> None:
        if self._link is not None:
            selector.unregister(self._link.peer)
            self._link.close()
            self._link = None
            self._reader.disconnect()

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _patience_s(self) -> float:
        due_us = self._reader.due_us()
        if self._link is not None:
            due_us = min(due_us, self._link.due_us)
        return min(_LONGEST_WAIT_S, max(0.0, (due_us - self._clock()) / _US_PER_S))
