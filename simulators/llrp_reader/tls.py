"""A reader's secure port: takes TLS in front and speaks plainly to the simulated reader behind it."""

import asyncio
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

_CHUNK_BYTES: Final = 65536


class TlsFront:
    """Serves on a thread of its own; each client gets a connection of its own to the reader behind."""

    def __init__(
        self,
        certificate: Path,
        behind: tuple[str, int],
        listen: tuple[str, int] = ("127.0.0.1", 0),
        *,
        client_authority: Path | None = None,
    ) -> None:
        """Prepare; ``start`` listens.

        Args:
            certificate: PEM file with the reader's certificate and key.
            behind: Where the reader speaks plainly.
            listen: Where to listen; port 0 lets the system choose.
            client_authority: PEM file with who must have signed the client's certificate; None asks for none.
        """
        self.certificate = certificate
        self.address = listen
        self._behind = behind
        self._authority = client_authority
        self._over: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="tls-front")

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.address[1]

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Close everything and join the thread."""
        if self._loop is not None and self._over is not None:
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        if self._authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self._authority)
        try:
            server = await asyncio.start_server(self._accepted, *self.address, ssl=context)
            self.address = server.sockets[0].getsockname()[:2]
        finally:
            self._ready.set()
        await self._over.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(*self._behind)
        try:
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        except (OSError, asyncio.CancelledError):
            return
        finally:
            writer.close()
            inner_writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK_BYTES):
        sink.write(data)
        await sink.drain()
    with suppress(OSError):
        sink.close()
