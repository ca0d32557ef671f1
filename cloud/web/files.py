"""Lists of pages as files: the page's filters and columns, whole, as they stand at one instant."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import HTTPException, Path
from fastapi.responses import Response
from markupsafe import Markup
from starlette.convertors import Convertor, register_url_convertor
from typing_extensions import override

from cloud.db import Connection
from cloud.identity.gate import Gate, Visitor
from cloud.sheets.listing import Column, Form, FormError, Listing
from cloud.sheets.sending import BusyError, send

AT_ONCE: Final = 5_000
"""Rows that are read at once."""
_BUSY: Final = {"Retry-After": "5"}
_API: Final = "/v1/"
_NAMES: Final = {Form.CSV: "CSV", Form.XLSX: "XLSX", Form.PARQUET: "Parquet"}
_LINK: Final = Markup('<a class="button plain" href="{}" download>{}</a>')

FileForm = Annotated[Form, Path(description="What file")]
Row = TypeVar("Row")
Key = TypeVar("Key")


class _FormConvertor(Convertor[Form]):
    """The end of a file's address; a name that has dots of its own is not taken for one."""

    regex = "|".join(form.value for form in Form)

    @override
    def convert(self, value: str) -> Form:
        return Form(value)

    @override
    def to_string(self, value: Form) -> str:
        return value.value


register_url_convertor("form", _FormConvertor())


def file_links(path: str, query: str = "", **filters: object) -> Markup:
    """Link to a list as files; a form that this installation cannot make is not offered.

    Args:
        path: Of the page's list, or of the API's; empty: this very page.
        query: The page's filters, as its address says them.
        **filters: The page's own; what is empty is left out, a list says itself several times.

    Returns:
        HTML.
    """
    asked = dict(parse_qsl(query)) | {name: value for name, value in filters.items() if value}
    links = []
    for form in Form:
        if form is not Form.PARQUET or find_spec("pyarrow") is not None:
            is_asked = not path or path.startswith(_API)
            given = urlencode(asked | ({"format": form.value} if is_asked else {}), doseq=True)
            address = path if is_asked else f"{path}.{form.value}"
            links.append(_LINK.format(f"{address}?{given}" if given else address, _NAMES[form]))
    return Markup("").join(links)


@contextmanager
def looking(gate: Gate, visitor: Visitor) -> Iterator[Connection]:
    """Open a transaction that shows one instant, in which a list can be turned over to its end.

    Args:
        gate: Opens it.
        visitor: Who looks.

    Yields:
        The connection.
    """
    with gate.one_look(visitor.actor) as look, look.acting(visitor.actor) as conn:
        yield conn


def whole(
    read: Callable[[Key, int], Sequence[Row]], *, start: Key, key: Callable[[Row], Key]
) -> Iterator[Row]:
    """Turn the pages of a list over, to its end.

    Args:
        read: Gives the rows after a key, at most so many.
        start: Before the first row.
        key: Of a row.

    Yields:
        The rows.
    """
    while True:
        rows = read(start, AT_ONCE)
        yield from rows
        if len(rows) < AT_ONCE:
            return
        start = key(rows[-1])


def answer(
    name: str,
    columns: tuple[Column, ...],
    rows: Iterable[Any],
    form: Form,
    *,
    at: datetime,
    site: str | None = None,
) -> Response:
    """Give a list as a file.

    Args:
        name: Of what.
        columns: Its columns.
        rows: Its rows.
        form: What file.
        at: The instant that it shows.
        site: Of one site only.

    Returns:
        The file.

    Raises:
        HTTPException: 406 if the list does not fit the form, 503 if others have files made.
    """
    try:
        return send(Listing(name, columns, rows, at, site), form)
    except FormError as error:
        raise HTTPException(406, f"{error}") from error
    except BusyError as error:
        raise HTTPException(503, f"{error}", headers=_BUSY) from error
