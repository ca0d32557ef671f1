"""Chosen buckets in the database."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import orjson
from psycopg import Connection

from cloud.db import NamedStatements
from cloud.forecasting.granularity.domain import Bucket, BucketChoice

_SQL: Final = NamedStatements("cloud.forecasting.granularity")
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change


def choices(conn: Connection, site: str, until: date) -> list[BucketChoice]:
    """Read what was chosen at a site.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        until: Last day known; what was chosen by later days is not read.

    Returns:
        The choices, the oldest first.
    """
    found = tuples(conn, "choices", site=site, until=until)
    return [
        BucketChoice(name, Bucket(bucket), day, evidence, run_id)
        for name, bucket, day, evidence, run_id in found
    ]


def add_choices(conn: Connection, site: str, run_id: int, made: Sequence[BucketChoice]) -> None:
    """Keep what a run chose.

    Args:
        conn: In the transaction that finishes the run.
        site: Site id.
        run_id: Of the run.
        made: At least one choice, all of the same day.
    """
    change(
        conn,
        "add_choices",
        site=site,
        run_id=run_id,
        decided_on=made[0].decided_on,
        class_names=[one.class_name for one in made],
        buckets=[one.bucket.value for one in made],
        evidences=[orjson.dumps(dict(one.evidence)).decode() for one in made],
    )
