"""Entries in, rows in the database out, and beside each batch what of it was refused."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import orjson

from cloud.db import Connection
from cloud.ledger import store
from cloud.ledger.domain import AcceptedBatch, Claim, NotPostableError, RefusedRow
from cloud.ledger.entries import Entry, Gateways
from cloud.ledger.naming import Named, resolve_names
from cloud.ledger.nesting import refuse_circles
from cloud.ledger.rows import COUNT, COUNT_LINE, TABLE_OF_KIND, Renderer, Row
from cloud.master.domain import UnresolvableError
from cloud.master.resolver import Resolver
from contracts.records import RowRef

REVERSAL: Final = "reversal"


def reversal_claim(ref: RowRef) -> Claim:
    """Name the claim that a reversal makes, so that a row is reversed once.

    Args:
        ref: The row that is reversed.

    Returns:
        The claim.
    """
    return Claim(REVERSAL, f"{ref.gateway}/{ref.epoch}/{ref.seq}")


class Writer:
    """Writes the rows of one posting."""

    def __init__(
        self,
        conn: Connection,
        posting_id: int,
        resolver: Resolver,
        gateways: Gateways,
        batches: Sequence[AcceptedBatch],
    ) -> None:
        """Start with what the batches' decoding refused already.

        Args:
            conn: A connection inside the posting.
            posting_id: The posting.
            resolver: Remembers names between postings.
            gateways: Those registered that the posting names.
            batches: Of the posting.
        """
        self.refused: list[list[RefusedRow]] = [list(batch.refused) for batch in batches]
        self._conn = conn
        self._posting_id = posting_id
        self._resolver = resolver
        self._gateways = gateways
        self._batches = batches

    def write(self, entries: Sequence[Entry], adjustment_id: int | None) -> None:
        """Store entries; those of batches that cannot be stored are refused, those of statements fail.

        Args:
            entries: All rows of the posting.
            adjustment_id: The adjustment that the movements carry out.

        Raises:
            NotPostableError: If a statement, or a line of a stored count, cannot be stored as it is.
        """
        names, storable = resolve_names(self._conn, self._resolver, self._posting_id, entries, self._refuse)
        refuse_circles(self._conn, names, [named for named in storable if named.entry.batch is None])
        renderer = Renderer(self._posting_id, names, self._gateways, adjustment_id)
        stored: dict[str, tuple[list[Named], list[Row]]] = {kind: ([], []) for kind in TABLE_OF_KIND}
        for named, row in self._claim_reversals(list(self._rendered(renderer, storable))):
            of_kind, rows = stored[named.entry.row.record.kind]
            of_kind.append(named)
            rows.append(row)
        for kind, table in TABLE_OF_KIND.items():
            of_kind, rows = stored[kind]
            not_taken = {write.index: write for write in store.copy_rows(self._conn, table, rows)}
            for index, write in not_taken.items():
                self._refuse(of_kind[index].entry, UnresolvableError(write.reason, write.message))
            if table is COUNT:
                counts = [named for index, named in enumerate(of_kind) if index not in not_taken]
                lines = [line for named in counts for line in renderer.count_lines(named)]
                if refused := store.copy_rows(self._conn, COUNT_LINE, lines):
                    raise NotPostableError(f"a line of a count cannot be stored: {refused[0].message}")

    def _rendered(self, renderer: Renderer, storable: Sequence[Named]) -> Iterator[tuple[Named, Row]]:
        for named in storable:
            try:
                yield named, renderer.row(named)
            except UnresolvableError as error:
                self._refuse(named.entry, error)

    def _claim_reversals(self, rendered: Sequence[tuple[Named, Row]]) -> Iterable[tuple[Named, Row]]:
        """Let each row be reversed once, by the first that can be stored; who comes later is refused."""
        wanted = {
            reversal_claim(ref): named
            for named, _ in reversed(rendered)
            if (ref := _reversed_by(named)) is not None
        }
        return self._claimed(rendered, wanted) if wanted else rendered

    def _claimed(
        self, rendered: Sequence[tuple[Named, Row]], wanted: Mapping[Claim, Named]
    ) -> Iterator[tuple[Named, Row]]:
        made = store.add_claims(self._conn, self._posting_id, sorted(wanted, key=lambda claim: claim.target))
        for named, row in rendered:
            ref = _reversed_by(named)
            if ref is None or (reversal_claim(ref) in made and wanted[reversal_claim(ref)] is named):
                yield named, row
            else:
                message = f"row {reversal_claim(ref).target} has been reversed before"
                self._refuse(named.entry, UnresolvableError("already_reversed", message))

    def _refuse(self, entry: Entry, error: UnresolvableError) -> None:
        if entry.batch is None:
            raise NotPostableError(str(error))
        batch = self._batches[entry.batch]
        record = orjson.loads(batch.body)["records"][entry.seq - batch.header.first_seq]
        refused = RefusedRow(entry.seq, error.reason, str(error), orjson.dumps(record))
        self.refused[entry.batch].append(refused)


def _reversed_by(named: Named) -> RowRef | None:
    record = named.entry.row.record
    return record.reverses if record.kind == "movement" else None
