"""The job that keeps the past cheap to ask (PROTOCOL P7) and forgets what has served its time."""

from threading import Event
from typing import Final

import structlog

from cloud.db import OperationalError, in_transaction, open_pool
from cloud.ledger.past import FOLD_POSITIONS, fold, tend_history
from cloud.ledger.upkeep import AT_ONCE, forget_answers

PAUSE_S: Final = 5.0

log = structlog.get_logger()


def keep_folding(dsn: str, stop: Event, *, pause_s: float = PAUSE_S) -> None:
    """Fold what is due, pause, and again, until told to stop. Several at once take turns.

    Args:
        dsn: Connection of the application or ingest role.
        stop: Set to end it.
        pause_s: Seconds between looks once nothing is due.
    """
    reached = 0
    is_away = False
    with open_pool(dsn, "dockledger-fold", max_size=1) as pool:
        while not stop.is_set():
            try:
                before, reached = reached, in_transaction(pool, fold)
                is_idle = reached - before < FOLD_POSITIONS and not in_transaction(pool, tend_history)
                is_idle &= in_transaction(pool, forget_answers) < AT_ONCE
            except OperationalError as error:
                if not is_away:
                    log.warning("database_away", error=str(error))
                is_away = True
                stop.wait(pause_s)
                continue
            if is_away:
                log.info("database_back", position=reached)
            is_away = False
            if is_idle:
                stop.wait(pause_s)
