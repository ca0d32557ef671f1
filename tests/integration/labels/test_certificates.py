"""Certificates of gateways in the cloud: signed once for each request, their end told, called back."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography import x509

from cloud.db import open_pool
from cloud.gateways.broker import service as at_broker
from cloud.gateways.broker.domain import LATE_AFTER, LIFE
from cloud.gateways.broker.files import BrokerFiles
from cloud.gateways.certificates import service
from cloud.gateways.certificates.authority import (
    CA_FILE,
    CA_KEY_FILE,
    MOST_CHAIN_BYTES,
    Authority,
    load_authority,
    make_authority,
)
from cloud.gateways.certificates.domain import CertificateWishError, UnknownCertificateError
from cloud.gateways.credentials import service as credentials
from cloud.gateways.credentials.domain import mosquitto_hash
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.local.broker.embedded import find_program
from cloud.local.process import Service, accepts_connections, free_port
from cloud.local.supervisor import running
from contracts.gateway import CertificateHealth, IssuedCertificate
from edge_agent.certificates.keeper import write_private
from edge_agent.certificates.x509 import facts_of, new_key, request_for, require_fit
from tests.integration.ledger.scenario import LATER, SITE, Ledger, open_ledger
from tests.integration.local.test_broker import Listener, wait_until_accepted
from tests.patience import PATIENCE_S

MOSQUITTO = find_program("mosquitto")

ADMIN = Actor("user:root", frozenset({Role.ADMIN}), frozenset({SITE}))
NETWORK = Actor("user:root", frozenset({Role.ADMIN}), all_sites=True)
OPERATOR = Actor("user:olga", frozenset({Role.OPERATOR}), frozenset({SITE}))


@pytest.fixture
def ledger(database: object) -> Iterator[Ledger]:
    with open_ledger(database) as ledger:
        yield ledger


def says(ledger: Ledger, gateway: str = "gw-1", **fields: Any) -> None:
    """Let a gateway's heartbeat say how its certificate is."""
    said = CertificateHealth.model_validate(fields).model_dump(mode="json")
    health = orjson.dumps({"certificate": said}).decode()
    ledger.as_ingest(
        lambda conn: conn.execute(
            "INSERT INTO gateway_status (gateway_id, presence, heard_at, status, health, health_at) "
            "SELECT gateway_id, 'online', now(), '{}', %s::jsonb, now() FROM gateway WHERE name = %s "
            "ON CONFLICT (gateway_id) DO UPDATE SET health = excluded.health",
            (health, gateway),
        )
    )


def sent(ledger: Ledger) -> list[IssuedCertificate]:
    rows = ledger.query(
        "SELECT payload FROM gateway_message WHERE channel = 'certificate' ORDER BY message_id"
    )
    return [IssuedCertificate.model_validate(payload) for (payload,) in rows]


