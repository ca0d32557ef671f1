"""Every error as RFC 9457 problem+json: what went wrong, where, and what was expected."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from cloud.alerts.domain import ResolvedTicketError, TicketWishError, UnknownTicketError
from cloud.alerts.webhooks.domain import TakenNameError, UnknownWebhookError, WebhookWishError
from cloud.allocation.domain import AllocationError, ConflictingClaimError, UnknownClaimError
from cloud.api.faults import Fault, detail_of, faults_of_book, faults_of_form
from cloud.counting.domain import CountingError, NotPossibleError, UnknownCountError, UnknownNameError
from cloud.counting.reconciling.domain import ReconciliationError
from cloud.crossings.domain import UnknownCrossingError
from cloud.db import DataError, IntegrityError, OperationalError
from cloud.decisions.domain import (
    AboveLimitError,
    DecisionError,
    OwnDecisionError,
    StaleDecisionError,
    UnknownDecisionError,
    WrongStateError,
)
from cloud.decisions.limits import UnknownLimitError
from cloud.demand.domain import DemandError, FaultyLinesError, UnknownSiteError
from cloud.demand.masks import UnknownMaskError
from cloud.demand.sources.domain import TakenSourceError, UnknownSourceError
from cloud.demand.waiting import UnknownHeldError
from cloud.documents.domain import (
    ConflictingDocumentError,
    DocumentError,
    FaultyDocumentError,
    UnknownDocumentError,
)
from cloud.events.domain import EventError, StaleEventError, UnknownEventError
from cloud.forecasting.domain import ForecastError
from cloud.forecasting.overrides.domain import (
    EndedOverrideError,
    OverlappingOverrideError,
    SmallOverrideError,
    UnknownOverrideError,
)
from cloud.forecasting.registry.domain import NoChallengerError, UnknownModelError
from cloud.gateways.certificates.domain import CertificateWishError, UnknownCertificateError
from cloud.gateways.domain import ConfigError, StaleConfigError, UnknownGatewayError
from cloud.gateways.enrolment.domain import (
    CodeRefusedError,
    EnrolmentError,
    UnknownInviteError,
)
from cloud.identity.actor import NotAllowedError
from cloud.identity.gate import ForgedRequestError, NotLoggedInError
from cloud.labels.domain import LabelWishError, StaleTemplateError, UnknownTemplateError
from cloud.ledger.domain import AlreadyClaimedError, LedgerError, UnknownRowError
from cloud.lots.domain import LotConflictError, LotError, UnknownLotError
from cloud.master.costs import CostsError
from cloud.master.places import PlaceError
from cloud.master.suppliers import SupplierError, UnknownSupplierError
from cloud.periods.domain import PeriodError, UnknownPeriodError
from cloud.recipes.domain import RecipeConflictError, RecipeError, UnknownRecipeError
from cloud.replenishment.domain import AnsweredProposalError, ReplenishmentError, UnknownProposalError
from contracts.labels import LabelError

MEDIA_TYPE: Final = "application/problem+json"
_TYPE_PREFIX: Final = "urn:dockledger:problem:"
_SCHEMAS: Final = "#/components/schemas/"

log = structlog.get_logger()


class Problem(BaseModel):
    """RFC 9457. `type` is stable; the texts are for people."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="`urn:dockledger:problem:…`, or `about:blank` for plain HTTP errors")
    title: str
    status: int
    detail: str
    instance: str = Field(description="Path of the request")
    errors: list[Fault] = Field(default_factory=list, description="The wrong parts, where known")


class ProblemError(Exception):
    """An answer that is a problem."""

    def __init__(
        self,
        status: HTTPStatus,
        name: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        faults: Sequence[Fault] = (),
    ) -> None:
        """Say what to answer.

        Args:
            status: HTTP status.
            name: Stable kebab-case name of the kind of problem.
            detail: Value, expectation and place.
            headers: Extra response headers.
            faults: The wrong parts.
        """
        super().__init__(detail)
        self.status = status
        self.name = name
        self.headers = headers
        self.faults = faults


