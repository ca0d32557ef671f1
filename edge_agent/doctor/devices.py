"""What a gateway reaches for: broker, readers and scanners asked; findings out."""

import os
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from contracts.topics import Channel, topic
from edge_agent.config.settings import AgentSettings, ScannerSettings
from edge_agent.doctor.finding import Finding, note, problem, well
from edge_agent.publish.address import BrokerAddress
from edge_agent.publish.mqtt import Connected, LinkEvent, MqttLink, Refused
from edge_agent.readers.iot.check import check_iot_reader
from edge_agent.readers.iot.settings import IotReaderSettings
from edge_agent.readers.llrp.check import check_reader
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.ways import broker_of

CONNECT_S: Final = 3.0
ANSWER_S: Final = 8.0
EXPIRES_SOON: Final = timedelta(days=14)


def about_broker(settings: AgentSettings, *, is_running: bool) -> Iterator[Finding]:
    """Reach for the broker; while the agent runs, not under its name, which would end its connection.

    Args:
        settings: The agent's.
        is_running: Whether the agent runs.

    Yields:
        Findings.
    """
    broker = broker_of(settings)
    if broker is None:
        yield well("broker", 'none is used: publish = "https"')
        return
    where = f"{broker.host}:{broker.port}"
    try:
        with socket.create_connection((broker.host, broker.port), timeout=CONNECT_S) as plain:
            certificate = _handshake(plain, broker) if broker.is_tls else None
    except (ssl.SSLError, FileNotFoundError) as error:
        mend = "check broker_ca, broker_certificate and their dates; the clock must be right for any of them"
        yield problem("broker", f"{where}: no TLS: {_words(error)}", mend)
        return
    except OSError as error:
        yield problem(
            "broker",
            f"{where} does not answer: {error}",
            "check broker_url, the network, and whether the broker runs",
        )
        return
    if certificate is None:
        yield note(
            "broker",
            f"{where} answers, without TLS: passwords and records travel readably",
            "mqtts:// with broker_ca",
        )
    else:
        yield from _about_certificate(where, certificate)
    if is_running:
        yield note("broker", "its credentials are not tried while the agent runs")
    else:
        yield _about_credentials(settings, broker, where)


def about_reader(reader: ReaderSettings) -> Finding:
    """Ask a reader what it can do and compare that with its profile; nothing in it is changed.

    Args:
        reader: Its settings.

    Returns:
        How it is.
    """
    subject = f"reader {reader.id}"
    found = check_reader(reader, dry_run=True)
    where = f"{found.address[0]}:{found.address[1]}"
    if found.refusal is not None:
        return problem(
            subject, f"{where}: {found.refusal}", f"`edge-agent reader check {reader.id}` says more"
        )
    wrong = () if found.fit is None else found.fit.mismatches
    if wrong:
        return problem(
            subject,
            f"{where} cannot do what is asked: {'; '.join(map(str, wrong))}",
            f"`edge-agent reader check {reader.id}` says more",
        )
    can = found.can
    what = "" if can is None else f", {can.antennas} antennas, firmware {can.firmware}"
    return well(subject, f"{where} does what profile {found.profile.name} asks{what}")


def about_iot_reader(reader: IotReaderSettings) -> Finding:
    """See whether the way to a reader that speaks JSON is open.

    Args:
        reader: Its settings.

    Returns:
        How it is.
    """
    subject = f"reader {reader.id}"
    found = check_iot_reader(reader)
    if not found.is_well:
        return problem(subject, f"{found.url}: {found.detail}", "check url, user, password and the network")
    if found.silence_s is None:
        advice = "silent_after_s, if tags are always in sight"
        return note(subject, f"{found.url}: {found.detail}; if it falls silent, nobody notices", advice)
    return well(subject, f"{found.url}: {found.detail}")


