"""The broker's password file as text, and what is wrong with the list of revoked certificates; pure."""

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


def with_passwords(text: str, hashes: Mapping[str, str], ended: Collection[str]) -> str:
    r"""Put gateways' passwords into a password file; lines of others stay as they are.

    Args:
        text: The file.
        hashes: By gateway.
        ended: Gateways that may log in no more.

    Returns:
        What it is to hold.

    Examples:
        >>> with_passwords("dockledger:a\ngw-1:b\ngw-9:c\n", {"gw-1": "new", "gw-2": "d"}, {"gw-9"})
        'dockledger:a\ngw-1:new\ngw-2:d\n'
    """
    lines: list[str] = []
    waiting = dict(hashes)
    for line in text.splitlines():
        user = line.partition(":")[0]
        if user in hashes:
            if user in waiting:
                lines.append(f"{user}:{waiting.pop(user)}")
        elif user not in ended:
            lines.append(line)
    lines += [f"{user}:{waiting[user]}" for user in sorted(waiting)]
    return "".join(f"{line}\n" for line in lines)
