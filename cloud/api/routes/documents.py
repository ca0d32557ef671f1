"""`/v1/documents`: ASNs and outbound orders, and what of them has changed hands."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.api.salvaging import Sent
from cloud.db import Connection
from cloud.documents import service
from cloud.documents.papers import DocumentPaper, DocumentType
from cloud.documents.service import DocumentRow, DocumentStory
from cloud.identity.actor import Actor
from contracts.base import ID_PATTERN
from contracts.records import Identifier

router = APIRouter(prefix="/v1/documents", tags=["documents"], route_class=ConditionalRoute)

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]


class Document(BaseModel):
    """An ASN or an outbound order; a line is settled once a receipt or departure has posted it."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    type: DocumentType
    id: str
    partner: str | None
    due_on: date | None = Field(description="By the site's days: when it is needed, or expected")
    created_at: datetime
    created_by: str
    lines: int
    settled_lines: int


class DocumentLine(BaseModel):
    """A line: loose goods, or content of a unit."""

    line: str
    identifier: Identifier
    quantity: Decimal = Field(description="In `unit_seen`")
    unit_seen: str = Field(description="`base`, or the GTIN of a packaging level")
    lot: str | None
    unit: str | None = Field(description="SSCC or GRAI of the unit that holds it; null: loose goods")
    is_settled: bool


class DocumentWhole(Document):
    """A document with its lines in order."""

    content: list[DocumentLine]


@router.get("")
def list_documents(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    type: DocumentType | None = None,  # noqa: A002  the field's name
    limit: Limit = 100,
    after: After = None,
) -> Page[Document]:
    """List documents by site, type and id."""
    start = ("", "", "")
    if after is not None:
        after_site, after_type, after_id = map(str, decode_cursor(after, str, str, str))
        start = (after_site, after_type, after_id)
    with gate.acting(caller) as conn:
        rows = service.documents(conn, caller, site=site, kind=type, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Document.model_validate, key=_key)


@router.get("/{site}/{type}/{name:path}", responses=responses(404))
def get_document(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteId,
    type: DocumentType,  # noqa: A002  the field's name
    name: Annotated[str, Path(min_length=1, max_length=128)],
) -> DocumentWhole:
    """Give a document with its lines."""
    with gate.acting(caller) as conn:
        return _whole(service.document(conn, caller, site=site, kind=type, name=name))


@router.post("", status_code=201, response_model=DocumentWhole, responses=responses(400, 404, 409, 413))
def register_document(
    *, gate: TheGate, caller: Caller, body: Sent[DocumentPaper], idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Register a document; the same content again is answered the same, other content is a conflict."""
    paper = body.paper
    body.require_whole(
        gate,
        lambda conn: service.check_document(conn, caller, paper, gaps=body.gaps),
        problem="document-not-possible",
    )

    def effect(conn: Connection) -> DocumentWhole:
        service.register_document(conn, caller, paper)
        return _whole(_there(conn, caller, paper))

    return post_once(gate, caller, idempotency_key, target="/v1/documents", body=paper, effect=effect)


def _there(conn: Connection, caller: Actor, body: DocumentPaper) -> DocumentStory:
    return service.document(conn, caller, site=body.site, kind=body.type, name=body.id)


def _key(row: DocumentRow) -> list[str | int]:
    return [row.site, row.type, row.id]


def _whole(story: DocumentStory) -> DocumentWhole:
    content = [
        DocumentLine(
            line=line.line,
            identifier=Identifier.model_validate(
                {"scheme": line.identifier_scheme, "value": line.identifier}
            ),
            quantity=line.quantity,
            unit_seen=line.unit_seen,
            lot=line.lot,
            unit=line.unit,
            is_settled=line.name in story.settled,
        )
        for line in story.lines
    ]
    return DocumentWhole(**Document.model_validate(story.document).model_dump(), content=content)
