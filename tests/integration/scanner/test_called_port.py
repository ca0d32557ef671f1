"""Handhelds that call a TCP port: who may call, which call counts, and who is at work after another call."""

import socket
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent.config.settings import ScannerSettings
from edge_agent.readers.ports import CalledPort
from tests.patience import PATIENCE_S

Wait = Callable[[Callable[[], Any]], Any]


def test_a_handheld_that_calls_is_heard_and_its_newest_call_counts(
    gateway: Any, free_port: int, eventually: Wait
) -> None:
    scanner = gateway.attach(
        "handheld-1", f"listen://127.0.0.1:{free_port}?from=127.0.0.1", "zebra_datawedge"
    )
    with eventually(lambda: called(free_port)) as first:
        for text in ("$BADGE/demo-operator", "$SHIP/I-1", "85123A"):
            first.sendall(f"]C0{text}\r".encode())
        eventually(lambda: len(gateway.movements()) == 1)
        first.sendall(b"]C0710")  # its Wi-Fi goes; it knows of nothing
        with called(free_port) as second:
            second.sendall(b"]C071053\r")
            eventually(lambda: len(gateway.movements()) == 2)
            assert scanner.counters.noise_frames == 1
    eventually(lambda: scanner.counters.lost == 2)


def test_another_device_that_calls_does_not_go_on_as_who_was_there_before(
    gateway: Any, free_port: int, eventually: Wait
) -> None:
    scanner = gateway.attach("handheld-1", f"listen://127.0.0.1:{free_port}", "zebra_datawedge")
    with eventually(lambda: called(free_port)) as first:
        for text in ("$BADGE/demo-operator", "$SHIP/I-1", "85123A"):
            first.sendall(f"]C0{text}\r".encode())
        eventually(lambda: len(gateway.movements()) == 1)
    eventually(lambda: scanner.counters.lost == 1)
    another = socket.create_connection(("127.0.0.1", free_port), source_address=("127.0.0.2", 0))
    with another:
        another.sendall(b"]C071053\r")
        eventually(lambda: scanner.counters.frames == 4)
    eventually(lambda: scanner.counters.lost == 2)
    assert len(gateway.movements()) == 1


def test_a_stranger_who_calls_is_not_heard(gateway: Any, free_port: int, eventually: Wait) -> None:
    url = f"listen://127.0.0.1:{free_port}?from=192.0.2.7"
    scanner = gateway.attach("handheld-1", url, "zebra_datawedge")
    with eventually(lambda: called(free_port)) as stranger:
        stranger.sendall(b"]C0$BADGE/demo-operator\r")
        with suppress(ConnectionResetError):
            assert stranger.recv(100) == b""
    assert (scanner.counters.opened, scanner.counters.frames) == (0, 0)


def test_a_stranger_who_calls_during_a_call_does_not_end_it(free_port: int) -> None:
    port = CalledPort(f"listen://127.0.0.1:{free_port}?from=127.0.0.1")
    here = ("127.0.0.1", free_port)
    with closing(port), socket.create_connection(here) as known, closing(port.accept()) as call:
        with socket.create_connection(here, source_address=("127.0.0.2", 0)):
            assert call.read(10) == b""
            known.sendall(b"85123A")
            assert call.read(10) == b"85123A"
        with socket.create_connection(here) as again:
            with pytest.raises(ConnectionResetError, match="calls anew"):
                call.read(10)
            again.sendall(b"71053")
            with closing(port.accept()) as newest:
                assert newest.read(10) == b"71053"


@pytest.mark.parametrize("host", ["[::]", "192.0.2.20", "dock.example"])
def test_a_port_that_others_reach_names_who_may_call(host: str) -> None:
    given = {"id": "h1", "port": f"listen://{host}:9101", "profile": "zebra_datawedge"}
    with pytest.raises(ValidationError, match="anybody could call: expected listen://"):
        ScannerSettings.model_validate(given)
    named = given | {"port": f"{given['port']}?from=192.0.2.31"}
    assert ScannerSettings.model_validate(named).port == named["port"]


def called(port: int) -> socket.socket | None:
    """Call as a handheld does, once somebody listens."""
    try:
        return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    except ConnectionRefusedError:
        return None
