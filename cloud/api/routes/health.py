"""`/health/live`, `/health/ready`, `/metrics`: for supervisors, load balancers and Prometheus."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from cloud.api.conditional import operation_id
from cloud.api.metrics import Metrics
from cloud.api.problems import RESPONSES, responses
from cloud.api.requests import Caller, TheGate
from cloud.inquiry import operations
from cloud.inquiry.probe import is_ready
from cloud.routes import LateRoute
from cloud.runs import jobs

router = APIRouter(tags=["health"], route_class=LateRoute, generate_unique_id_function=operation_id)


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/health/live")
def get_liveness() -> Health:
    """Say that the process answers."""
    return Health()


@router.get("/health/ready", responses=responses(503))
def get_readiness(gate: TheGate) -> Health:
    """Say that the database answers and is migrated."""
    is_ready(gate.pool)
    return Health()


@router.get(
    "/metrics",
    response_class=Response,
    responses={**RESPONSES, 200: {"content": {"text/plain": {}}, "description": "Prometheus exposition"}},
)
def get_metrics(request: Request, gate: TheGate, caller: Caller) -> Response:
    """Give the figures of this process and of the ledger within the caller's reach."""
    metrics: Metrics = request.app.state.metrics
    with gate.acting(caller) as conn:
        ledger, sites = operations.completeness(conn, caller)
        gateways = operations.gateways(conn, caller, limit=10_000)
        gaps = operations.gaps(conn, caller, open_only=True, limit=10_000)
        held = operations.held_count(conn, caller)
        listed = jobs.jobs(conn, caller)
    metrics.observe_ledger(ledger.position, sites, gateways, len(gaps), held, now=gate.clock())
    metrics.observe_jobs(listed, now=gate.clock())
    return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