def not_found(kind: str, name: object) -> ProblemError:
    """Make the answer for something that is not there, or not within the actor's sites.

    Args:
        kind: What was looked for: ``item``.
        name: How it was named.

    Returns:
        A 404 problem.
    """
    return ProblemError(HTTPStatus.NOT_FOUND, f"no-such-{kind}", f"there is no {kind} {str(name)!r:.100}")


def _described(text: str) -> dict[str, Any]:
    """Describe one by reference: for a model FastAPI would make a validator per operation and status."""
    return {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS + "Problem"}}}}


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: _described(text)
    for status, text in {
        401: "No credential, or one that has ended",
        403: "The actor's roles or sites do not permit it",
        422: "A parameter, header or body is not as it must be",
        503: "Overloaded, or the database does not answer; try again later",
    }.items()
}
"""What every authenticated operation may answer; operations add their own."""


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe further problems of one operation.

    Args:
        *statuses: HTTP statuses beside those of `RESPONSES`.

    Returns:
        For FastAPI's ``responses``.
    """
    return {status: _described(HTTPStatus(status).phrase) for status in statuses}


def with_schemas(described: dict[str, Any]) -> dict[str, Any]:
    """Add what the operations' problems refer to.

    Args:
        described: An OpenAPI document, changed in place.

    Returns:
        The same.
    """
    problem = Problem.model_json_schema(ref_template=_SCHEMAS + "{model}", mode="serialization")
    components = described["components"]
    schemas = components["schemas"] | problem.pop("$defs") | {"Problem": problem}
    components["schemas"] = {name: schemas[name] for name in sorted(schemas)}
    return described


def install(app: FastAPI) -> None:
    """Make an application answer every error as a problem.

    Args:
        app: The API.
    """
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(NotLoggedInError, _on_not_logged_in)
    app.add_exception_handler(FaultyLinesError, _on_faulty_lines)
    app.add_exception_handler(FaultyDocumentError, _on_faulty_parts)
    app.add_exception_handler(ReconciliationError, _on_faulty_parts)
    app.add_exception_handler(OperationalError, _on_database)
    app.add_exception_handler(DataError, _on_refused)
    app.add_exception_handler(IntegrityError, _on_refused)
    app.add_exception_handler(Exception, _on_bug)
    for kind, (status, name) in _BY_KIND.items():
        app.add_exception_handler(kind, _answering(status, name))


_BY_KIND: Final[dict[type[Exception], tuple[HTTPStatus, str]]] = {
    NotAllowedError: (HTTPStatus.FORBIDDEN, "not-allowed"),
    ForgedRequestError: (HTTPStatus.FORBIDDEN, "no-csrf-token"),
    UnknownRowError: (HTTPStatus.NOT_FOUND, "no-such-movement"),
    UnknownCrossingError: (HTTPStatus.NOT_FOUND, "no-such-crossing"),
    AlreadyClaimedError: (HTTPStatus.CONFLICT, "done-already"),
    UnknownCountError: (HTTPStatus.NOT_FOUND, "no-such-count"),
    UnknownNameError: (HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-name"),
    NotPossibleError: (HTTPStatus.CONFLICT, "count-not-possible-now"),
    CountingError: (HTTPStatus.UNPROCESSABLE_ENTITY, "count-not-possible"),
    CostsError: (HTTPStatus.UNPROCESSABLE_ENTITY, "cost-not-possible"),
    PlaceError: (HTTPStatus.CONFLICT, "place-not-possible"),
    UnknownDocumentError: (HTTPStatus.NOT_FOUND, "no-such-document"),
    ConflictingDocumentError: (HTTPStatus.CONFLICT, "document-conflict"),
    DocumentError: (HTTPStatus.UNPROCESSABLE_ENTITY, "document-not-possible"),
    UnknownClaimError: (HTTPStatus.NOT_FOUND, "nothing-to-claim"),
    ConflictingClaimError: (HTTPStatus.CONFLICT, "allocation-conflict"),
    AllocationError: (HTTPStatus.UNPROCESSABLE_ENTITY, "allocation-not-possible"),
    UnknownRecipeError: (HTTPStatus.NOT_FOUND, "no-such-recipe"),
    RecipeConflictError: (HTTPStatus.CONFLICT, "recipe-conflict"),
    RecipeError: (HTTPStatus.UNPROCESSABLE_ENTITY, "recipe-not-possible"),
    UnknownLotError: (HTTPStatus.NOT_FOUND, "no-such-lot"),
    LotConflictError: (HTTPStatus.CONFLICT, "lot-conflict"),
    LotError: (HTTPStatus.UNPROCESSABLE_ENTITY, "lot-not-possible"),
    UnknownSourceError: (HTTPStatus.NOT_FOUND, "no-such-source"),
    TakenSourceError: (HTTPStatus.CONFLICT, "name-taken"),
    UnknownHeldError: (HTTPStatus.NOT_FOUND, "nothing-held"),
    UnknownMaskError: (HTTPStatus.NOT_FOUND, "no-such-mask"),
    UnknownSiteError: (HTTPStatus.NOT_FOUND, "no-such-site"),
    DemandError: (HTTPStatus.UNPROCESSABLE_ENTITY, "demand-not-possible"),
    LedgerError: (HTTPStatus.UNPROCESSABLE_ENTITY, "not-postable"),
    UnknownSupplierError: (HTTPStatus.NOT_FOUND, "no-such-supplier"),
    SupplierError: (HTTPStatus.UNPROCESSABLE_ENTITY, "supplier-not-possible"),
    UnknownPeriodError: (HTTPStatus.NOT_FOUND, "no-such-period"),
    PeriodError: (HTTPStatus.UNPROCESSABLE_ENTITY, "period-not-possible"),
    UnknownProposalError: (HTTPStatus.NOT_FOUND, "no-such-proposal"),
    AnsweredProposalError: (HTTPStatus.CONFLICT, "proposal-answered"),
    ReplenishmentError: (HTTPStatus.UNPROCESSABLE_ENTITY, "proposal-not-possible"),
    CodeRefusedError: (HTTPStatus.FORBIDDEN, "code-refused"),
    UnknownInviteError: (HTTPStatus.NOT_FOUND, "no-such-invite"),
    EnrolmentError: (HTTPStatus.UNPROCESSABLE_ENTITY, "enrolment-not-possible"),
    UnknownGatewayError: (HTTPStatus.NOT_FOUND, "no-such-gateway"),
    StaleConfigError: (HTTPStatus.CONFLICT, "config-changed"),
    ConfigError: (HTTPStatus.UNPROCESSABLE_ENTITY, "config-not-possible"),
    UnknownCertificateError: (HTTPStatus.NOT_FOUND, "no-such-certificate"),
    CertificateWishError: (HTTPStatus.UNPROCESSABLE_ENTITY, "certificate-not-possible"),
    UnknownTemplateError: (HTTPStatus.NOT_FOUND, "no-such-template"),
    StaleTemplateError: (HTTPStatus.CONFLICT, "template-changed"),
    LabelWishError: (HTTPStatus.UNPROCESSABLE_ENTITY, "label-not-possible"),
    LabelError: (HTTPStatus.UNPROCESSABLE_ENTITY, "label-not-possible"),
    UnknownEventError: (HTTPStatus.NOT_FOUND, "no-such-event"),
    StaleEventError: (HTTPStatus.CONFLICT, "event-changed"),
    EventError: (HTTPStatus.UNPROCESSABLE_ENTITY, "event-not-possible"),
    UnknownOverrideError: (HTTPStatus.NOT_FOUND, "no-such-override"),
    OverlappingOverrideError: (HTTPStatus.CONFLICT, "override-overlaps"),
    SmallOverrideError: (HTTPStatus.CONFLICT, "override-too-small"),
    EndedOverrideError: (HTTPStatus.CONFLICT, "override-ended"),
    UnknownModelError: (HTTPStatus.NOT_FOUND, "no-such-model"),
    NoChallengerError: (HTTPStatus.CONFLICT, "no-challenger"),
    ForecastError: (HTTPStatus.UNPROCESSABLE_ENTITY, "forecast-not-possible"),
    UnknownDecisionError: (HTTPStatus.NOT_FOUND, "no-such-decision"),
    UnknownLimitError: (HTTPStatus.NOT_FOUND, "no-such-limit"),
    StaleDecisionError: (HTTPStatus.CONFLICT, "decision-changed"),
    WrongStateError: (HTTPStatus.CONFLICT, "decision-not-possible-now"),
    OwnDecisionError: (HTTPStatus.FORBIDDEN, "own-decision"),
    AboveLimitError: (HTTPStatus.FORBIDDEN, "above-limit"),
    DecisionError: (HTTPStatus.UNPROCESSABLE_ENTITY, "decision-not-possible"),
    UnknownTicketError: (HTTPStatus.NOT_FOUND, "no-such-ticket"),
    ResolvedTicketError: (HTTPStatus.CONFLICT, "ticket-resolved"),
    TicketWishError: (HTTPStatus.UNPROCESSABLE_ENTITY, "ticket-not-possible"),
    UnknownWebhookError: (HTTPStatus.NOT_FOUND, "no-such-webhook"),
    TakenNameError: (HTTPStatus.CONFLICT, "name-taken"),
    WebhookWishError: (HTTPStatus.UNPROCESSABLE_ENTITY, "webhook-not-possible"),
}


def problem_response(
    request: Request,
    status: int,
    name: str | None,
    detail: str,
    *,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Write a problem.

    Args:
        request: The request it answers.
        status: HTTP status.
        name: Stable kebab-case name, or None for a plain HTTP error.
        detail: Value, expectation and place.
        faults: The wrong parts.
        headers: Extra response headers.

    Returns:
        The response.
    """
    problem = Problem(
        type=f"{_TYPE_PREFIX}{name}" if name else "about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=list(faults),
    )
    return Response(problem.model_dump_json(), status, headers, media_type=MEDIA_TYPE)


