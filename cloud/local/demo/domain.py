"""What was scanned against what the ledger says: two lists of movements in, the differences counted out."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


class Line(NamedTuple):
    """One line of a document at one site: the truth and the ledger meet in it."""

    site: str
    document: str
    line: str


class Content(NamedTuple):
    """What a movement says."""

    item: str
    quantity: Decimal
    source: str
    destination: str
    disposition: str | None


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement as scanned or as posted."""

    line: Line
    content: Content


@dataclass(frozen=True, slots=True)
class Judgement:
    """How the ledger differs from the truth; all zero but ``right`` when it does not."""

    truth: int
    """Movements scanned."""
    ledger: int
    """Movements posted."""
    right: int
    """Posted as scanned."""
    missed: int
    """Scanned and not posted."""
    wrong: int
    """Posted for a line that was scanned, with other content."""
    duplicated: int
    """Posted as scanned, but more often."""
    false: int
    """Posted without a scan."""

    @property
    def is_clean(self) -> bool:
        """Whether the ledger equals the truth."""
        return self.right == self.truth == self.ledger


def judge(truth: Iterable[Movement], ledger: Iterable[Movement]) -> Judgement:
    """Compare movement by movement, each counted once.

    Args:
        truth: What was scanned.
        ledger: What was posted.

    Returns:
        The counts; ``truth = right + wrong + missed`` and ``ledger = right + wrong + duplicated + false``.

    Examples:
        >>> line = Line("leeds", "536365", "1")
        >>> six = Movement(line, Content("85123A", Decimal(6), "STAGING", "@customer", None))
        >>> judge([six], [six, six]).duplicated
        1
    """
    scanned, posted = _by_line(truth), _by_line(ledger)
    counts: Counter[str] = Counter()
    for line in scanned.keys() | posted.keys():
        true, said = scanned[line], posted[line]
        missing, surplus = true - said, said - true
        twice = sum(count for content, count in surplus.items() if content in true)
        foreign = surplus.total() - twice
        wrong = min(missing.total(), foreign)
        counts += Counter(
            truth=true.total(),
            ledger=said.total(),
            right=(true & said).total(),
            missed=missing.total() - wrong,
            wrong=wrong,
            duplicated=twice,
            false=foreign - wrong,
        )
    names = ("truth", "ledger", "right", "missed", "wrong", "duplicated", "false")
    return Judgement(**{name: counts[name] for name in names})


def _by_line(movements: Iterable[Movement]) -> defaultdict[Line, Counter[Content]]:
    found: defaultdict[Line, Counter[Content]] = defaultdict(Counter)
    for movement in movements:
        found[movement.line][movement.content] += 1
    return found
