"""A batch's sealed bytes beside the rows that the ledger made of them; pure."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from pydantic import ValidationError

from cloud.ledger.verification.domain import Breach
from cloud.master.domain import BASE_UNIT, place_key
from contracts.base import epoch_from_int, epoch_to_int
from contracts.batch import HEADER, FrameError, decode_frame, hash_unread
from contracts.records import RECORD, Movement, Side
from contracts.vocabulary import Disposition, VirtualLocation


class StoredBatch(NamedTuple):
    """A row of ``batch`` with its gateway's name."""

    gateway_id: int
    gateway: str
    epoch: int
    batch_no: int
    sha256: str
    body: bytes
    site_id: str
    prev_sha256: str
    first_seq: int
    last_seq: int
    complete_until: datetime
    is_final: bool

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"gateway {self.gateway} epoch {epoch_from_int(self.epoch)} batch {self.batch_no}"


class Opened(NamedTuple):
    """The bytes of a batch, decoded."""

    fields: dict[str, Any]
    """Of its header."""
    records: list[object]


Facts = tuple[Any, ...]
"""What a row says, in a fixed order; equal for the bytes and the ledger."""
_BETWEEN: Final = "\x1f"
_NOTHING: Final = "\x1e"
"""Written for what was not stated. No text of a record holds this or what stands between its parts."""


def is_held_as(payload: bytes, sha256: str) -> bool:
    """Tell whether a publish is held under its name: that of its sealed bytes, or of what follows its header.

    Args:
        payload: Bytes as they were received.
        sha256: The hash that names them.

    Returns:
        True if so.
    """
    try:
        return hash_unread(payload) == sha256 or decode_frame(payload).header.sha256 == sha256
    except FrameError:
        return False


def opened(batch: StoredBatch) -> Opened | Breach:
    """Unpack a batch's bytes, if they are what their name says.

    Args:
        batch: As the ledger holds it.

    Returns:
        Its header's fields and its records; or the breach.
    """
    try:
        body = gzip.decompress(batch.body)
    except (OSError, EOFError, zlib.error) as error:
        return Breach(batch.place, "a gzip body", str(error))
    found = hashlib.sha256(body).hexdigest()
    if found != batch.sha256:
        return Breach(batch.place, f"body of {batch.sha256}", f"body of {found}")
    fields = orjson.loads(body)
    return Opened(fields, fields.pop("records"))


def told(batch: StoredBatch, records: Sequence[object]) -> str | None:
    """Write what the records of a batch say as the database writes what its rows say: the usual case, fast.

    Args:
        batch: As the ledger holds it.
        records: Of its bytes, decoded.

    Returns:
        One line a record, to be compared as a whole; None if one is not written as we write it. Where the
        texts differ, `compare` judges.
    """
    try:
        return "\n".join(f"{seq}\x1f{_told(raw)}" for seq, raw in enumerate(records, start=batch.first_seq))
    except (KeyError, TypeError, AttributeError):
        return None


def compare_header(batch: StoredBatch, fields: Mapping[str, Any]) -> Iterator[Breach]:
    """Compare a batch's sealed header with the row of the batch.

    Args:
        batch: As the ledger holds it.
        fields: Of its bytes, decoded.

    Yields:
        A breach if they differ.
    """
    header = HEADER.validate_python(fields)
    said = (
        header.gateway, epoch_to_int(header.epoch), header.batch_no, header.site, header.prev_sha256,
        header.first_seq, header.last_seq, header.complete_until, header.final,
    )  # fmt: skip
    kept = (
        batch.gateway, batch.epoch, batch.batch_no, batch.site_id, batch.prev_sha256, batch.first_seq,
        batch.last_seq, batch.complete_until, batch.is_final,
    )  # fmt: skip
    if said != kept:
        yield Breach(f"{batch.place} header", str(said), str(kept))


def compare(batch: StoredBatch, records: Sequence[object], stored: Mapping[int, Facts]) -> Iterator[Breach]:
    """Compare a batch's records with its rows, each by what it means.

    Args:
        batch: As the ledger holds it.
        records: Of its bytes, decoded.
        stored: What its rows say, by seq; rows in quarantine are absent.

    Yields:
        A breach for each difference.
    """
    for seq, raw in enumerate(records, start=batch.first_seq):
        if seq in stored and (facts := _facts(batch.site_id, raw)) != stored[seq]:
            yield Breach(f"{batch.place} seq {seq}", str(facts), str(stored[seq]))


def _told(raw: Any) -> str:
    kind, at = raw["kind"], _instant_told(raw["occurred_at_claimed"])
    if kind != "movement":
        return f"{kind}\x1f{at}"
    named, reverses = raw["identifier"], raw.get("reverses")
    undone = f"{reverses['gateway']}/{reverses['epoch']}/{reverses['seq']}" if reverses else _NOTHING
    parts = (
        named["scheme"],
        named["value"],
        raw["quantity_seen"],
        raw.get("unit_seen", BASE_UNIT),
        _said(raw.get("reason")),
        at,
        _side_told(raw["source"]),
        _side_told(raw["destination"]),
        undone,
    )
    return _BETWEEN.join(parts)


def _instant_told(text: str) -> str:
    """Write an instant of a record as PostgreSQL writes it; one that is not in UTC is left as it is."""
    if text[-1] != "Z":
        return text
    at = f"{text[:10]} {text[11:-1]}"
    return at.rstrip("0") if "." in at else at


def _side_told(side: Any) -> str:
    unit = side.get("unit")
    where = side.get("location") or VirtualLocation.UNKNOWN.value
    place = (where, "l") if unit is None else (unit, "u")
    rest = (_said(side.get("lot")), _said(_condition(side.get("disposition"))), _said(side.get("owner")))
    return _BETWEEN.join((*place, *rest))


def _said(value: str | None) -> str:
    return _NOTHING if value is None else value


def _facts(site: str, raw: object) -> Facts:
    try:
        record = RECORD.validate_python(raw)
    except ValidationError as error:
        return ("unreadable", str(error.errors()[0]["msg"]))
    if not isinstance(record, Movement):
        return record.kind, record.occurred_at_claimed
    reverses: Facts = (None, None, None)
    if record.reverses is not None:
        reverses = (record.reverses.gateway, epoch_to_int(record.reverses.epoch), record.reverses.seq)
    return (
        record.identifier.scheme,
        record.identifier.value,
        record.quantity_seen,
        record.unit_seen,
        record.reason,
        record.occurred_at_claimed,
        *_side(site, record.source),
        *_side(site, record.destination),
        *reverses,
    )


def _side(site: str, side: Side) -> Facts:
    code = place_key(site, side)[1]
    return code, side.unit is not None, side.lot, _condition(side.disposition), side.owner


def _condition(stated: str | None) -> str | None:
    """Write a condition as its cell has it: sellable is what goods of no stated condition are."""
    return None if stated is None or stated == Disposition.SELLABLE else str(stated)
