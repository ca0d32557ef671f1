"""Every route for every role, granted at the site concerned, at another, everywhere and not at all.

A route that is missing here fails the suite: rights are written down twice, on purpose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from doors_at_work import passed, send
from fastapi import FastAPI
from fastapi.routing import APIRoute
from forecasts_made import made
from knocking import HERE, Asker, asked
from rights import ANYBODY, FORMS, OF_ONE_SITE, OF_THE_NETWORK, ROUTES
from rights_of_events import UNTAUGHT
from rights_to_allocate import CLAIM_FORMS, CLAIMED, claim_form, claim_something
from rights_to_close import PAST_ASKED, PAST_BODIES, PAST_FORM, PAST_FORMS, PAST_NAMES
from rights_to_configure import CONFIG_FORM, CONFIGURED, configure_something
from rights_to_count import COUNT_FORM, COUNTED, PERIOD, count_something
from rights_to_decide import DECIDED, decide, things_to_decide
from rights_to_demand import DEMANDED, HELD_FORM, MASK_FORM, PERIOD_OF_DEMAND, SIGNED, demand_something
from rights_to_dock import ASKED as ASKED_AT_DOCK
from rights_to_dock import DOCK_FORMS, dock_form, dock_something, docked
from rights_to_judge import JUDGED, JUDGED_FORMS, judge_something
from rights_to_label import LABEL_ASKED, LABEL_FORM, LABEL_FORMS, LABELLED, PRINT_FORMS, label_something
from rights_to_lots import LOT_ASKED, LOT_FORMS, LOT_THINGS, LOTTED, lot_form, lots_of_something
from rights_to_order import ORDER_FORM, ORDERED, delivery, order_something
from rights_to_state import STATED, STATED_FORMS, state_something
from rights_to_story import PACKED, STORY_ASKED, STORY_FORM, STORY_FORMS, THINGS
from serving import MUG, NOW, OTHER, OWN, PASSWORD, ROOT, TEA, People

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.api.app import create_api
from cloud.api.metrics import Metrics
from cloud.api.routes.demand_masks import MaskPaper
from cloud.db import ConnectionPool
from cloud.demand import masks
from cloud.documents.import_file import ImportPaper
from cloud.documents.service import import_all
from cloud.identity import service, sessions
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant, actor_of
from cloud.identity.gate import SESSION_COOKIE, Gate
from cloud.identity.store import act_as
from cloud.runs import service as runs
from cloud.web.app import create_pages
from cloud.web.live import _look
from cloud.web.rendering import fragment
from cloud.web.streaming import Snapshots
from tests.integration.ledger.scenario import Outbox

PLANNER = actor_of("job:planning", [Grant(Role.PLANNER)])
VISIT = {"site": OWN, "type": "asn", "visit": "V-1"}
CROSSING = {"gateway": "dock-m1", "epoch": "00000000000000aa", "seq": 1}
"""A held crossing of the own site: answered by one caller, taken back by the next."""


DOOR = {
    "site": OWN,
    "portal": "dock-1",
    "gateway": "dock-m1",
    "inside_location": "STAGE-1",
    "outside_location": "@clearing/dock-1",
}
NOTICE = {
    "site": OWN,
    "type": "asn",
    "id": "ASN-1",
    "lines": [{"line": "1", "identifier": {"scheme": "sku", "value": TEA}, "quantity": "5"}],
}
VEHICLE = {
    "site": OWN,
    "visit": "V-1",
    "door": "dock-1",
    "direction": "inbound",
    "from_at": "2026-03-02T06:00:00Z",
    "documents": [{"type": "asn", "id": "ASN-1"}],
}
"""A visit that is there: registered again by whoever may, received and ended once."""


ASKED = {
    "site": OWN,
    "source": "till",
    "document": "T-1",
    "line": "1",
    "identifier": {"scheme": "item", "value": TEA},
    "quantity": "2",
    "requested_at": "2026-03-02T09:00:00Z",
}
FOLLOWED = {"site": OWN, "from_item": TEA, "to_item": MUG, "from_day": "2026-04-01"}
MASKED = {
    "site": OWN,
    "from_day": "2026-03-02",
    "until_day": "2026-03-03",
    "kind": "disruption",
    "reason": "flood",
}
CALENDAR = {"time_zone": "Europe/Madrid", "business_day_start": "06:00", "week_start": 1}


@dataclass
class Caller:
    """A role with its reach, as API key and as browser session."""

    role: Role | None
    site: str | None
    headers: dict[str, str]
    session: str

    def __str__(self) -> str:
        return "nobody" if self.role is None else f"{self.role}@{self.site or 'all'}"


def test_every_route_is_in_the_matrix(gate: Gate) -> None:
    served = routes_of(create_api(gate, Metrics())) | routes_of(create_pages(gate, network="test"))
    assert served | {"GET /v1/openapi.json"} == set(ROUTES)


def routes_of(app: FastAPI) -> set[str]:
    """List method and path of every route, those of included routers too."""
    found: set[str] = set()
    waiting = list(app.router.routes)
    while waiting:
        route = waiting.pop()
        if isinstance(route, APIRoute):
            found |= {f"{method} {route.path}" for method in route.methods}
        elif (included := getattr(route, "original_router", None)) is not None:
            waiting += included.routes
    return found


@pytest.mark.parametrize("site", [OWN, OTHER, None])
def test_every_role_may_do_what_the_matrix_says_and_no_more(
    pool: ConnectionPool, ingest: ConnectionPool, people: People, gate: Gate, site: str | None
) -> None:
    names = something_of_all(pool, ingest)
    with asked(gate) as asker:
        wrong = [
            f"{route} by {caller}: {status}, expected {expected}"
            for caller in callers(pool, people, site)
            for route, status in answers(pool, asker, caller, names)
            if status not in (expected := expectation(route, caller))
        ]
    assert not wrong, "\n".join(wrong)


def something_of_all(pool: ConnectionPool, ingest: ConnectionPool) -> dict[str, object]:
    """Leave one of each thing that has an address; gives their names by the parameters that take them."""
    send(ingest, Outbox("dock-m1", OWN), passed("held", NOW - timedelta(hours=1)))
    decide(pool)
    papers = {"portals": [DOOR], "documents": [NOTICE], "visits": [VEHICLE]}
    with pool.connection() as conn:
        import_all(conn, ROOT, ImportPaper.model_validate(papers), now=NOW)
    with pool.connection() as conn:
        made(conn)
    return (
        order_something(pool)
        | judge_something(pool)
        | state_something(pool)
        | demand_something(pool)
        | configure_something(pool)
        | label_something(pool, ingest)
        | claim_something(pool)
        | lots_of_something(pool)
        | PAST_NAMES
        | dock_something(pool)
        | {"count": count_something(pool)}
    )


def test_what_one_visitor_of_live_sees_is_not_shown_to_one_of_other_sites(gate: Gate, people: People) -> None:
    del people
    snapshots = Snapshots()
    seen = {
        site: snapshots.look(
            gate, actor_of("user:x", [Grant(Role.SUPERVISOR, site), Grant(Role.DEVICE, other)]), _look, "live"
        )
        for site, other in ((OWN, OTHER), (OTHER, OWN))
    }
    assert {site: [row.site for row in look["gateways"]] for site, look in seen.items()} == {
        OWN: [OWN],
        OTHER: [OTHER],
    }


def test_live_shows_what_is_wrong_at_the_visitors_sites_and_in_the_network(
    gate: Gate, pool: ConnectionPool, people: People
) -> None:
    del people
    with pool.connection() as conn:
        act_as(conn, PLANNER)
        alerts.notice(
            conn,
            [
                Notice("a", "gateway_full", Severity.CRITICAL, "Own gateway is full", OWN),
                Notice("b", "gateway_full", Severity.CRITICAL, "Other gateway is full", OTHER),
                Notice("c", "gateway_unregistered", Severity.WARNING, "Somebody unknown connects"),
            ],
        )
    actor = actor_of("user:x", [Grant(Role.SUPERVISOR, OWN)])
    look = Snapshots().look(gate, actor, _look, "live")
    assert [ticket.summary for ticket in look["tickets"]] == [
        "Own gateway is full",
        "Somebody unknown connects",
    ]
    assert "Own gateway is full" in fragment("live_parts.html", **look)


def expectation(route: str, caller: Caller) -> set[int]:
    allowed = ROUTES[route]
    is_api = route.split()[1].startswith(("/v1", "/metrics"))
    done = {200, 201, 202, 303, 409} if route.startswith("POST") else {200, 303}
    if route == "GET /login/link":
        return {303} if caller.role else {401}
    if allowed is ANYBODY:
        return done
    if caller.role is None or allowed is SIGNED:
        return {401} if is_api else {303}
    if caller.role not in allowed or (caller.site is not None and route in OF_THE_NETWORK):
        return {403}
    if caller.site == OTHER and route in OF_ONE_SITE:
        return OF_ONE_SITE[route]
    return {303} if route in FORMS else {422} if route in UNTAUGHT else done - {303}


def callers(pool: ConnectionPool, people: People, site: str | None) -> Iterator[Caller]:
    yield Caller(None, None, {}, "")
    for role in Role:
        grant = Grant(role, site)
        yield Caller(role, site, people.headers(str(grant)), session_of(pool, grant))


def session_of(pool: ConnectionPool, grant: Grant) -> str:
    name = str(grant).replace("@", ".")
    with pool.connection() as conn:
        service.add_user(conn, ROOT, name=name, password=None, grants=[grant])
        link = service.make_login_link(conn, ROOT, name=name, now=NOW)
    with pool.connection() as conn:
        return sessions.log_in_by_link(conn, token=link, now=NOW).token


def answers(
    pool: ConnectionPool, asker: Asker, caller: Caller, names: dict[str, object]
) -> Iterator[tuple[str, int]]:
    places = things_of_own_site(pool) | names
    last = "POST /logout"
    for route in [*(route for route in ROUTES if route != last), last]:
        method, _ = route.split()
        path = address(route, places)
        is_page = not path.startswith(("/v1", "/metrics", "/health"))
        request = httpx.Request(method, f"{HERE}{path}", **sent(route, caller))
        if is_page and caller.session:
            request.headers["Cookie"] = f"{SESSION_COOKIE}={caller.session}"
        elif not is_page:
            request.headers.update(caller.headers)
        yield route, asker.status(request)


def address(route: str, places: dict[str, object]) -> str:
    """Give the address of something that exists."""
    path = route.split()[1]
    place = (
        places | CROSSING if any(part in path for part in ("/crossings/", "/do", "/gateways/")) else places
    )
    place = place | dict(places["count"]) if "/counts/" in path or "/variances/" in path else place
    path = path.replace("{code:path}", TEA).replace("{item:path}", TEA).replace("{name:path}", "ASN-1")
    for name, thing in (LOT_THINGS | THINGS).items():
        path = path.replace(name, thing)
    return path.replace("{form:form}", "csv").format(**place, **VISIT)


def sent(route: str, caller: Caller) -> dict[str, Any]:
    """Give the body, query and key that a route needs."""
    movement = {
        "site": OWN,
        "identifier": {"scheme": "sku", "value": TEA},
        "quantity": "1",
        "source": {"location": "STAGING"},
        "destination": {"location": "A-01-1"},
        "reason": "test",
    }
    bodies: dict[str, Any] = {
        "POST /v1/crossings/{gateway}/{epoch}/{seq}/misread": None,
        "POST /v1/dock-exceptions/{gateway}/{epoch}/{seq}/answer": {"answer": "in"},
        "POST /v1/quarantine/{quarantine_id}/replay": None,
        "POST /v1/movements": movement,
        "POST /v1/portals": DOOR,
        "POST /v1/demand": {"lines": [ASKED]},
        "POST /v1/demand/masks": MASKED,
        "POST /v1/demand/supersessions": FOLLOWED,
        "POST /v1/demand/masks/{mask_id}/withdrawal": {"reason": "wrong"},
        "POST /v1/sites/{site}/calendar": CALENDAR,
        "POST /v1/items": {"code": TEA},
        "POST /v1/documents": NOTICE,
        "POST /v1/visits": VEHICLE,
        "POST /v1/visits/{site}/{visit}/receipt": {"units": []},
        "POST /v1/visits/{site}/{visit}/departure": {},
        "POST /v1/visits/{site}/{visit}/close": {"reasons": {TEA: "short"}},
        "POST /v1/visits/{site}/{visit}/cancel": None,
        **COUNTED,
        **DECIDED,
        **ORDERED,
        **JUDGED,
        **STATED,
        **DEMANDED,
        **CONFIGURED,
        **LABELLED,
        **CLAIMED,
        **PACKED,
        **LOTTED,
        **PAST_BODIES,
        **docked(f"{caller}"),
        "POST /v1/purchase-orders/{site}/{order}/receipts": delivery(f"DN-{caller}"),
        "POST /v1/locations": {"site": OWN, "code": f"NEW-{caller}", "kind": "bin"},
        "POST /v1/movements/{gateway}/{epoch}/{seq}/reversal": {"reason": "misread"},
    }
    if route in bodies:
        key = f"{route.replace(' ', ':')}:{caller}"
        return {"json": bodies[route], "headers": {"Idempotency-Key": key}}
    if route == "POST /login":
        return {"data": {"name": "ada", "password": PASSWORD}}
    if route in FORMS | JUDGED_FORMS.keys() | STATED_FORMS.keys() | PRINT_FORMS.keys():
        decided = {"answer": "in", "revision": "9", "reason": "other", "note": "n"}
        decided |= {"receipt": f"F-{caller}", "location": "A-01-1", "line": "1", "received": "1"}
        decided |= {"damaged": "", "lot": "", "quantity": "", "price": "", "due_on": ""}
        decided = (JUDGED_FORMS | STATED_FORMS | PRINT_FORMS).get(route, decided)
        decided = dock_form(route, f"{caller}") if route in DOCK_FORMS else decided
        decided = PAST_FORM if route in PAST_FORMS else decided
        decided = claim_form(f"{caller}") if route in CLAIM_FORMS else decided
        decided = lot_form(route) if route in LOT_FORMS else decided
        decided |= ORDER_FORM if route == "POST /orders/new" else {}
        decided |= CONFIG_FORM if "/gateways" in route else {}
        decided |= LABEL_FORM if route in LABEL_FORMS else {}
        decided |= STORY_FORM if route in STORY_FORMS else {}
        decided |= HELD_FORM if "/demand/held" in route else {}
        decided |= MASK_FORM if "/demand/masks" in route else {}
        decided |= COUNT_FORM if "/counts" in route or "/variances" in route else {}
        return {"data": decided | {"csrf": csrf_token(caller.session)}} if caller.session else {}
    asked = UNTAUGHT | ASKED_AT_DOCK | PAST_ASKED | STORY_ASKED | {"GET /v1/record-accuracy": PERIOD}
    asked |= LABEL_ASKED
    asked |= LOT_ASKED | dict.fromkeys(("GET /v1/demand/shorts", "GET /v1/demand/feedback"), PERIOD_OF_DEMAND)
    if route in asked:
        return {"params": asked[route]}
    if route in {
        "GET /v1/planning/parameters",
        "GET /v1/planning/confirmation-tolerance",
        "GET /v1/forecast-reviews/settings",
        "GET /v1/models/settings",
    }:
        return {"params": {"site": OWN}}
    return {"params": {"token": "used"}} if route == "GET /login/link" else {}


def things_of_own_site(pool: ConnectionPool) -> dict[str, object]:
    with pool.connection() as conn:
        conn.execute("SELECT set_config('dockledger.sites', '*', true)")
        cell = conn.execute(
            "SELECT cell_id FROM cell JOIN location USING (location_id) WHERE code = 'A-01-1'"
        ).fetchone()
        held = conn.execute("SELECT quarantine_id FROM quarantine ORDER BY 1 LIMIT 1").fetchone()
        run = runs.begin(conn, PLANNER, kind="forecast", site=OWN, inputs={}, parameters={})
        mask = masks.add_mask(conn, PLANNER, **dict(MaskPaper.model_validate(MASKED)))
    assert cell is not None
    assert held is not None
    row = {"gateway": "_cloud", "epoch": "0" * 16, "seq": 2}
    known = {"cell_id": cell[0], "quarantine_id": held[0], "run_id": run, "mask_id": mask.mask_id}
    return row | known | things_to_decide(pool)
