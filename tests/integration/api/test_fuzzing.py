"""Operations of the API answer whatever they are sent as its OpenAPI document says, and no page fails.

Cases are made from the document by schemathesis: what it allows and what it forbids. Half of them name
things that exist and change one part of a right body, so that more than the first check is reached.
"""

import contextlib
import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import requests
import schemathesis
import structlog
from doors_at_work import passed, send
from forecasts_made import made
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from rights import ROUTES
from rights_to_allocate import claim_something
from rights_to_count import count_something
from rights_to_dock import dock_something
from rights_to_judge import judge_something
from rights_to_lots import CHEESE, lots_of_something
from rights_to_order import order_something
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from serving import MUG, NOW, OTHER, OWN, ROOT, TEA, People, served
from test_authorisation_matrix import CROSSING, DOOR, NOTICE, VEHICLE, Caller, sent, things_of_own_site

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.alerts.webhooks import service as webhooks
from cloud.api.app import create_api
from cloud.api.metrics import Metrics
from cloud.counting.service import force
from cloud.db import ConnectionPool
from cloud.decisions import limits
from cloud.decisions.limits import LimitPaper
from cloud.documents.import_file import ImportPaper
from cloud.documents.service import import_all
from cloud.identity import service, sessions
from cloud.identity.actor import Role
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE, Gate
from cloud.identity.store import act_as
from cloud.web.app import create_pages
from contracts.records import RowRef
from tests.first_seed import first_seed
from tests.integration.crossings.doors import EPC, PALLET
from tests.integration.ledger.scenario import Outbox
from tests.patience import PATIENCE_S

SEED = 4

EVERYTHING = [Grant(role) for role in Role]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
Known = dict[str, list[Any]]


@pytest.fixture
def known(pool: ConnectionPool, ingest: ConnectionPool, people: People) -> Known:
    """Fill the database, and give the names of things in it by the parameter that takes them."""
    del people
    send(ingest, Outbox("dock-m1", OWN), passed("held", NOW - timedelta(hours=1)))
    tell(pool)
    papers = ImportPaper.model_validate({"portals": [DOOR], "documents": [NOTICE], "visits": [VEHICLE]})
    with pool.connection() as conn:
        import_all(conn, ROOT, papers, now=NOW)
        made(conn)
    names = order_something(pool) | judge_something(pool) | claim_something(pool) | dock_something(pool)
    names |= {"count": count_something(pool)} | lots_of_something(pool)
    count = dict(names["count"])
    things = things_of_own_site(pool) | names | decided(pool, count)
    found: Known = {
        name: [value] for name, value in things.items() if isinstance(value, str | int) and name != "count"
    }
    for more in (CROSSING, count):
        for name, value in more.items():
            found.setdefault(name, []).append(value)
    for name, values in {
        "site": [OWN, OTHER],
        "item": [TEA, MUG, CHEESE],
        "lot": ["L1", "L3", "unspecified"],
        "code": [TEA],
        "location": ["A-01-1", "STAGING"],
        "type": ["asn"],
        "name": ["ASN-1"],
        "visit": ["V-1"],
        "serial": [EPC],
        "unit": [PALLET],
        "of": [EPC, PALLET],
    }.items():
        found[name] = values
    return found


def decided(pool: ConnectionPool, count: dict[str, Any]) -> dict[str, int]:
    """Settle a count that found too little; gives the adjustment that somebody has to decide."""
    ref = RowRef(gateway=count["gateway"], epoch=count["epoch"], seq=count["seq"])
    with pool.connection() as conn:
        force(conn, ROOT, ref, reason="test")
        (row,) = conn.execute("SELECT decision_id FROM decision WHERE kind = 'count_adjustment'").fetchall()
    return {"decision_id": row[0]}


def tell(pool: ConnectionPool) -> None:
    """Leave a ticket, and a webhook that has something to deliver."""
    with pool.connection() as conn:
        act_as(conn, ROOT)
        alerts.notice(conn, [Notice("test", "test", Severity.INFO, "Something", OWN)])
        made = webhooks.subscribe(conn, ROOT, name="test", url="http://127.0.0.1:9/x", events=["*"], site=OWN)
        webhooks.ping(conn, ROOT, made.subscription.subscription_id)
        for currency in ("EUR", "GBP"):
            limits.put_limit(conn, ROOT, LimitPaper("approver", currency, None, site=OWN))


@pytest.fixture
def calls(gate: Gate, pool: ConnectionPool, known: Known) -> Iterator["Calls"]:
    """Give calls to a served API by one who may do all."""
    with pool.connection() as conn:
        key = service.create_api_key(conn, ROOT, name="fuzz", grants=EVERYTHING, life=timedelta(1), now=NOW)
    described = create_api(gate, Metrics()).openapi()
    with served(gate) as url:
        yield Calls(
            described, url, {"Authorization": f"Bearer {key}"}, known, right_bodies("", "json"), CHECKS
        )