def about_scanner(scanner: ScannerSettings, *, is_running: bool) -> Finding:
    """Look for a scanner; nothing is sent to it.

    Args:
        scanner: Its settings.
        is_running: Whether the agent runs, and so has it open.

    Returns:
        How it is.
    """
    subject = f"scanner {scanner.id}"
    if scanner.port.startswith("listen://"):
        return well(subject, f"{scanner.port}: the scanner calls, so there is nobody to ask")
    keyboard = scanner.port.removeprefix("evdev://")
    if keyboard != scanner.port:
        return _about_device(subject, Path(keyboard), os.R_OK)
    if "://" not in scanner.port:
        return _about_device(subject, Path(scanner.port), os.R_OK | os.W_OK)
    if is_running:
        return note(subject, f"{scanner.port} is not tried while the agent runs")
    return _about_socket(subject, scanner.port)


def _about_device(subject: str, path: Path, rights: int) -> Finding:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        others = sorted(str(each) for each in Path("/dev/serial/by-id").glob("*"))
        there = f"there are: {', '.join(others)}" if others else "no serial device is plugged in"
        return problem(
            subject, f"{path} is not there: {error.strerror}", f"plug it in, or correct port; {there}"
        )
    if not stat.S_ISCHR(mode):
        return problem(subject, f"{path} is no serial device", "port names a device, as /dev/serial/by-id/…")
    if not os.access(path, rights):
        return problem(
            subject,
            f"{path} cannot be opened by this user",
            f"add the agent's user to the group {path.group()}",
        )
    if path.name.startswith(("ttyUSB", "ttyACM", "event")):
        return note(
            subject,
            f"{path} is there, under a name that changes when it is plugged in again",
            'port = "/dev/serial/by-id/…", or "evdev:///dev/input/by-id/…"',
        )
    return well(subject, f"{path} is there and may be opened")


def _handshake(plain: socket.socket, broker: BrokerAddress) -> dict[str, object]:
    context = ssl.create_default_context(cafile=broker.ca)
    if broker.certificate is not None:
        context.load_cert_chain(broker.certificate)
    with context.wrap_socket(plain, server_hostname=broker.host) as encrypted:
        return dict(encrypted.getpeercert() or {})


def _about_certificate(where: str, certificate: dict[str, object]) -> Iterator[Finding]:
    ends_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    text = f"{where} answers, its certificate ends on {ends_at:%Y-%m-%d}"
    if ends_at - datetime.now(UTC) < EXPIRES_SOON:
        yield note("broker", text, "renew it in time: afterwards rows are kept here until it is")
    else:
        yield well("broker", text)


def _about_credentials(settings: AgentSettings, broker: BrokerAddress, where: str) -> Finding:
    answers: list[LinkEvent] = []
    answered = threading.Event()

    def hear(event: LinkEvent) -> None:
        answers.append(event)
        answered.set()

    link = MqttLink(
        broker,
        client_id=settings.gateway,
        subscriptions=(topic(settings.site, settings.gateway, Channel.ACK),),
        on_event=hear,
    )
    link.start()
    answered.wait(ANSWER_S)
    link.stop()
    match next((each for each in answers if isinstance(each, Connected | Refused)), None):
        case Connected(protocol=protocol):
            return well(
                "broker", f"{where} takes the credentials of {broker.username or 'nobody'}, {protocol}"
            )
        case Refused(reason=reason):
            return problem(
                "broker",
                f"{where} refuses {broker.username or 'a nameless client'}: {reason}",
                "take user and password from `dockledger gateway add`",
            )
        case _:
            return problem(
                "broker", f"{where} is no MQTT broker, or says nothing", "check the port in broker_url"
            )


def _about_socket(subject: str, url: str) -> Finding:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=CONNECT_S).close()
    except OSError as error:
        return problem(
            subject,
            f"{url} does not answer: {error}",
            "check address and port, and whether the scanner is on",
        )
    return well(subject, f"{url} answers")


def _words(error: OSError) -> str:
    return getattr(error, "verify_message", "") or error.strerror or str(error)
