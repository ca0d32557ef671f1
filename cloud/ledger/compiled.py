"""The contract of a batch in native code: usual sealed bytes in, header and records out, else nothing.

What it reads, ``contracts.batch.BATCH`` reads too, to the same values; what it leaves may still be valid.
"""

from collections.abc import Collection
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Final, Union, cast

import msgspec
from pydantic import ValidationError

from cloud.ledger.structs import Structs, default, value_type
from contracts.base import write_quantity
from contracts.batch import HEADER, MAX_ROWS, BatchHeader
from contracts.records import MODELS, Record


def read_compiled(body: bytes) -> tuple[BatchHeader, tuple[Record, ...]] | None:
    """Read a batch that holds nothing unusual.

    Args:
        body: Sealed bytes.

    Returns:
        The header, and the records as structs with the fields of their models; None if anything is unusual.
    """
    # Where every byte is ASCII and none escapes another, no text holds a control character, but for DEL.
    is_plain = body.isascii() and b"\\" not in body and b"\x7f" not in body
    try:
        fields = msgspec.structs.asdict(_DECODERS[is_plain].decode(body))
        records = cast("tuple[Record, ...]", fields.pop("records"))
        header = HEADER.validate_python(fields)
    except (msgspec.MsgspecError, ValidationError, UnicodeDecodeError, RecursionError):
        return None
    told = range(header.first_seq, header.last_seq + 1)
    if len(told) != len(records) or [record.seq for record in records] != list(told):
        return None
    return header, records


class Rest:
    """Writes what of a record is not kept elsewhere."""

    def __init__(self, kind: str, elsewhere: Collection[str]) -> None:
        """Prepare for one kind of record.

        Args:
            kind: Which.
            elsewhere: Fields to leave out.
        """
        fields = {name: info for name, info in MODELS[kind].model_fields.items() if name not in elsewhere}
        self._elsewhere = set(elsewhere)
        self._values = attrgetter(*fields)
        self._quantities = [n for n, info in enumerate(fields.values()) if value_type(info)[0] is Decimal]
        self._struct = msgspec.defstruct(
            f"RestOf{MODELS[kind].__name__}",
            [
                (name, Any, msgspec.UNSET if info.is_required() else info.default)
                for name, info in fields.items()
            ],
            omit_defaults=True,
            gc=False,
        )

    def write(self, record: Record) -> str:
        """Write the rest of a record.

        Args:
            record: Of that kind.

        Returns:
            A JSON object; fields that hold their default are left out.
        """
        if not isinstance(record, msgspec.Struct):
            return record.__pydantic_serializer__.to_json(
                record, exclude=self._elsewhere, exclude_defaults=True, by_alias=True
            ).decode()
        values = self._values(record)
        for place in self._quantities:
            if values[place] is not None:
                values = (*values[:place], write_quantity(values[place]), *values[place + 1 :])
        return msgspec.json.encode(self._struct(*values)).decode()


def _decoder(*, is_plain: bool) -> msgspec.json.Decoder[Any]:
    """Make a decoder of batches; what their headers hold is left to the model."""
    structs = Structs(is_plain=is_plain)
    record: Any = Union[tuple(map(structs.of, MODELS.values()))]  # noqa: UP007  made at run time
    batch = msgspec.defstruct(
        "Batch",
        [
            *((name, Any, *default(info)) for name, info in BatchHeader.model_fields.items()),
            ("records", Annotated[tuple[record, ...], msgspec.Meta(min_length=1, max_length=MAX_ROWS)]),
        ],
        rename={"schema_version": "schema"},
        kw_only=True,
        forbid_unknown_fields=True,
    )
    return msgspec.json.Decoder(batch)


_DECODERS: Final = {is_plain: _decoder(is_plain=is_plain) for is_plain in (False, True)}