def test_a_heartbeat_is_answered_once_people_are_told_at_each_stage_and_a_stolen_key_is_called_back(
    ledger: Ledger, database: Any, tmp_path: Path
) -> None:
    key = new_key()
    request = request_for(key, "gw-1")
    says(ledger, request=request)
    with open_pool(database.app_dsn, "test-certificates", max_size=1) as pool:

        def follow(now: datetime = LATER) -> Any:
            return service.follow(pool, service.JOB, now, directory=tmp_path)

        def tickets(state: str = "open") -> list[tuple]:
            return ledger.query(
                "SELECT kind, severity, summary FROM ticket WHERE state = %s ORDER BY ticket_id", state
            )

        assert follow() == {"signed": 0, "refused": 0}, "nobody signs here: somebody else does"
        authority = make_authority(tmp_path, network="test", now=LATER)
        assert (tmp_path / CA_KEY_FILE).stat().st_mode & 0o777 == 0o600
        with pytest.raises(CertificateWishError, match="is there already"):
            make_authority(tmp_path, network="test", now=LATER)
        assert follow() == {"signed": 1, "refused": 0}
        assert follow() == {"signed": 0, "refused": 0}, "the heartbeat says it again until it is there"
        (answer,) = sent(ledger)
        facts = require_fit(answer.certificate.encode(), key, "gw-1")
        assert (facts.not_after - LATER).days == 90
        chain = x509.load_pem_x509_certificates(answer.certificate.encode())
        chain[0].verify_directly_issued_by(chain[1])
        assert facts_of((tmp_path / CA_FILE).read_bytes()).subject == "test gateways"

        says(ledger, "gw-2", request=request)
        assert follow() == {"signed": 0, "refused": 1}
        assert "the request is for 'gw-1': expected 'gw-2'" in tickets()[0][2]
        says(ledger, "gw-2", request=request_for(new_key(), "gw-2"))
        assert follow()["signed"] == 1
        assert tickets() == []

        stages = (
            (60, None),
            (29, "info"),
            (13, "warning"),
            (6, "critical"),
            (0.5, "critical"),
            (-1, "critical"),
        )
        for days, severity in stages:
            says(ledger, not_after=facts.not_after, serial=facts.serial)
            follow(facts.not_after - timedelta(days=days))
            follow(facts.not_after - timedelta(days=days))
            assert [each[:2] for each in tickets()] == ([("certificate_ends", severity)] if severity else [])
        assert tickets()[0][2].startswith("Gateway gw-1: its certificate has ended, on ")
        assert len(tickets("resolved")) == 5, "a refusal, and the four stages before"
        says(ledger, not_after=facts.not_after + timedelta(days=90), serial="ab")
        assert (follow()["signed"], tickets()) == (0, [])

    def certificates(actor: Actor = ADMIN) -> Any:
        return ledger.as_app(lambda conn: service.certificates(conn, actor, gateway="gw-1", limit=9))

    def revoke(serial: str, why: str = "stolen", actor: Actor = ADMIN) -> None:
        ledger.as_app(lambda conn: service.revoke(conn, actor, gateway="gw-1", serial=serial, why=why))

    assert [(row.serial, row.is_in_use, row.revoked_at) for row in certificates()] == [
        (facts.serial, False, None)
    ]
    with pytest.raises(CertificateWishError, match="1 to 200"):
        revoke(facts.serial, " ")
    with pytest.raises(NotAllowedError):
        revoke(facts.serial, actor=OPERATOR)
    for why in ("stolen", "twice"):
        revoke(facts.serial, why)
    with pytest.raises(UnknownCertificateError, match="no certificate 'abc'"):
        revoke("abc")
    listed = ledger.as_app(lambda conn: at_broker.revoked(conn, NETWORK, authority=authority, now=LATER))
    crl = x509.load_pem_x509_crl(listed.encode())
    assert [f"{each.serial_number:x}" for each in crl] == [facts.serial]
    assert crl.is_signature_valid(authority.certificate.public_key())
    assert ledger.query("SELECT action FROM audit_event WHERE target = 'gateway:gw-1' ORDER BY audit_id") == [
        ("gateway_certificate_issued",),
        ("gateway_certificate_revoked",),
    ]


