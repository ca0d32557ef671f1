"""A machine becomes a gateway by a one-time code: the shipped command against the shipped application."""

import argparse
import io
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from cloud.api.app import create_api
from cloud.api.metrics import Metrics
from cloud.db import ConnectionPool, open_pool
from cloud.gateways.certificates import service as certificates
from cloud.gateways.certificates.authority import make_authority
from cloud.gateways.enrolment import service
from cloud.gateways.enrolment.domain import EnrolmentError, Invite, UnknownInviteError
from cloud.gateways.enrolment.service import BrokerOffer, broker_offer
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.gate import Gate
from cloud.ingest.https import HttpsDoor
from cloud.ingest.registry.service import RegistryError, register
from edge_agent.certificates.x509 import facts_of, new_key, request_for
from edge_agent.config.settings import load
from edge_agent.enrolment.command import enrol
from tests.integration.ingest.processes import listening
from tests.integration.ledger.scenario import SITE, Ledger, open_ledger
from tests.patience import PATIENCE_S

ADMIN = Actor("user:root", frozenset({Role.ADMIN}), all_sites=True)
OPERATOR = Actor("user:olga", frozenset({Role.OPERATOR}), frozenset({SITE}))
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
BROKER = "mqtts://broker.example:8883"


@dataclass
class Site:
    """An office that invites, and the address that gateways are told."""

    ledger: Ledger
    pool: ConnectionPool
    url: str
    offer: BrokerOffer
    api: FastAPI
    clock: list[datetime] = field(default_factory=lambda: [datetime.now(UTC)])

    def invite(self, gateway: str, site: str | None = None, accounts: Any = (), **life: Any) -> str:
        given = {"accounts": accounts} | ({"life": timedelta(**life)} if life else {})
        return self.ledger.as_app(
            lambda conn: service.invite(conn, ADMIN, gateway=gateway, site=site, now=self.clock[0], **given)
        ).code

    def sign(self, _seconds: float = 0) -> None:
        """Do what the scheduler does meanwhile."""
        certificates.follow(self.pool, certificates.JOB, self.clock[0], directory=self.offer.ca.parent)

    def enrol(self, folder: Path, code: str, pause: Any = None) -> tuple[int, str]:
        """Type the command on a machine whose files lie in a folder."""
        folder.mkdir(exist_ok=True)
        options = argparse.Namespace(
            url=self.url, code=code, config=folder / "agent.toml", ca=None, state=None
        )
        said = io.StringIO()
        return enrol(options, said, said, pause=pause or self.sign), said.getvalue()

    def ask(self, code: str, gateway: str = "gw-7") -> httpx.Response:
        body = {"code": code, "request": request_for(new_key(), gateway), "secret": "s" * 32}
        return httpx.post(f"{self.url}/v1/enrolments", json=body, verify=PLAIN, timeout=PATIENCE_S)

    def offer_url(self, url: str) -> None:
        self.api.state.broker_offer = replace(self.offer, url=url)

    def admits(self, gateway: str, secret: str) -> bool:
        answer = httpx.get(
            f"{self.url}/v1/ingest/state", auth=(gateway, secret), verify=PLAIN, timeout=PATIENCE_S
        )
        return answer.status_code == 200


@pytest.fixture
def site(database: Any, tmp_path: Path) -> Iterator[Site]:
    clock = [datetime.now(UTC)]
    make_authority(tmp_path / "ca", network="test", now=clock[0])
    offer = broker_offer(BROKER, None, tmp_path / "ca")
    assert offer is not None
    with (
        open_ledger(database) as ledger,
        open_pool(database.app_dsn, "test-enrolment", max_size=4) as pool,
        closing(HttpsDoor(database.ingest_dsn)) as door,
        listening(api := create_api(Gate(pool, lambda: clock[0]), Metrics(), door, offer)) as url,
    ):
        yield Site(ledger, pool, url, offer, api, clock)


def test_a_machine_becomes_a_gateway_by_a_code_that_opens_once(site: Site, tmp_path: Path) -> None:
    code = site.invite("gw-7", SITE)
    machine = tmp_path / "machine"
    status, said = site.enrol(machine, code.lower())
    assert (status, "the certificate is being signed: waiting" in said) == (0, True), said
    settings = load(machine / "agent.toml").settings
    assert (settings.site, settings.gateway, settings.broker_url) == (SITE, "gw-7", BROKER)
    assert settings.broker_ca is not None
    assert settings.broker_ca.read_text() == site.offer.ca.read_text()
    assert settings.broker_certificate is not None
    assert facts_of(settings.broker_certificate.read_bytes()).subject == "gw-7"
    secret = httpx.URL(str(settings.https_url)).password
    assert site.admits("gw-7", secret)
    assert {path.stat().st_mode & 0o777 for path in machine.iterdir()} == {0o600}
    assert not list(machine.glob("enrolment.json")) + list(machine.glob("*.enrolled"))

    assert "is there: this machine is a gateway already" in site.enrol(machine, code)[1]
    thief = site.ask(code)
    assert thief.status_code == 403
    assert "another machine used it on " in thief.json()["detail"]
    assert site.admits("gw-7", secret), "a refused code changes nothing"
    assert site.ledger.query(
        "SELECT action, actor FROM audit_event WHERE target = 'gateway:gw-7' ORDER BY audit_id"
    ) == [
        ("gateway_registered", "user:root"),
        ("gateway_invited", "user:root"),
        ("gateway_enrolled", "job:enrolment"),
        ("gateway_certificate_issued", "user:root"),
        ("gateway_code_refused", "job:enrolment"),
    ]

    successor = tmp_path / "successor"
    assert site.enrol(successor, site.invite("gw-7"))[0] == 0
    assert not site.admits("gw-7", secret), "the machine before shows nothing any more"
    kept = site.ledger.query("SELECT code_sha256 FROM gateway_invite")
    assert not any(code.encode() in bytes(each) for (each,) in kept)


