"""The broker's password file, and what is wrong with the list of revoked certificates; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LIFE: Final = timedelta(days=30)
"""Of a list of revoked certificates: a broker that finds an ended one refuses everybody."""
RENEWED_AFTER: Final = LIFE / 3
LATE_AFTER: Final = timedelta(minutes=2)
"""A certificate called back so long ago is on the broker's list, or people are told."""
TOLD_BEFORE: Final = timedelta(days=7)
"""How long before the end of a list that nobody renews people are told."""


@dataclass(frozen=True, slots=True)
class ListState:
    """The list of revoked certificates that was written last, held against the ledger's."""

    made_at: datetime | None
    """None: none was ever written."""
    ends_at: datetime | None
    is_laid_out: bool
    """By the scheduler, where the broker reads it; otherwise by a person."""
    lacking: int
    """Certificates that were called back after it was made."""
    lacking_since: datetime | None

    def problems(self, now: datetime) -> tuple[str, ...]:
        """Say what is wrong with it.

        Args:
            now: The present.

        Returns:
            Sentences without full stops; none if all is well.
        """
        by_hand = "lay what `dockledger gateway certificate revoked` writes, or set broker_dir"
        mend = "look into the scheduler's log" if self.is_laid_out else by_hand
        found: list[str] = []
        if self.lacking and self.lacking_since is not None and now - self.lacking_since >= LATE_AFTER:
            those = "1 certificate" if self.lacking == 1 else f"{self.lacking} certificates"
            made = (
                "none was made yet" if self.made_at is None else f"it is of {self.made_at:%Y-%m-%d %H:%M} UTC"
            )
            found.append(f"the broker's list of revoked certificates lacks {those}, {made}: {mend}")
        if self.ends_at is not None and self.ends_at <= now:
            found.append(
                f"the broker's list of revoked certificates ended on {self.ends_at:%Y-%m-%d %H:%M} UTC, "
                f"so that it refuses every gateway: {mend}"
            )
        elif self.ends_at is not None and self.ends_at - now < TOLD_BEFORE:
            found.append(
                f"the broker's list of revoked certificates ends on {self.ends_at:%Y-%m-%d %H:%M} UTC: {mend}"
            )
        return tuple(found)


def with_passwords(content: bytes, hashes: Mapping[str, str], ended: Collection[str]) -> bytes:
    r"""Put gateways' passwords into a password file; lines of others stay as they are, byte by byte.

    Args:
        content: The file; a line ends where the broker says it does, at ``\n``.
        hashes: By gateway.
        ended: Gateways that may log in no more.

    Returns:
        What it is to hold.

    Examples:
        >>> with_passwords(b"dockledger:a\ngw-1:b\ngw-9:c\n", {"gw-1": "new", "gw-2": "d"}, {"gw-9"})
        b'dockledger:a\ngw-1:new\ngw-2:d\n'
        >>> with_passwords(b"# M\xfcller\x85\x0c\nlast:x", {"gw-1": "a"}, ())
        b'# M\xfcller\x85\x0c\nlast:x\ngw-1:a\n'
    """
    lines: list[bytes] = []
    waiting = {user.encode(): kept.encode() for user, kept in hashes.items()}
    ours, gone = frozenset(waiting), {user.encode() for user in ended}
    for line in content.removesuffix(b"\n").split(b"\n") if content else []:
        user = line.partition(b":")[0]
        if user in ours:
            if user in waiting:
                lines.append(user + b":" + waiting.pop(user))
        elif user not in gone:
            lines.append(line)
    lines += [user + b":" + waiting[user] for user in sorted(waiting)]
    return b"".join(line + b"\n" for line in lines)
