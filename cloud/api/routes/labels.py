"""`/v1/label-templates`, `/v1/labels`, `/v1/label-prints`, `/v1/sscc-blocks`: labels and their numbers."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.inquiry.domain import GREATEST
from cloud.labels import printing, references, service
from cloud.labels.domain import BLOCK, LAST_VERSION, MOST_BLOCK, MOST_REASON, TemplateRow
from contracts.base import ID_PATTERN, Gateway, Site
from contracts.labels import MOST_COPIES, LabelKind, LabelOrder, LabelTemplate

router = APIRouter(prefix="/v1", tags=["labels"], route_class=ConditionalRoute)

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
SiteQuery = Annotated[str, Query(pattern=ID_PATTERN)]
Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Version = Annotated[int, Path(ge=0, le=LAST_VERSION)]
Reason = Annotated[str, Field(min_length=1, max_length=MOST_REASON)]
Seen = Annotated[int, Field(ge=0, le=LAST_VERSION)]


class Template(BaseModel):
    """A version of a template."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    name: str
    version: int = Field(description="0: as it ships")
    kind: LabelKind
    dots_per_mm: int
    zpl: str
    reason: str
    set_by: str
    set_at: datetime | None


class Templates(BaseModel):
    """A site's templates as they are in force."""

    items: list[Template]


class NewTemplate(LabelTemplate):
    """A template to be in force from now on."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    reason: Reason
    seen_version: Seen | None = Field(
        default=None, description="The version that was changed; refused if there is a newer one"
    )


class NewLabel(BaseModel):
    """Labels to print."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    kind: LabelKind
    values: dict[str, Annotated[str, Field(max_length=200)]] = Field(max_length=20)
    template: Annotated[str, Field(max_length=32)] = Field(default="", description="Empty: that of the kind")
    copies: Annotated[int, Field(ge=1, le=MOST_COPIES)] = 1
    way: Literal["pdf", "zpl"] = "pdf"
    reason: Annotated[str, Field(max_length=MOST_REASON)] = Field(
        default="", description="Why an SSCC's label is printed once more"
    )


class Printed(BaseModel):
    """What to send to a printer."""

    media_type: str
    content: str = Field(description="Base64")


class Print(BaseModel):
    """Labels that were printed, by the cloud or by a gateway."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    printed_at: datetime
    kind: str
    subject: str
    copies: int
    way: str
    printer: str | None
    is_reprint: bool
    reason: str | None
    printed_by: str
    gateway: str | None = Field(description="Null: the cloud")


class NewBlock(BaseModel):
    """SSCCs to reserve for a gateway."""

    model_config = ConfigDict(extra="forbid")

    gateway: Gateway
    size: Annotated[int, Field(ge=1, le=MOST_BLOCK)] = BLOCK


class Block(BaseModel):
    """Serial references of SSCCs that one gateway gives out."""

    model_config = ConfigDict(from_attributes=True)

    gateway: str
    site: str
    company_prefix: str
    extension_digit: int
    first_serial: int
    last_serial: int
    reserved_at: datetime
    reserved_by: str


@router.get("/label-templates")
def list_label_templates(*, gate: TheGate, caller: Caller, site: SiteQuery) -> Templates:
    """List a site's templates as they are in force."""
    with gate.acting(caller) as conn:
        return Templates(items=[_template(row) for row in service.templates(conn, caller, site=site)])


@router.get("/label-templates/{site}/{name}/versions", responses=responses(404))
def list_label_template_versions(
    *, gate: TheGate, caller: Caller, site: SiteId, name: Name, limit: Limit = 100, after: After = None
) -> Page[Template]:
    """List what a template was, the newest first; version 0 is what ships."""
    before = LAST_VERSION if after is None else min(int(decode_cursor(after, int)[0]), LAST_VERSION)
    with gate.acting(caller) as conn:
        rows = service.versions(conn, caller, site=site, name=name, before=before, limit=limit + 1)
    return page_of(rows, limit, show=_template, key=lambda row: [row.version])


