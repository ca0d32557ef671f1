"""The contracts as JSON Schema: ``python -m contracts.schema`` writes them, ``--check`` compares."""

import argparse
import sys
from pathlib import Path
from typing import Final

import orjson

from contracts.base import SCHEMA_VERSION, Contract
from contracts.batch import Batch, FrameHeader
from contracts.demand import DemandAnswer, DemandLines
from contracts.feedback import Ack, IngestState
from contracts.gateway import DesiredConfig, Health, IssuedCertificate, ReportedConfig, Status
from contracts.offline import Assignment, ReferenceAnnouncement, ReferenceSnapshot, Task, TaskList

FOLDER: Final = Path(__file__).parent / "schemas"

MESSAGES: Final[dict[str, type[Contract]]] = {
    "ack": Ack,
    "assignment": Assignment,
    "batch": Batch,
    "certificate": IssuedCertificate,
    "config_desired": DesiredConfig,
    "config_reported": ReportedConfig,
    "demand_answer": DemandAnswer,
    "demand_lines": DemandLines,
    "frame_header": FrameHeader,
    "health": Health,
    "ingest_state": IngestState,
    "reference_announcement": ReferenceAnnouncement,
    "reference_snapshot": ReferenceSnapshot,
    "status": Status,
    "task": Task,
    "task_list": TaskList,
}
"""Every message that crosses a border, by the name of its schema and of its golden payload."""


def generate() -> dict[Path, bytes]:
    """Write the JSON Schema of every message, in memory.

    Returns:
        The bytes of each file of ``contracts/schemas``.
    """
    return {FOLDER / f"{name}.v{SCHEMA_VERSION}.json": _schema(name) for name in MESSAGES}


def stale() -> list[str]:
    """Compare the files with the models.

    Returns:
        Names of files that are absent, differ, or belong to no message; empty when all agree.
    """
    wanted = generate()
    found = {path: path.read_bytes() for path in FOLDER.glob(f"*.v{SCHEMA_VERSION}.json")}
    return sorted(path.name for path in wanted.keys() | found if wanted.get(path) != found.get(path))


def _schema(name: str) -> bytes:
    fields = MESSAGES[name].model_json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:dockledger:v{SCHEMA_VERSION}:{name}",
    }
    return orjson.dumps(head | fields, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main(arguments: list[str] | None = None) -> int:
    """Write the schemas, or with ``--check`` only compare them.

    Args:
        arguments: Command line without the program's name; None takes the process's own.

    Returns:
        0, or 1 if ``--check`` found a stale file.
    """
    parser = argparse.ArgumentParser(prog="python -m contracts.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is stale")
    if parser.parse_args(arguments).check:
        names = stale()
        if names:
            sys.stderr.write(f"stale in {FOLDER.name}/: {', '.join(names)}; run python -m contracts.schema\n")
        return 1 if names else 0
    FOLDER.mkdir(exist_ok=True)
    for path, content in generate().items():
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
