"""What to do with an arriving batch, given what the ledger holds of its epoch; and what to answer."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from contracts.base import NO_PREDECESSOR, EpochId, GatewayId
from contracts.batch import MAX_ROWS, BatchHeader
from contracts.feedback import Ack, BatchAck, Resend, StoredAs

MAX_EXTRA: Final = 500
"""Most batches one acknowledgement names beyond the contiguous ones; keeps it under 64 KiB."""


class Judgement(StrEnum):
    """What an arriving batch is to the ledger."""

    NEW = "new"
    DUPLICATE = "duplicate"
    FORK = "fork"
    """Another branch of the epoch is in the ledger, or this one contradicts its neighbours."""
    TOO_EARLY = "too_early"
    """The epoch is forked and the predecessor unknown, so its branch cannot be told yet; not acknowledged."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement and, for a fork, in what the batch contradicts the ledger."""

    judgement: Judgement
    status: StoredAs | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Stone:
    """A batch whose number is taken: posted, or quarantined whole (then its links may be unknown)."""

    batch_no: int
    sha256: str
    status: StoredAs
    prev_sha256: str | None = None
    first_seq: int | None = None
    last_seq: int | None = None
    complete_until: datetime | None = None
    is_final: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it stands for a batch that lies in quarantine whole."""
        return self.prev_sha256 is None

    @classmethod
    def of(cls, header: BatchHeader, sha256: str, status: StoredAs) -> "Stone":
        """Make the stone that a batch will be.

        Args:
            header: The batch's header.
            sha256: Of its sealed bytes.
            status: What becomes of it.

        Returns:
            The stone.
        """
        return cls(
            header.batch_no,
            sha256,
            status,
            header.prev_sha256,
            header.first_seq,
            header.last_seq,
            header.complete_until,
            header.final,
        )


@dataclass(slots=True)
class Branch:
    """What the ledger holds of one epoch, as far as the arriving batches need it.

    Stones at, directly before and directly after every arriving number must be among ``stones``, as well
    as those beyond ``contiguous_no``.
    """

    gateway: GatewayId
    epoch: EpochId
    contiguous_no: int = 0
    contiguous_sha256: str = NO_PREDECESSOR
    complete_until: datetime | None = None
    is_final: bool = False
    """The batch that ends the epoch is contiguous: nothing is missing and nothing follows."""
    stones: dict[int, Stone] = field(default_factory=dict)
    conflicts: set[str] = field(default_factory=set)
    """Hashes of this epoch's batches that lie in quarantine as forks, nobody having decided yet."""
    settled: set[str] = field(default_factory=set)
    """Hashes of its forks that somebody has replayed or discarded."""

    def judge(self, header: BatchHeader, sha256: str) -> Verdict:
        """Tell whether a batch is new, known, or of another branch (PROTOCOL P3).

        Args:
            header: Its header.
            sha256: Of its sealed bytes.

        Returns:
            The verdict; nothing is changed.
        """
        known = self.stones.get(header.batch_no)
        if known is not None and known.sha256 == sha256:
            return Verdict(Judgement.DUPLICATE, known.status)
        if sha256 in self.settled:
            return Verdict(Judgement.DUPLICATE, StoredAs.PARTLY_QUARANTINED)
        if message := self._contradiction(header, sha256):
            return Verdict(Judgement.FORK, StoredAs.CONFLICT, message)
        if self.conflicts and header.batch_no > 1 and header.batch_no - 1 not in self.stones:
            return Verdict(
                Judgement.TOO_EARLY, message=f"its branch is open until {header.batch_no - 1} is here"
            )
        return Verdict(Judgement.NEW)

    def add(self, stone: Stone) -> None:
        """Take a batch in, and move the contiguous end on as far as stones reach.

        Args:
            stone: A batch judged new, or quarantined whole.
        """
        self.stones.setdefault(stone.batch_no, stone)
        self.advance()

    def forget_whole(self, sha256s: frozenset[str]) -> None:
        """Make way for batches that were held whole and are to be posted now.

        Args:
            sha256s: Their hashes.
        """
        for stone in [stone for stone in self.stones.values() if stone.sha256 in sha256s and stone.is_whole]:
            del self.stones[stone.batch_no]

    def advance(self) -> None:
        """Move the contiguous end on as far as an unbroken chain of stones reaches."""
        while (stone := self.stones.get(self.contiguous_no + 1)) is not None:
            if stone.prev_sha256 not in {None, self.contiguous_sha256}:
                return
            self.contiguous_no, self.contiguous_sha256 = stone.batch_no, stone.sha256
            self.is_final = stone.is_final
            if stone.complete_until is not None:
                self.complete(stone.complete_until)

    def complete(self, until: datetime) -> None:
        """Note up to when the gateway has told everything; an earlier time changes nothing.

        Args:
            until: A ``complete_until`` that counts (PROTOCOL P6).
        """
        self.complete_until = until if self.complete_until is None else max(self.complete_until, until)

    def acknowledge(
        self, answered: Iterable[BatchAck], *, ledger_id: str, position: int, resend: tuple[Resend, ...] = ()
    ) -> Ack:
        """Say what is stored of this epoch.

        Args:
            answered: Batches to name whatever their number: conflicts, parts in quarantine, repetitions.
            ledger_id: Identity of this ledger.
            position: Position of the ledger when this was true.
            resend: Ranges to send again.

        Returns:
            The ack; batches beyond the contiguous ones follow in order of number, at most `MAX_EXTRA`.
        """
        named = {
            (ack.batch_no, ack.sha256): ack
            for ack in answered
            if ack.status is not StoredAs.STORED or ack.batch_no > self.contiguous_no
        }
        for number in sorted(self.stones):
            stone = self.stones[number]
            if number > self.contiguous_no:
                ack = BatchAck(batch_no=number, sha256=stone.sha256, status=stone.status)
                named.setdefault((number, stone.sha256), ack)
        return Ack(
            ledger_id=ledger_id,
            gateway=self.gateway,
            epoch=self.epoch,
            position=position,
            contiguous_no=self.contiguous_no,
            contiguous_sha256=self.contiguous_sha256,
            extra=tuple(named[key] for key in list(named)[:MAX_EXTRA]),
            resend=resend,
        )

    def _contradiction(self, header: BatchHeader, sha256: str) -> str | None:
        """Tell in what an unknown batch contradicts the ledger: hashes must chain, seqs must follow."""
        number = header.batch_no
        taken = self.stones.get(number)
        if taken is not None:
            return f"batch {number} is here already with sha256 {taken.sha256}, got {sha256}"
        if self.conflicts & {sha256, header.prev_sha256} or header.prev_sha256 in self.settled:
            return f"batch {number} is, or continues, a batch that is in quarantine as a fork"
        if number == 1 and header.prev_sha256 != NO_PREDECESSOR:
            return f"batch 1 has prev_sha256 {header.prev_sha256}, expected {NO_PREDECESSOR}"
        here = Stone.of(header, sha256, StoredAs.STORED)
        below, above = self._neighbours(number)
        if below is not None and (message := _break(below, here)):
            return message
        return _break(here, above) if above is not None else None

    def _neighbours(self, batch_no: int) -> tuple[Stone | None, Stone | None]:
        numbers = sorted(self.stones)
        place = bisect_left(numbers, batch_no)
        below = self.stones[numbers[place - 1]] if place > 0 else None
        above = self.stones[numbers[place]] if place < len(numbers) else None
        return below, above


def _break(earlier: Stone, later: Stone) -> str | None:
    """Tell in what a later batch does not follow an earlier one."""
    if earlier.is_final:
        return f"batch {later.batch_no} follows batch {earlier.batch_no}, which ended the epoch"
    between = later.batch_no - earlier.batch_no - 1
    if between == 0 and later.prev_sha256 not in {None, earlier.sha256}:
        return (
            f"batch {later.batch_no} has prev_sha256 {later.prev_sha256}, "
            f"but batch {earlier.batch_no} has sha256 {earlier.sha256}"
        )
    if later.first_seq is None or earlier.last_seq is None:
        return None
    rows = later.first_seq - earlier.last_seq - 1
    if not between <= rows <= between * MAX_ROWS:
        return (
            f"batch {later.batch_no} begins at seq {later.first_seq}, batch {earlier.batch_no} ends at "
            f"{earlier.last_seq}: expected {between} to {between * MAX_ROWS} rows between them, got {rows}"
        )
    return None
