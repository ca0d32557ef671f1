"""A process that keeps an embedded PostgreSQL until its standard input ends: `keeper.py DATA_DIR`."""

import sys
from pathlib import Path

from cloud.local.postgres import EmbeddedPostgres
from cloud.local.supervisor import Supervisor

postgres = EmbeddedPostgres(Path(sys.argv[1]), "test-postgres")
service = postgres.prepare()
with Supervisor() as supervisor:
    supervisor.start(service)
    print(supervisor["postgres"].process.pid, postgres.admin_dsn, flush=True)  # noqa: T201  the test reads it
    sys.stdin.read()