def test_whoever_holds_a_certificate_that_was_called_back_gets_no_other_one_until_a_person_signs(
    ledger: Ledger, database: Any, tmp_path: Path
) -> None:
    authority = make_authority(tmp_path, network="test", now=LATER)
    stolen, wished = request_for(new_key(), "gw-1"), request_for(new_key(), "gw-1")

    def sign(request: str) -> str:
        return ledger.as_app(
            lambda conn: service.sign(
                conn, ADMIN, gateway="gw-1", request=request, authority=authority, now=LATER
            )
        )

    def tickets() -> list[tuple]:
        return ledger.query("SELECT kind, summary FROM ticket WHERE state = 'open'")

    with open_pool(database.app_dsn, "test-certificates", max_size=1) as pool:

        def follow() -> Any:
            return service.follow(pool, service.JOB, LATER, directory=tmp_path)

        says(ledger, request=stolen)
        assert follow() == {"signed": 1, "refused": 0}
        serial = facts_of(sent(ledger)[0].certificate.encode()).serial
        ledger.as_app(lambda conn: service.revoke(conn, ADMIN, gateway="gw-1", serial=serial, why="stolen"))
        says(ledger, serial=serial, request=wished)
        for _ in range(2):
            assert follow() == {"signed": 0, "refused": 1}, "a new key is signed no more"
        ((kind, summary),) = tickets()
        assert (kind, "a person signs" in summary) == ("certificate_refused", True)
        with pytest.raises(CertificateWishError, match="expected a request of a new key"):
            sign(stolen)
        sign(wished)
        assert tickets() == []
        says(ledger, serial=serial, request=request_for(new_key(), "gw-1"))
        assert follow() == {"signed": 1, "refused": 0}, "by itself again from then on"

        def listed(more: dict[str, datetime]) -> dict[str, datetime]:
            ledger.as_app(lambda conn: service.revoke_forgotten(conn, NETWORK, serials=more))
            crl = ledger.as_app(lambda conn: at_broker.revoked(conn, NETWORK, authority=authority, now=LATER))
            return authority.serials_of(crl.encode(), place="new.crl")

        before = listed({})
        assert list(before) == [serial]
        old = authority.revoked([*before.items(), ("abc", LATER)], now=LATER, life=timedelta(1))
        ledger.as_owner(
            lambda conn: conn.execute(
                "UPDATE gateway_certificate SET revoked_at = NULL, revoked_by = NULL, revoked_why = NULL, "
                "issued_by = 'job:certificates'"
            )
        )
        assert listed({}) == {}, "what a restore forgets"
        expected = {**before, "abc": LATER}
        assert listed(authority.serials_of(old.encode(), place="old.crl")) == expected
        assert listed({}) == expected
        says(ledger, serial=serial, request=request_for(new_key(), "gw-1"))
        assert follow() == {"signed": 0, "refused": 1}, "nor does its holder get another one"
    with pytest.raises(CertificateWishError, match=r"serial 'ABC': expected 1 to 40 digits"):
        listed({"ABC": LATER})
    (tmp_path / "other").mkdir()
    other = make_authority(tmp_path / "other", network="test", now=LATER)
    with pytest.raises(CertificateWishError, match=r"old\.crl: expected a list that this authority signed"):
        other.serials_of(old.encode(), place="old.crl")
    with pytest.raises(CertificateWishError, match=r"x: expected a list of revoked certificates in PEM"):
        other.serials_of(b"x", place="x")


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto, which is told, is not installed")
def test_the_broker_learns_by_itself_what_was_called_back_and_which_password_ended(
    ledger: Ledger, database: Any, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    authority = make_authority(tmp_path, network="test", now=now - timedelta(days=1))
    told = tmp_path / "told"
    told.mkdir()
    others = f"dockledger:{mosquitto_hash('ours', bytes(12))}\n# M".encode() + b"\xfcller\x85\x0c \n"
    (told / "passwords").write_bytes(others)
    key = new_key()
    pem = signed(ledger, authority, request_for(key, "gw-1"), now).encode()
    serial = facts_of(pem).serial
    write_private(certificate := tmp_path / "gw-1.pem", pem + key)

    def secret() -> str:
        return ledger.as_app(lambda conn: credentials.make_secret(conn, ADMIN, gateway="gw-1"))

    with open_pool(database.app_dsn, "test-broker", max_size=1) as pool:

        def tell(at: datetime = now, reload: str | None = None) -> Any:
            files = BrokerFiles(told, reload)
            return at_broker.follow(pool, at_broker.JOB, at, directory=tmp_path, files=files)["written"]

        def problems(at: datetime = now) -> tuple[str, ...]:
            return ledger.as_app(lambda conn: at_broker.list_state(conn, ADMIN, now=at)).problems(at)

        def tickets() -> list[str]:
            return [kind for (kind,) in ledger.query("SELECT kind FROM ticket WHERE state = 'open'")]

        adding = "INSERT INTO gateway (name, kind, site_id) VALUES ('dockledger', 'edge', %s)"
        ledger.as_owner(lambda conn: conn.execute(adding, (SITE,)))
        ledger.as_app(lambda conn: credentials.make_secret(conn, ADMIN, gateway="dockledger"))
        first = secret()
        (told / ".passwords.new").symlink_to(told / "victim")
        assert (tell(), tickets(), (told / "victim").exists()) == (
            ["revoked.crl"],
            ["broker_not_told"],
            False,
        )
        (told / ".passwords.new").unlink()
        assert (tell(), tell(), problems()) == (["passwords"], [], ())
        with broker_that_is_told(tmp_path, authority) as (plain, secure):
            Listener(f"mqtt://dockledger:ours@127.0.0.1:{plain}").close()
            Listener(f"mqtt://gw-1:{first}@127.0.0.1:{plain}").close()
            assert is_let_in(certificate, secure, tmp_path)

            second = secret()
            ledger.as_app(
                lambda conn: service.revoke(conn, ADMIN, gateway="gw-1", serial=serial, why="stolen")
            )
            late = now + LATE_AFTER * 2
            assert "lacks 1 certificate" in problems(late)[0]
            assert (tell(late, "false"), tickets()) == (["passwords", "revoked.crl"], ["broker_not_told"])
            assert tell(late, "true") == [], "what was written and not told is told"
            assert (tickets(), problems(late)) == ([], ())
            assert wait_until_accepted(f"mqtt://gw-1:{second}@127.0.0.1:{plain}")
            with pytest.raises(PermissionError):
                Listener(f"mqtt://gw-1:{first}@127.0.0.1:{plain}")
            Listener(f"mqtt://dockledger:ours@127.0.0.1:{plain}").close()
            until = time.monotonic() + PATIENCE_S
            while is_let_in(certificate, secure, tmp_path):  # the files change one after the other
                assert time.monotonic() < until

        ledger.as_owner(lambda conn: conn.execute("UPDATE gateway SET state = 'retired' WHERE name = 'gw-1'"))
        assert tell() == ["passwords"]
        assert (told / "passwords").read_bytes() == others, "byte by byte"
        assert tell(now + LIFE / 2) == ["revoked.crl"], "renewed long before it ends"
        ledger.as_app(lambda conn: at_broker.revoked(conn, NETWORK, authority=authority, now=now))
        assert "ends on" in problems(now + LIFE - timedelta(days=6))[0]
        assert "refuses every gateway: lay what" in problems(now + LIFE)[0], "by hand, nobody renews it"


@contextmanager
def broker_that_is_told(directory: Path, authority: Authority) -> Iterator[tuple[int, int]]:
    """Run Mosquitto as deploy does, and give its ports for passwords and for certificates."""
    now = datetime.now(UTC)
    for name, text in zip(
        ("server.pem", "server.key"), authority.sign_server("127.0.0.1", now=now, life=LIFE), strict=True
    ):
        write_private(directory / name, text.encode())
    plain, secure = free_port(), free_port()
    (directory / "mosquitto.conf").write_text(
        f"""{"user root" if os.getuid() == 0 else ""}
allow_anonymous false
password_file {directory / "told" / "passwords"}
listener {plain} 127.0.0.1
listener {secure} 127.0.0.1
cafile {directory / CA_FILE}
certfile {directory / "server.pem"}
keyfile {directory / "server.key"}
crlfile {directory / "told" / "revoked.crl"}
require_certificate true
use_identity_as_username true
"""
    )
    follow = Path(__file__).parents[3] / "deploy" / "mosquitto" / "follow"
    service = Service(
        name="broker",
        command=(str(follow), str(directory / "mosquitto.conf"), str(directory / "told"), "0.2"),
        log=directory / "broker.log",
        is_ready=lambda _: accepts_connections(secure),
        environment={**os.environ, "PATH": f"{MOSQUITTO.parent}:{os.environ['PATH']}"} if MOSQUITTO else None,
    )
    with running(service):
        yield plain, secure


def is_let_in(certificate: Path, port: int, directory: Path) -> bool:
    """Shake hands as TLS 1.2 does, in which a refusal is part of it."""
    context = ssl.create_default_context(cafile=str(directory / CA_FILE))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as plain, suppress(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="127.0.0.1").close()
        return True
    return False


def signed(ledger: Ledger, authority: Authority, request: str, now: datetime) -> str:
    return ledger.as_app(
        lambda conn: service.sign(conn, ADMIN, gateway="gw-1", request=request, authority=authority, now=now)
    )


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the operator's authority")
def test_an_operators_own_authority_signs_what_a_person_brings(ledger: Ledger, tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=ours",
         "-keyout", CA_KEY_FILE, "-out", CA_FILE],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    authority = load_authority(tmp_path)
    assert authority is not None
    now = authority.certificate.not_valid_before_utc
    key = new_key()

    def sign(request: str, actor: Actor = ADMIN, gateway: str = "gw-1") -> str:
        return ledger.as_app(
            lambda conn: service.sign(
                conn, actor, gateway=gateway, request=request, authority=authority, now=now
            )
        )

    request = request_for(key, "gw-1")
    made = sign(request)
    assert sign(request) == made, "one request has one answer"
    assert len(sent(ledger)) == 1
    facts = require_fit(made.encode(), key, "gw-1")
    assert facts.not_after == authority.certificate.not_valid_after_utc, "never longer than the authority"
    with pytest.raises(CertificateWishError, match="expected a certificate request in PEM"):
        sign("none")
    with pytest.raises(UnknownCertificateError, match="there is no gateway 'gw-9'"):
        sign(request, gateway="gw-9")
    given = replace(authority, accounts=frozenset({"books"}))
    with pytest.raises(CertificateWishError, match="it is ingest's own account"):
        given.sign(request_for(key, "books"), gateway="books", now=now, life=LIFE)
    with pytest.raises(NotAllowedError):
        sign(request, OPERATOR)
    (tmp_path / CA_KEY_FILE).write_bytes(new_key())
    with pytest.raises(CertificateWishError, match="is not the key of"):
        load_authority(tmp_path)
    (tmp_path / CA_FILE).write_text("#" * (MOST_CHAIN_BYTES + 1))
    with pytest.raises(
        CertificateWishError, match="expected at most 65536, the authority and its chain only"
    ):
        load_authority(tmp_path)
    (tmp_path / CA_FILE).write_text("junk")
    with pytest.raises(CertificateWishError, match=CA_FILE):
        load_authority(tmp_path)