@pytest.fixture
def page_calls(gate: Gate, pool: ConnectionPool, known: Known) -> Iterator["Calls"]:
    """Give calls to served pages by one who may do all; streams have no end and are left out."""
    with pool.connection() as conn:
        service.add_user(conn, ROOT, name="fuzz", password=None, grants=EVERYTHING)
        link = service.make_login_link(conn, ROOT, name="fuzz", now=NOW)
    with pool.connection() as conn:
        session = sessions.log_in_by_link(conn, token=link, now=NOW).token
    described = create_pages(gate, network="test").openapi()
    for path in [path for path in described["paths"] if path.endswith("/events") or path.startswith("/log")]:
        del described["paths"][path]
    with served(gate) as url:
        headers = {"Cookie": f"{SESSION_COOKIE}={session}"}
        yield Calls(described, url, headers, known, right_bodies(session, "data"), [not_a_server_error])


def test_no_operation_fails_or_answers_otherwise_than_documented(calls: "Calls") -> None:
    assert not (wrong := calls.make(examples=4)), "\n\n".join(wrong)
    assert calls.answered >= {200, 201, 400, 404, 409, 422}


def test_what_failed_once_is_refused(calls: "Calls") -> None:
    address = f"{calls.url}/v1/movements/a%1F/{'0' * 16}/1/reversal"
    headers = calls.headers | {"Idempotency-Key": "once"}
    assert (
        requests.post(address, json={"reason": "test"}, headers=headers, timeout=PATIENCE_S).status_code
        == 422
    )


def test_a_page_that_failed_once_refuses_what_it_cannot_mean(page_calls: "Calls") -> None:
    address = f"{page_calls.url}/dock-exceptions?done=dock-m1/{'0' * 16}/0"
    assert requests.get(address, headers=page_calls.headers, timeout=PATIENCE_S).status_code == 422


def test_no_page_fails_whatever_it_is_asked(page_calls: "Calls") -> None:
    assert not (wrong := page_calls.make(examples=3)), "\n\n".join(wrong)
    assert page_calls.answered >= {200, 303, 404}


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_no_operation_fails_in_a_long_campaign(calls: "Calls") -> None:
    assert not (wrong := calls.make(examples=500, first=first_seed())), "\n\n".join(wrong)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_no_page_fails_in_a_long_campaign(page_calls: "Calls") -> None:
    assert not (wrong := page_calls.make(examples=500, first=first_seed())), "\n\n".join(wrong)


@dataclass
class Calls:
    """Sends cases to a served application and remembers what came back."""

    described: dict[str, Any]
    """OpenAPI."""
    url: str
    headers: dict[str, str]
    known: Known
    bodies: dict[str, Any]
    """One that is right for each operation that takes one."""
    checks: list[Any]
    numbers: Iterator[int] = field(default_factory=itertools.count)
    answered: set[int] = field(default_factory=set)
    wrong: dict[tuple[str, str], str] = field(default_factory=dict)
    """An example of each kind of failure of each operation."""

    def make(self, *, examples: int, first: int = SEED) -> list[str]:
        """Send each operation cases of what its description allows and forbids; gives what went wrong."""
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        schema = schemathesis.openapi.from_dict(self.described)
        schema.config.update(base_url=self.url)
        for offered in schema.get_all_operations():
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                with contextlib.suppress(Unsatisfiable):  # of an operation that takes anything
                    self._fuzz(offered.ok(), mode, examples, first)
        return [f"{label}: {failure}\n{example}" for (label, failure), example in self.wrong.items()]

    def _fuzz(self, operation: Any, mode: GenerationMode, examples: int, first: int) -> None:
        @seed(first)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(case=operation.as_strategy(generation_mode=mode), pick=st.none() | st.integers(0, 5))
        def call(case: Any, pick: int | None) -> None:
            if pick is not None:
                name_what_exists(case, self.known, pick)
                if "Idempotency-Key" in case.headers:
                    case.headers["Idempotency-Key"] = f"fuzz-{next(self.numbers)}"
                case.body = almost_right(case.body, self.bodies.get(operation.label), pick)
            for failure, answer in self._failures(case):
                self.wrong.setdefault((operation.label, failure), f"{case.as_curl_command()}\n{answer}")

        call()

    def _failures(self, case: Any) -> Iterator[tuple[str, str]]:
        try:
            response = case.call(headers=self.headers, allow_redirects=False)
        except requests.Timeout:
            yield "no answer in time", ""
            return
        self.answered.add(response.status_code)
        try:
            case.validate_response(response, checks=self.checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                yield f"{response.status_code} {getattr(failure, 'title', failure)}", f"{response.text:.600}"


def right_bodies(session: str, kind: str) -> dict[str, Any]:
    """Give the authorisation matrix's bodies by operation."""
    caller = Caller(None, None, {}, session)
    return {route.replace(":path", ""): sent(route, caller).get(kind) for route in ROUTES}


def name_what_exists(case: Any, known: Known, pick: int) -> None:
    """Replace parts of a case's address by names of things that exist."""
    for part in (case.path_parameters, case.query):
        if isinstance(part, dict):
            part.update({name: known[name][pick % len(known[name])] for name in part if name in known})


def almost_right(made: Any, right: Any, pick: int) -> Any:
    """Put one part of a body that was made into one that is right."""
    if not isinstance(right, dict) or not isinstance(made, dict):
        return made
    names = sorted(made)[pick % len(made) :][:1] if made else []
    return right | {name: made[name] for name in names}
