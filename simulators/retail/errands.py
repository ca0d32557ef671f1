"""Bins to count between documents: JSON lines in, which may be added while people scan; label scans out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from simulators.retail.lines import LinesError
from simulators.retail.operator import CODE_128, Label


@dataclass(frozen=True, slots=True)
class Errand:
    """A bin that somebody counts, and what they find there."""

    port: int
    """Whose scanner."""
    location: str
    item: str
    quantity: Decimal


def count_labels(errand: Errand) -> Iterator[Label]:
    """Give the labels that a person scans who counts a bin.

    Args:
        errand: The bin.

    Yields:
        Labels; none posts a move.
    """
    yield Label(f"{CODE_128}$COUNT")
    yield Label(CODE_128 + errand.location)
    if errand.quantity:
        yield Label(f"{CODE_128}$QTY/{errand.quantity:f}")
    else:
        yield Label(f"{CODE_128}$ZERO")
    yield Label(CODE_128 + errand.item)
    yield Label(f"{CODE_128}$DONE")


class ErrandFile:
    """Reads a file that grows, each line once."""

    def __init__(self, path: Path | None, ports: int) -> None:
        """Remember the file.

        Args:
            path: The file; it may come later. None: there never is one.
            ports: How many scanners there are.
        """
        self._path = path
        self._ports = ports
        self._offset = 0

    def new(self) -> list[Errand]:
        """Read the lines that are whole since the last time.

        Returns:
            What they say.

        Raises:
            LinesError: If one cannot be read.
        """
        if self._path is None or not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [self._errand(line) for line in whole.splitlines()]

    def _errand(self, line: bytes) -> Errand:
        try:
            told = json.loads(line)
            found = Errand(
                int(told["port"]), str(told["location"]), str(told["item"]), Decimal(told["quantity"])
            )
        except (ValueError, KeyError, TypeError, InvalidOperation) as error:
            raise LinesError(f"{self._path}: {line!r}: expected port, location, item and quantity") from error
        if not 0 <= found.port < self._ports or found.quantity < 0:
            raise LinesError(
                f"{self._path}: {line!r}: expected a port below {self._ports} and a quantity from 0"
            )
        return found
