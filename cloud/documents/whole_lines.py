"""Lines that have moved whole: claimed in the ledger, so that what is long done is not summed anew."""

from collections.abc import Iterable

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import LINE_CLAIM
from cloud.documents.lines import LineName
from cloud.ledger.domain import Claim
from cloud.ledger.posting import Posting


def claim_whole(conn: Connection, posting: Posting, site: str, names: Iterable[LineName]) -> None:
    """Note that a posting moves the last of lines; one that a reversal had opened again is done again.

    Args:
        conn: The posting's.
        posting: Open, and without rows.
        site: Site id.
        names: The lines, locked by the caller.

    Raises:
        AlreadyClaimedError: If somebody else claimed one meanwhile.
    """
    lines = sorted(set(names))
    targets = [f"{site}/{'/'.join(name)}" for name in lines]
    before = store.settled(conn, LINE_CLAIM, targets)
    posting.claim([Claim(LINE_CLAIM, target) for target in targets if target not in before])
    if before:
        kinds, ids, numbers = ([name[part] for name in lines] for part in range(3))
        store.change(conn, "close_again", site=site, types=kinds, ids=ids, lines=numbers)
