"""Who may see, change and print labels, and who may see and call back gateways' certificates."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from serving import NOW, OTHER, OWN, ROOT

from cloud.db import ConnectionPool
from cloud.documents.units import SeriesPaper, put_series
from cloud.gateways.certificates.authority import make_authority
from cloud.gateways.certificates.service import certificates, sign
from cloud.gateways.enrolment.service import DOOR, enrol, invite
from cloud.identity.actor import Actor, Role
from contracts.enrolment import EnrolmentRequest
from contracts.label_templates import STANDARD
from contracts.labels import LabelKind
from edge_agent.certificates.x509 import new_key, request_for

OPERATIONS = set(Role) - {Role.DEVICE}
KEEPERS = {Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.ADMIN}
PRINTERS = KEEPERS | {Role.OPERATOR}
KEEPER = Actor("user:ada", frozenset({Role.SUPERVISOR}), all_sites=True)
LABEL_ROUTES: dict[str, set[Role] | None] = {
    "GET /v1/label-templates": OPERATIONS,
    "GET /v1/label-templates/{site}/{name}/versions": OPERATIONS,
    "POST /v1/label-templates": KEEPERS,
    "POST /v1/label-templates/{site}/{name}/versions/{version}/again": KEEPERS,
    "POST /v1/labels": PRINTERS,
    "GET /v1/label-prints": OPERATIONS,
    "GET /v1/sscc-blocks": OPERATIONS,
    "POST /v1/sscc-blocks": KEEPERS,
    "GET /v1/gateways/{gateway}/certificates": OPERATIONS,
    "POST /v1/gateways/{gateway}/certificates/{serial}/revocation": {Role.ADMIN},
    "GET /labels": OPERATIONS,
    "POST /labels": PRINTERS,
    "GET /labels/templates/{site}/{name}": OPERATIONS,
    "POST /labels/templates/{site}/{name}": KEEPERS,
    "POST /labels/templates/{site}/{name}/versions/{version}/again": KEEPERS,
    "POST /gateways/{gateway}/certificates/{serial}/revocation": {Role.ADMIN},
    "GET /v1/gateways/{gateway}/invites": OPERATIONS,
    "POST /v1/gateways/{gateway}/invites": {Role.ADMIN},
    "POST /v1/gateways/{gateway}/invites/{invite_id}/revocation": {Role.ADMIN},
    "POST /v1/enrolments": None,
    "POST /gateways": {Role.ADMIN},
    "POST /gateways/{gateway}/invites": {Role.ADMIN},
    "POST /gateways/{gateway}/invites/{invite_id}/revocation": {Role.ADMIN},
}
_ASKING = ("GET /v1/label-templates", "GET /v1/label-prints", "GET /v1/sscc-blocks")
LABELS_OF_ONE_SITE = (
    {route: {403} for route in LABEL_ROUTES if "{site}" in route or route in _ASKING}
    | {route: {404} for route in LABEL_ROUTES if "{gateway}" in route}
    | {
        "POST /v1/label-templates": {403},
        "POST /v1/labels": {403},
        "POST /labels": {403},
        "POST /v1/sscc-blocks": {422},
        "POST /gateways": {403},
    }
)
"""What those of another site are answered."""
_TOLD_ONCE = {"POST /gateways", "POST /gateways/{gateway}/invites"}
LABEL_FORMS = {
    route for route in LABEL_ROUTES if route.startswith(("POST /labels/", "POST /gateways/"))
} - _TOLD_ONCE
LABEL_ASKED = {route: {"site": OWN} for route in _ASKING}
_STANDARD = STANDARD[LabelKind.BIN]
LABELLED: dict[str, Any] = {
    "POST /v1/label-templates": {
        "site": OWN,
        "name": "bin",
        "kind": "bin",
        "zpl": _STANDARD.zpl,
        "reason": "test",
    },
    "POST /v1/label-templates/{site}/{name}/versions/{version}/again": None,
    "POST /v1/labels": {"site": OWN, "kind": "bin", "values": {"location": "A-01-1"}},
    "POST /v1/sscc-blocks": {"gateway": "dock-m1", "size": 5},
    "POST /v1/gateways/{gateway}/certificates/{serial}/revocation": {"reason": "test"},
    "POST /v1/gateways/{gateway}/invites": {"minutes": 30},
    "POST /v1/gateways/{gateway}/invites/{invite_id}/revocation": None,
    "POST /v1/enrolments": {},
}
LABEL_FORM = {"zpl": _STANDARD.zpl, "dots_per_mm": "8", "do": "save", "reason": "test"}
PRINT_FORMS: dict[str, dict[str, Any]] = {
    "POST /labels": {"site": OWN, "kind": "bin", "do": "pdf", "field": ["location"], "value": ["A-01-1"]},
    "POST /gateways": {"site": OWN, "gateway": "dock-m1"},
    "POST /gateways/{gateway}/invites": {},
}
"""What is answered with a file, or with a page that tells a code once."""


def label_something(pool: ConnectionPool, ingest: ConnectionPool) -> dict[str, object]:
    """Let the own site's gateway print, and have a certificate; gives their names."""
    health = '{"counters": {"label_shelf": 7, "sscc_left": 0, "reference_revision": 0}}'
    with ingest.connection() as conn:
        conn.execute(
            "INSERT INTO gateway_status (gateway_id, presence, heard_at, status, health, health_at) "
            "SELECT gateway_id, 'online', %s, '{}', %s::jsonb, %s FROM gateway WHERE name = 'dock-m1' "
            "ON CONFLICT (gateway_id) DO UPDATE SET health = excluded.health",
            (NOW, health, NOW),
        )
    with TemporaryDirectory() as directory:
        authority = make_authority(Path(directory), network="test", now=NOW)
    with pool.connection() as conn:
        put_series(conn, KEEPER, SeriesPaper(site=OWN, company_prefix="9521141"))
        request = request_for(new_key(), "dock-m1")
        sign(conn, ROOT, gateway="dock-m1", request=request, authority=authority, now=NOW)
        row = certificates(conn, ROOT, gateway="dock-m1", limit=1)[0]
        used = invite(conn, ROOT, gateway="dock-l2", site=OTHER, now=NOW)
    asked = {"code": used.code, "request": request_for(new_key(), "dock-l2"), "secret": "s" * 32}
    LABELLED["POST /v1/enrolments"] = asked
    enrol(pool, DOOR, asked=EnrolmentRequest.model_validate(asked), offer=None, now=NOW)
    with pool.connection() as conn:
        other = invite(conn, ROOT, gateway="dock-m1", now=NOW)
    return {"version": 0, "name": "bin", "serial": row.serial, "invite_id": other.invite.invite_id}