def require_heard_after_guessing(site: Site) -> None:
    """Hold that wrong codes are slowed down and told, and shut nobody out."""
    fourth = site.invite("gw-7")
    wrong = fourth[:-4] + ("0000" if not fourth.endswith("0000") else "1111")
    answers = [site.ask(wrong) for _ in range(6)]
    assert [each.status_code for each in answers] == [403] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) in range(1, 31)
    assert site.ask(fourth).status_code == 200, "nobody shuts a gateway out by guessing"
    for at in range(3):
        assert site.ask(wrong.replace("gw-7", f"nobody-{at}"), f"nobody-{at}").status_code == 403
    assert site.ledger.query("SELECT name FROM login_attempt") == [("gateway/gw-1",)], "nor of nobody"
    assert site.ledger.query(
        "SELECT count(*) FROM audit_event WHERE detail ->> 'why' = 'there is no such code'"
    ) == [(6,)]


def require_called_back(site: Site, revoke: Callable[[], Invite]) -> None:
    """Hold that what came of a used code ends with it, or with a newer one."""
    assert site.admits("gw-7", "s" * 32)
    assert revoke().state(site.clock[0]) == "revoked", "also one that was used, perhaps by a thief"
    assert not site.admits("gw-7", "s" * 32)
    site.sign()
    assert site.ledger.query("SELECT count(*) FROM gateway_certificate") == [(0,)]

    body = {"code": site.invite("gw-7"), "request": request_for(new_key(), "gw-7"), "secret": "s" * 32}

    def post(**other: str) -> httpx.Response:
        return httpx.post(f"{site.url}/v1/enrolments", json=body | other, verify=PLAIN, timeout=PATIENCE_S)

    for junk in ("\x01", "x\ny", body["request"]):
        assert "and nothing around it" in post(request=body["request"] + junk).json()["detail"]
    assert [post().status_code, post().status_code] == [200, 200]
    assert "or this one with another secret" in post(secret="z" * 32).json()["detail"]
    both = threading.Barrier(2)
    raced = site.invite("gw-7")
    with ThreadPoolExecutor(1) as other:
        asking = other.submit(lambda: (both.wait(), site.ask(raced))[1].status_code)
        both.wait()
        assert revoke().state(site.clock[0]) == "revoked", "whoever is first"
    assert (asking.result() in {200, 403}, site.admits("gw-7", "s" * 32)) == (True, asking.result() == 403)
    site.sign()
    assert site.ledger.query("SELECT count(*) FROM gateway_certificate") == [(0,)], "a newer one was made"
    assert "a newer one was made on" in post().json()["detail"]

    assert site.ask(site.invite("gw-7")).status_code == 200
    site.sign()
    revoke()
    assert site.ledger.query("SELECT count(*), count(revoked_at) FROM gateway_certificate") == [(1, 1)]


