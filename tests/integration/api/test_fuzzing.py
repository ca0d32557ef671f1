"""Every operation of the API answers whatever it is sent as its OpenAPI document says, and never with 5xx.

Cases are made from the document by schemathesis: what it allows and what it forbids. Half of them name
things that exist, so that more than the first check of an operation is reached.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
import requests
import schemathesis
import structlog
from doors_at_work import passed, send
from forecasts_made import made
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from rights_to_count import count_something
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
from test_authorisation_matrix import CROSSING, DOOR, NOTICE, VEHICLE, things_of_own_site

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.alerts.webhooks import service as webhooks
from cloud.db import ConnectionPool
from cloud.decisions import limits
from cloud.decisions.limits import LimitPaper
from cloud.documents.papers import ImportPaper
from cloud.documents.service import import_all
from cloud.identity import service
from cloud.identity.actor import Role
from cloud.identity.domain import Grant
from cloud.identity.gate import Gate
from tests.integration.ledger.scenario import Outbox

SEED = 4

NEEDED_ANSWERS = {200, 201, 400, 404, 409, 422}
"""A run that does not see each of them does not reach the operations."""

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
    names = order_something(pool) | {"count": count_something(pool)}
    things = things_of_own_site(pool) | names
    found: Known = {
        name: [value] for name, value in things.items() if isinstance(value, str | int) and name != "count"
    }
    for more in (CROSSING, dict(names["count"])):
        for name, value in more.items():
            found.setdefault(name, []).append(value)
    for name, values in {
        "site": [OWN, OTHER],
        "item": [TEA, MUG],
        "code": [TEA],
        "location": ["A-01-1", "STAGING"],
        "type": ["asn"],
        "name": ["ASN-1"],
        "visit": ["V-1"],
        "identifier": [{"scheme": "sku", "value": TEA}],
        "decision_id": [1, 2, 3],
        "revision": [0, 1, 2],
        "reason": ["other"],
        "Idempotency-Key": ["one", "two"],
    }.items():
        found[name] = values
    return found


def tell(pool: ConnectionPool) -> None:
    """Leave a ticket, and a webhook that has something to deliver."""
    with pool.connection() as conn:
        alerts.notice(conn, [Notice("test", "test", Severity.INFO, "Something", OWN)])
        made = webhooks.subscribe(conn, ROOT, name="test", url="http://127.0.0.1:9/x", events=["*"], site=OWN)
        webhooks.ping(conn, ROOT, made.subscription.subscription_id)
        for currency in ("EUR", "GBP"):
            limits.put_limit(conn, ROOT, LimitPaper("approver", currency, None, site=OWN))


@pytest.fixture
def calls(gate: Gate, pool: ConnectionPool, known: Known) -> Iterator["Calls"]:
    """Give calls by one who may do all, to a served application."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with pool.connection() as conn:
        key = service.create_api_key(
            conn, ROOT, name="fuzz", grants=[Grant(role) for role in Role], life=timedelta(days=1), now=NOW
        )
    with served(gate) as url:
        described = httpx.get(f"{url}/v1/openapi.json", timeout=30).json()
        described.pop("servers", None)
        schema = schemathesis.openapi.from_dict(described)
        schema.config.update(base_url=url)
        yield Calls(schema, {"Authorization": f"Bearer {key}"}, known)


def test_no_operation_fails_or_answers_otherwise_than_documented(calls: "Calls") -> None:
    assert not (wrong := calls.make(examples=4)), "\n\n".join(wrong)
    assert calls.answered >= NEEDED_ANSWERS


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_no_operation_fails_in_a_long_campaign(calls: "Calls") -> None:
    assert not (wrong := calls.make(examples=500)), "\n\n".join(wrong)
    assert calls.answered >= NEEDED_ANSWERS


@dataclass
class Calls:
    """Sends cases to a served API and remembers what came back."""

    schema: Any
    headers: dict[str, str]
    known: Known
    answered: set[int] = field(default_factory=set)
    wrong: dict[tuple[str, str], str] = field(default_factory=dict)
    """An example of each kind of failure of each operation."""

    def make(self, *, examples: int) -> list[str]:
        """Send each operation cases of what its description allows and forbids; gives what went wrong."""
        for offered in self.schema.get_all_operations():
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                with contextlib.suppress(Unsatisfiable):  # of an operation that takes anything
                    self._fuzz(offered.ok(), mode, examples)
        return [f"{label}: {failure}\n{example}" for (label, failure), example in self.wrong.items()]

    def _fuzz(self, operation: Any, mode: GenerationMode, examples: int) -> None:
        @seed(SEED)
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
            for failure, answer in self._failures(case):
                self.wrong.setdefault((operation.label, failure), f"{case.as_curl_command()}\n{answer}")

        call()

    def _failures(self, case: Any) -> Iterator[tuple[str, str]]:
        try:
            response = case.call(headers=self.headers)
        except requests.Timeout:
            yield "no answer in time", ""
            return
        self.answered.add(response.status_code)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                yield f"{response.status_code} {getattr(failure, 'title', failure)}", f"{response.text:.600}"


def name_what_exists(case: Any, known: Known, pick: int) -> None:
    """Replace parts of a case by names of things that exist."""
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({name: known[name][pick % len(known[name])] for name in part if name in known})
