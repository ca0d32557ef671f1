"""A list in, an answer with the whole file out: written to disk first, so that no half is ever sent."""

import hashlib
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import IO, Final

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from cloud.sheets.csv_file import write_csv
from cloud.sheets.listing import Form, FormError, Listing
from cloud.sheets.parquet_file import write_parquet
from cloud.sheets.workbook import write_workbook

MEDIA_TYPES: Final[Mapping[Form, str]] = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.PARQUET: "application/vnd.apache.parquet",
}
MOST_AT_ONCE: Final = 2
"""Files that a process makes at the same time; each holds a connection while it is made."""
_IN_MEMORY: Final = 1 << 20
_PIECE: Final = 1 << 16
_WRITERS: Final[Mapping[Form, Callable[[Listing, IO[bytes]], None]]] = {
    Form.CSV: write_csv,
    Form.XLSX: write_workbook,
    Form.PARQUET: write_parquet,
}
_making: Final = threading.BoundedSemaphore(MOST_AT_ONCE)


class BusyError(Exception):
    """Others have files made; it is worth trying again."""


class FileAnswer(StreamingResponse):
    """A file that is closed when it has been sent, or when nobody wants it any more."""

    def __init__(
        self, file: "tempfile.SpooledTemporaryFile[bytes]", *, media_type: str, headers: Mapping[str, str]
    ) -> None:
        """Answer with a file.

        Args:
            file: At its beginning; it is this answer's now.
            media_type: What it is.
            headers: What is said of it.
        """
        super().__init__(iter(lambda: file.read(_PIECE), b""), media_type=media_type, headers=headers)
        self._file = file

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, as far as somebody reads it.

        Args:
            scope: ASGI scope.
            receive: ASGI receive.
            send: ASGI send.
        """
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()

    def drop(self) -> None:
        """Close it unsent."""
        self._file.close()


def send(listing: Listing, form: Form) -> FileAnswer:
    """Make a file of a list.

    Args:
        listing: What it holds; read to its end before anything is sent.
        form: What file.

    Returns:
        The answer; its entity tag is the file's content.

    Raises:
        BusyError: If as many files are being made as may be.
        FormError: If the list does not fit the form, or there is no room on disk to make the file.
    """
    if not _making.acquire(blocking=False):
        raise BusyError(f"{MOST_AT_ONCE} files of lists are being made already; try again in a moment")
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  closed when it has been sent
    try:
        _WRITERS[form](listing, file)
    except BaseException as error:
        file.close()
        if isinstance(error, OSError):
            raise FormError(f"there is no room to make the file: {error.strerror}") from error
        raise
    finally:
        _making.release()
    size = file.tell()
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    file.seek(0)
    headers = {
        "Content-Disposition": f'attachment; filename="{listing.file_name(form)}"',
        "Content-Length": str(size),
        "ETag": f'"{digest.hexdigest()[:32]}"',
        "Cache-Control": "private, no-cache",
    }
    return FileAnswer(file, media_type=MEDIA_TYPES[form], headers=headers)