def test_a_code_that_ended_was_called_back_or_is_another_gateways_is_refused_in_words(
    site: Site, tmp_path: Path
) -> None:
    def refused(code: str, gateway: str = "gw-7") -> str:
        answer = site.ask(code, gateway)
        assert answer.status_code == 403, answer.text
        return str(answer.json()["detail"])

    first = site.invite("gw-7", SITE)
    second = site.invite("gw-7")
    assert "opens nothing: it was revoked on" in refused(first), "a new code ends the one before"
    assert site.ask(second, "gw-1").json()["detail"] == "the request is for 'gw-1': expected 'gw-7'"
    assert "no such code for gateway gw-1" in refused(second.replace("gw-7", "gw-1"), "gw-1")
    revoked = site.ledger.as_app(lambda conn: service.revoke(conn, ADMIN, gateway="gw-7", now=site.clock[0]))
    assert (revoked.state(site.clock[0]), "was revoked" in refused(second)) == ("revoked", True)

    def revoke(invite_id: int | None = None) -> Invite:
        return site.ledger.as_app(
            lambda conn: service.revoke(conn, ADMIN, gateway="gw-7", invite_id=invite_id, now=site.clock[0])
        )

    assert revoke() == revoked, "twice is once"
    with pytest.raises(UnknownInviteError, match="'gw-7' has no invite 99"):
        revoke(99)
    third = site.invite("gw-7", minutes=5)
    site.clock[0] += timedelta(minutes=5)
    assert "it ended on" in refused(third)
    assert "expected one as gw-7.7KQ2" in refused("nonsense")
    good = {"code": third, "request": request_for(new_key(), "gw-7"), "secret": "s" * 32}
    odd = ({"code": "\0"}, {"secret": "x"}, {"request": "\0\ud800"}, {"request": "x" * 5000})
    for wrong in (b"{", b"[]", b"\xff", *(json.dumps(good | each).encode() for each in odd)):
        answer = httpx.post(
            f"{site.url}/v1/enrolments",
            content=wrong,
            headers={"Content-Type": "application/json"},
            verify=PLAIN,
            timeout=PATIENCE_S,
        )
        assert answer.status_code in {400, 403, 422}, (wrong, answer.text)
    for wrong in ("mqtts://x", "http://ledger.example"):
        options = argparse.Namespace(url=wrong, code=third, config=tmp_path / "a.toml", ca=None, state=None)
        said = io.StringIO()
        assert enrol(options, said, said) == 1
        assert "expected https://host" in said.getvalue()

    require_heard_after_guessing(site)
    require_called_back(site, revoke)
    assert site.ask(site.invite("gw-7")).status_code == 200
    site.sign()
    ((serial,),) = site.ledger.query("SELECT serial FROM gateway_certificate WHERE revoked_at IS NULL")
    site.clock[0] = datetime.now(UTC)
    fifth = site.invite("gw-7")
    site.ledger.as_app(
        lambda conn: certificates.revoke(conn, ADMIN, gateway="gw-7", serial=serial, why="stolen")
    )
    assert "was called back later" in refused(fifth)
    site.ledger.as_owner(
        lambda conn: conn.execute("UPDATE gateway SET state = 'retired' WHERE name = 'gw-7'")
    )
    assert "its gateway is retired" in refused(fifth)
    for wish, match in (
        ({"gateway": "gw-7"}, "is retired: expected an active one"),
        ({"gateway": "gw-1", "site": "york"}, f"is of site '{SITE}'"),
        ({"gateway": "gw 9", "site": SITE}, "gateway id 'gw 9'"),
        ({"gateway": "dockledger", "site": SITE}, "names of the broker's own accounts"),
        ({"gateway": "Dockledger_2", "site": SITE}, "names of the broker's own accounts"),
        ({"gateway": "books", "site": SITE, "accounts": {"books"}}, "ingest's own account at the broker"),
        ({"gateway": "gw-1", "minutes": 1}, "a code for 1 minutes: expected 5 to 10080"),
    ):
        with pytest.raises(EnrolmentError, match=match):
            site.invite(**wish)
    for own in ("dockledger", "books"):
        with pytest.raises(RegistryError, match="own account"):
            site.ledger.as_app(
                lambda conn, own=own: register(conn, ADMIN, gateway=own, site=SITE, accounts={"books"})
            )
    with pytest.raises(NotAllowedError):
        site.ledger.as_app(lambda conn: service.invite(conn, OPERATOR, gateway="gw-1", now=site.clock[0]))


def test_a_machine_that_was_interrupted_goes_on_with_the_same_key(site: Site, tmp_path: Path) -> None:
    code, machine = site.invite("gw-7", SITE), tmp_path / "machine"

    def cut(_seconds: float) -> None:
        raise KeyboardInterrupt

    ca = site.offer.ca.rename(site.offer.ca.with_suffix(".away"))
    assert "who signed the broker's certificate (gateway-ca.pem: No such file" in site.enrol(machine, code)[1]
    ca.rename(site.offer.ca)
    with pytest.raises(KeyboardInterrupt):
        site.enrol(machine, code, pause=cut)
    assert not (machine / "agent.toml").exists()

    def be_in_the_way(_seconds: float) -> None:
        site.sign()
        (machine / "agent.toml").mkdir()

    assert "agent.toml" in site.enrol(machine, code, pause=be_in_the_way)[1]
    (machine / "agent.toml").rmdir()
    status, said = site.enrol(machine, code, pause=cut)
    assert (status, "this machine is gateway gw-7" in said) == (0, True), said
    secret = httpx.URL(str(load(machine / "agent.toml").settings.https_url)).password
    assert site.admits("gw-7", secret)
    assert site.ledger.query("SELECT count(*) FROM gateway_certificate") == [(1,)]

    before = facts_of((machine / "gw-7.pem").read_bytes()).serial
    (machine / "agent.toml").rename(machine / "agent.toml.enrolled")  # as if it had been cut short there
    again = site.invite("gw-7")
    site.offer_url("https://broker.example")
    assert "broker_url" in site.enrol(machine, again)[1]
    assert not (machine / "agent.toml").exists(), "settings that the agent would refuse are not left behind"
    site.offer_url(BROKER)
    assert site.enrol(machine, again)[0] == 0
    secret = httpx.URL(str(load(machine / "agent.toml").settings.https_url)).password
    assert site.admits("gw-7", secret), "a new code is used, not what an old one left"
    assert facts_of((machine / "gw-7.pem.renewed").read_bytes()).serial != before