def _answering(status: HTTPStatus, name: str) -> Any:
    def handle(request: Request, error: Exception) -> Response:
        return problem_response(request, status, name, str(error))

    return handle


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101  registered for this type
    return problem_response(
        request, error.status, error.name, str(error), faults=error.faults, headers=error.headers
    )


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for this type
    faults = faults_of_form(error.errors())
    detail = "; ".join(f"{fault.place}: {fault.message}" for fault in faults[:3])
    return problem_response(request, 422, "invalid-request", detail, faults=faults)


def _on_faulty_parts(request: Request, error: Exception) -> Response:
    assert isinstance(error, (FaultyDocumentError, ReconciliationError))  # noqa: S101  registered for these
    name = "document-not-possible" if isinstance(error, DocumentError) else "count-not-possible"
    detail = detail_of(str(error).splitlines())
    return problem_response(request, 422, name, detail, faults=faults_of_book(error.faults))


def _on_faulty_lines(request: Request, error: Exception) -> Response:
    assert isinstance(error, FaultyLinesError)  # noqa: S101  registered for this type
    part = error.origin if error.origin.startswith("body.") else "body.lines"
    faults = [
        Fault(place=f"{part}.{fault.place}.{fault.field}", message=fault.message, value="")
        for fault in error.faults
    ]
    detail = f"{error.total} faults, nothing was stored: {'; '.join(fault.message for fault in faults[:3])}"
    return problem_response(request, 422, "demand-not-possible", detail, faults=faults)


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this type
    return problem_response(request, error.status_code, None, str(error.detail), headers=error.headers)


def _on_not_logged_in(request: Request, error: Exception) -> Response:
    return problem_response(request, 401, "not-logged-in", str(error), headers={"WWW-Authenticate": "Bearer"})


def _on_database(request: Request, error: Exception) -> Response:
    log.warning("database_unavailable", path=request.url.path, error=str(error))
    detail = "the database did not answer in time; narrow the question or try again"
    return problem_response(request, 503, "database-unavailable", detail, headers={"Retry-After": "2"})


def _on_refused(request: Request, error: Exception) -> Response:
    log.info("content_refused", path=request.url.path, error=str(error))
    return problem_response(request, 422, "refused-by-database", str(error).partition("\n")[0])


def _on_bug(request: Request, error: Exception) -> Response:
    log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    return problem_response(
        request, 500, "internal", "an error of ours; it has been logged with this path and time"
    )