@router.post("/label-templates", status_code=201, response_model=Template, responses=responses(400, 409, 413))
def set_label_template(*, gate: TheGate, once: Once, body: NewTemplate) -> JSONResponse:
    """Change a template, or add one; the site's gateways are sent it."""
    given = LabelTemplate(name=body.name, kind=body.kind, dots_per_mm=body.dots_per_mm, zpl=body.zpl)

    def effect(conn: Connection) -> Template:
        row = service.set_template(
            conn,
            once.caller,
            site=body.site,
            given=given,
            reason=body.reason,
            seen_version=body.seen_version,
            now=gate.clock(),
        )
        return _template(row)

    return once.answer(body, effect)


@router.post(
    "/label-templates/{site}/{name}/versions/{version}/again",
    status_code=201,
    response_model=Template,
    responses=responses(400, 404, 409, 413),
)
def set_label_template_again(
    *, gate: TheGate, once: Once, site: SiteId, name: Name, version: Version
) -> JSONResponse:
    """Have an earlier version of a template again, as a new one."""

    def effect(conn: Connection) -> Template:
        return _template(
            service.set_again(conn, once.caller, site=site, name=name, version=version, now=gate.clock())
        )

    return once.answer(None, effect)


@router.post("/labels", status_code=201, response_model=Printed, responses=responses(400, 404, 409, 413))
def print_label(*, once: Once, body: NewLabel) -> JSONResponse:
    """Make labels to be printed, and note it; an SSCC's label needs a reason the second time."""
    order = LabelOrder(body.kind, body.values, body.copies, body.template)

    def effect(conn: Connection) -> Printed:
        made = printing.print_label(
            conn, once.caller, site=body.site, order=order, way=body.way, reason=body.reason
        )
        media_type = "application/pdf" if body.way == "pdf" else "text/plain; charset=utf-8"
        return Printed(media_type=media_type, content=b64encode(made).decode())

    return once.answer(body, effect)


@router.get("/label-prints")
def list_label_prints(
    *, gate: TheGate, caller: Caller, site: SiteQuery, limit: Limit = 100, after: After = None
) -> Page[Print]:
    """List labels printed at a site, by the cloud and by its gateways, the latest first."""
    before_at, before_key = gate.clock(), "~"
    if after is not None:
        at, key = decode_cursor(after, str, str)
        before_at, before_key = datetime.fromisoformat(str(at)), str(key)
    with gate.acting(caller) as conn:
        rows = printing.prints(
            conn, caller, site=site, before_at=before_at, before_key=before_key, limit=limit + 1
        )
    return page_of(
        rows, limit, show=Print.model_validate, key=lambda row: [row.printed_at.isoformat(), row.key]
    )


@router.get("/sscc-blocks")
def list_sscc_blocks(
    *, gate: TheGate, caller: Caller, site: SiteQuery, limit: Limit = 100, after: After = None
) -> Page[Block]:
    """List SSCCs that are reserved for a site's gateways, the latest first."""
    before = GREATEST if after is None else min(int(decode_cursor(after, int)[0]), GREATEST)
    with gate.acting(caller) as conn:
        rows = references.blocks(conn, caller, site=site, before=before, limit=limit + 1)
    return page_of(rows, limit, show=Block.model_validate, key=lambda row: [row.block_id])


@router.post("/sscc-blocks", status_code=201, response_model=Block, responses=responses(400, 413))
def reserve_sscc_block(*, gate: TheGate, once: Once, body: NewBlock) -> JSONResponse:
    """Reserve SSCCs for a gateway that will be without the cloud for long, and send it them."""

    def effect(conn: Connection) -> Block:
        return Block.model_validate(
            references.reserve(conn, once.caller, gateway=body.gateway, size=body.size, now=gate.clock())
        )

    return once.answer(body, effect)


def _template(row: TemplateRow) -> Template:
    return Template.model_validate(row)
