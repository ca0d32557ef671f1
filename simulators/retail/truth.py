"""The truth of a replay, as JSON lines: each movement stands there before its label is scanned.

``source``    the file, its SHA-256, the rules, the scanners
``document``  a scanner begins a document
``movement``  what the next item label shall become: item, quantity, from, to, document, line, scanner
``verdicts``  how many lines of the file were what, also those never scanned
``fold``      per stock code, summed from the file alone, and what receipts brought
``end``       what was scanned and how it was answered
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from simulators.retail.fold import fold
from simulators.retail.lines import read_lines
from simulators.retail.plan import Document, Kind, Move
from simulators.retail.rules import judge

_ENDS: Final = {
    Kind.RECEIPT: ("@supplier", "{staging}"),
    Kind.SHIPMENT: ("{staging}", "@customer"),
    Kind.CUSTOMER_RETURN: ("@customer", "{returns}"),
}


class TruthFile:
    """Writes ahead of the scanners."""

    def __init__(self, path: Path, source: Path, *, staging: str, returns: str, ports: Iterable[str]) -> None:
        """Open the file and say what it will be the truth of.

        Args:
            path: The truth file; replaced if it exists.
            source: The file of POS lines.
            staging: Code of the place where receipts land.
            returns: Code of the place where returns land.
            ports: The scanners' paths.
        """
        self._source = source
        self._places = {"staging": staging, "returns": returns}
        self._file = path.open("w", encoding="utf-8")
        self._replayed: set[int] = set()
        """Numbers of the file's lines that were scanned."""
        self._received: Counter[str] = Counter()
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._write("source", file=source.name, sha256=digest, ports=list(ports), **self._places)

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def begin(self, document: Document) -> None:
        """Write that a scanner begins a document.

        Args:
            document: Its first label may be scanned from now on.
        """
        self._write("document", scanner=document.port, document=document.id, type=document.kind)
        self._file.flush()

    def tell(self, document: Document, move: Move) -> None:
        """Write one movement, on disk before this returns.

        Args:
            document: Where it stands.
            move: Its item label may be scanned from now on.
        """
        origin, destination = (end.format(**self._places) for end in _ENDS[document.kind])
        self._write(
            "movement",
            scanner=document.port,
            document=document.id,
            type=document.kind,
            line=move.line,
            item=move.item,
            quantity=move.quantity,
            source=origin,
            destination=destination,
            disposition="returned" if document.kind is Kind.CUSTOMER_RETURN else None,
        )
        self._file.flush()
        if move.file_line is None:
            self._received[move.item] += int(move.quantity)
        else:
            self._replayed.add(move.file_line)

    def end(self, limit: int | None, **figures: Any) -> None:
        """Write the independent account of what was scanned, and how it went.

        Args:
            limit: How many lines of the file were in play; None for all.
            **figures: Counts of the replay.
        """
        self._write("verdicts", lines=Counter(judge(line) for line in read_lines(self._source, limit)))
        sums = fold(read_lines(self._source, limit), replayed=self._replayed)
        for item in sorted(sums.keys() | self._received.keys()):
            net = sums.get(item, {"shipped": Decimal(0), "returned": Decimal(0)})
            self._write("fold", item=item, received=self._received[item], **net)
        self._write("end", **figures)
        self._file.flush()

    def _write(self, kind: str, **fields: Any) -> None:
        self._file.write(json.dumps({"kind": kind} | fields, default=str) + "\n")
