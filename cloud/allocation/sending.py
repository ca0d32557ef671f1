"""What a gateway's handhelds are to do: open tasks in, one retained message out (PROTOCOL P10)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from cloud.allocation import store
from cloud.db import Connection
from cloud.documents.domain import fitting
from contracts.base import GatewayId, SiteId
from contracts.batch import MAX_FRAME_BYTES
from contracts.offline import KnownUpTo, LabelName, Task, TaskLine, TaskList
from contracts.records import DocumentRef, Identifier

REPLENISHMENT: Final = "replenishment"
"""Type of the document that lines belong to which no other document asks for."""
_ENVELOPE_BYTES: Final = 4096
"""Kept free in a publish: topic, properties, and all of the message but its tasks."""
_MOST_NAMES: Final = 200

_Row = tuple[Any, ...]


def send_tasks(conn: Connection, *, site: str, gateway: str, sent_by: str, now: datetime) -> int:
    """Leave a gateway's open tasks for ingest to publish.

    The revision is the instant in milliseconds or one more than the last, so that it grows even over a ledger
    that was restored to an older state. A message holds whole tasks, the oldest first, as many as a publish
    may; what it leaves out follows when others are done.

    Args:
        conn: In a transaction that has changed them; other changes of this gateway's tasks wait for it.
        site: The gateway's site.
        gateway: The gateway.
        sent_by: Who made the change.
        now: The present.

    Returns:
        The message's revision.
    """
    store.tuples(conn, "lock_sending", gateway=gateway)
    ((last,),) = store.tuples(conn, "last_revision", gateway=gateway)
    revision = max(int(last) + 1, int(now.timestamp() * 1000))
    head = {"site": SiteId(site), "revision": revision, "issued_at": now}
    tasks, known = _open_tasks(conn, gateway, head)
    is_sent = fitting(
        [len(task.model_dump_json().encode()) + 1 for task in tasks], MAX_FRAME_BYTES - _ENVELOPE_BYTES
    )
    sent = tuple(task for task, fits in zip(tasks, is_sent, strict=True) if fits)
    message = TaskList(
        gateway=GatewayId(gateway), tasks=sent, known_up_to=known, left_out=len(tasks) - len(sent), **head
    )
    payload = message.model_dump_json()
    store.change(conn, "send", gateway=gateway, revision=revision, payload=payload, actor=sent_by)
    return revision


def tell_of(conn: Connection, tasks: Iterable[str], *, sent_by: str, now: datetime) -> None:
    """Send every gateway its tasks that has one of these, whatever became of it.

    Args:
        conn: In a transaction that has changed them.
        tasks: Their names.
        sent_by: Who made the change.
        now: The present.
    """
    for site, gateway in store.tuples(conn, "gateways_of_tasks", tasks=sorted(set(tasks))):
        send_tasks(conn, site=site, gateway=gateway, sent_by=sent_by, now=now)


def _open_tasks(
    conn: Connection, gateway: str, head: dict[str, Any]
) -> tuple[list[Task], tuple[KnownUpTo, ...]]:
    """Read what is to do, and up to which records of the gateway that knows what was done."""
    found = store.tuples(conn, "tasks_to_send", gateway=gateway)
    lines: defaultdict[str, list[_Row]] = defaultdict(list)
    rows = store.tuples(conn, "lines_to_send", tasks=[task for task, _, _ in found], gateway=gateway)
    for _, task, *row in rows:
        lines[task].append(tuple(row))
    items = {row[5] for of_task in lines.values() for row in of_task}
    names: defaultdict[int, list[LabelName]] = defaultdict(list)
    for item_id, scheme, value, numerator, denominator in store.tuples(
        conn, "names_of_items", items=sorted(items)
    ):
        ratio = Fraction(int(numerator), int(denominator))
        name = LabelName(
            identifier=Identifier(scheme=scheme, value=value),
            base_units_numerator=ratio.numerator,
            base_units_denominator=ratio.denominator,
        )
        names[item_id].append(name)
    tasks = [
        Task(
            task=task,
            kind=kind,
            expires_at=expires_at,
            lines=tuple(_line(task, row, names[row[5]]) for row in lines[task]),
            **head,
        )
        for task, kind, expires_at in found
    ]
    return tasks, tuple(KnownUpTo.model_validate(each) for each in (rows[0][0] if rows else ()))


def _line(task: str, row: _Row, names: Sequence[LabelName]) -> TaskLine:
    number, kind, name, line, item, _, quantity, done, lot, disposition, owner, place, unit, to = row
    document = DocumentRef(type=kind or REPLENISHMENT, id=name or task, line=line or str(number))
    return TaskLine(
        document=document,
        number=number,
        item=item,
        quantity=quantity,
        done=max(done, 0),
        lot=lot,
        disposition=disposition,
        owner=owner,
        from_location=place,
        from_unit=unit,
        to_location=to,
        names=tuple(names[:_MOST_NAMES]),
    )
