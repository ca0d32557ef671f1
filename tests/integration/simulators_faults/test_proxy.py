"""A real socket through the proxy: what passes, what breaks, and that nothing is left running."""

import random
import socket
import threading
from collections.abc import Iterator

import pytest

from simulators.faults.broken_tcp import Breakage, BrokenLink
from simulators.faults.lossy_mqtt import LossyLink, Odds
from simulators.faults.proxy import Ending, Proxy
from tests.patience import PATIENCE_S

PUBACK = b"\x40\x02\x00\x01"


def _echo(listener: socket.socket) -> None:
    with listener:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                try:
                    while data := peer.recv(65536):
                        peer.sendall(data)
                except OSError:
                    continue


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_echo, args=(listener,))
    thread.start()
    yield listener.getsockname()
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def connect(proxy: Proxy) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE_S)
    peer.settimeout(PATIENCE_S)
    return peer


def drained(peer: socket.socket) -> bytes:
    received = b""
    while data := peer.recv(65536):
        received += data
    return received


def test_a_sound_link_passes_every_byte_both_ways(echo: tuple[str, int]) -> None:
    sent = random.Random(1).randbytes(1_000_000)
    with Proxy(echo, BrokenLink(Breakage(crumb_bytes=5000), seed=1)) as proxy, connect(proxy) as peer:
        writer = threading.Thread(target=lambda: (peer.sendall(sent), peer.shutdown(socket.SHUT_WR)))
        writer.start()
        assert drained(peer) == sent
        writer.join()


def exchange(proxy: Proxy, messages: int = 100) -> None:
    with connect(proxy) as peer:
        for _ in range(messages):
            peer.sendall(b"x" * 50)
            if not peer.recv(50):
                raise ConnectionResetError


def test_a_reset_reaches_the_client(echo: tuple[str, int]) -> None:
    breaking = BrokenLink(Breakage(Ending.RESET, after_bytes=100), seed=1)
    with Proxy(echo, breaking) as proxy, pytest.raises(ConnectionError):
        exchange(proxy)


def test_a_half_closed_link_still_carries_the_other_direction(echo: tuple[str, int]) -> None:
    breaking = BrokenLink(Breakage(Ending.HALF_CLOSE, after_bytes=100), seed=3)
    with Proxy(echo, breaking) as proxy, connect(proxy) as peer:
        peer.sendall(b"x" * 200)
        assert len(drained(peer)) < 100


def test_a_stalled_link_says_nothing_and_stays_open(echo: tuple[str, int]) -> None:
    breaking = BrokenLink(Breakage(Ending.STALL, after_bytes=10), seed=1)
    with Proxy(echo, breaking) as proxy, connect(proxy) as peer:
        peer.sendall(b"x" * 100)
        peer.settimeout(0.2)
        with pytest.raises(TimeoutError):
            drained(peer)


def test_a_cut_link_refuses_until_it_is_healed(echo: tuple[str, int]) -> None:
    with Proxy(echo, BrokenLink(Breakage(), seed=1)) as proxy:
        proxy.cut()
        with pytest.raises(ConnectionError):
            exchange(proxy)
        proxy.heal()
        exchange(proxy)


def test_a_lossy_link_drops_packets_and_keeps_the_rest_whole(echo: tuple[str, int]) -> None:
    with Proxy(echo, LossyLink(Odds(drop=0.5), seed=1)) as proxy, connect(proxy) as peer:
        peer.sendall(PUBACK * 1000)
        peer.shutdown(socket.SHUT_WR)
        received = drained(peer)
    assert received == PUBACK * (len(received) // len(PUBACK))
    assert 200 < len(received) // len(PUBACK) < 300


def test_nothing_is_left_running_after_close(echo: tuple[str, int]) -> None:
    threads = threading.active_count()
    proxy = Proxy(echo, BrokenLink(Breakage(), seed=1))
    with connect(proxy) as peer:
        peer.sendall(b"x")
        assert peer.recv(1) == b"x"
        proxy.close()
        with pytest.raises(ConnectionError):
            peer.recv(1)
    assert threading.active_count() == threads
