"""`dockledger api`: API and pages on one port."""

import argparse
import gc
import signal
import socket
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from cloud.db import open_pool
from cloud.gateways.domain import ingest_account
from cloud.gateways.enrolment.service import broker_offer
from cloud.identity.gate import Gate
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

POOL_SIZE: Final = 10
STATEMENT_TIMEOUT: Final = timedelta(seconds=10)
"""A question of a page or program that takes longer is answered 503."""

log = structlog.get_logger()


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    api = subparsers.add_parser(
        "api",
        help="serve the API and the pages",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  dockledger api\n  DOCKLEDGER_HTTP_HOST=0.0.0.0 dockledger api",
    )
    api.set_defaults(run=run_api)


def run_api(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until told to stop.

    Args:
        arguments: The command line.
        settings: `app_dsn`, `http_host`, `http_port`, `network`; with `ingest_dsn` too, gateways hand in
            batches here.

    Returns:
        0 after an orderly stop, 1 if the port cannot be had.
    """
    gc.disable()  # until all is there: to walk again and again what is being imported is a sixth of a start
    import uvicorn  # noqa: PLC0415  half a second that no other command should wait for

    from cloud.ingest.https import HttpsDoor  # noqa: PLC0415  the same
    from cloud.server.app import create_app, settle  # noqa: PLC0415  the same

    del arguments
    dsn = settings.needed("app_dsn")
    try:
        listener = listen(settings.http_host, settings.http_port)
    except OSError as error:
        place = f"http://{settings.http_host}:{settings.http_port}"
        print(f"dockledger: {place} cannot be served: {error}", file=sys.stderr)
        return 1
    with (
        listener,
        open_pool(
            dsn, "dockledger-api", min_size=2, max_size=POOL_SIZE, statement_timeout=STATEMENT_TIMEOUT
        ) as pool,
        ExitStack() as beside,
    ):
        door = None if settings.ingest_dsn is None else HttpsDoor(settings.ingest_dsn)
        if door is not None:
            beside.callback(door.close)
        gate = Gate(pool, lambda: datetime.now(UTC))
        offer = broker_offer(
            settings.gateway_broker_url,
            settings.gateway_broker_ca,
            settings.data_dir,
            {ingest_account(settings.broker_url)},
        )
        app = create_app(gate, network=settings.network, batches=door, offer=offer)
        settle(app)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=3,
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, server.handle_exit)
        log.info("api_starting", host=settings.http_host, port=listener.getsockname()[1])
        server.run([listener])
    return 0


def listen(host: str, port: int) -> socket.socket:
    """Listen, such that each answer leaves at once.

    asyncio turns Nagle's algorithm off only on sockets that name their protocol; those of `create_server`
    name none. Left on, a body waits for the delayed acknowledgement of its headers: 40 ms an answer.

    Args:
        host: An address of this machine.
        port: Where; 0 is any that is free.

    Returns:
        The listening socket; what it accepts is as it is.

    Raises:
        OSError: If the address or port cannot be had.
    """
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
