"""Whoever runs it finds every kind of ticket in one table, with what it means and what to do."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
TABLE: Final = ROOT / "docs/operate.md"
CHOSEN: Final = {
    "cloud/documents/receiving/held_notices.py": {"received_beyond", "received_uninspected"},
    "cloud/lots/left_expired.py": {
        "expired_lot_picked", "expired_lot_shipped", "later_lot_picked", "short_life_shipped",
    },
    "cloud/ingest/presence/service.py": {
        f"gateway_{what}" for what in ("offline", "backlog", "full", "clock", "detour", "config")
    },
    "cloud/ingest/notices.py": set(importlib.import_module("cloud.ingest.notices")._SUMMARIES),
}  # fmt: skip
"""Kinds that code chooses as it runs, by module."""


def test_every_kind_of_ticket_that_can_be_raised_is_in_the_table() -> None:
    rows = re.findall(r"^\| ([^|]*`[^|]*) \|", TABLE.read_text("utf-8"), flags=re.MULTILINE)
    told = {kind for row in rows for kind in re.findall(r"`([^`]+)`", row)}
    raised = set(kinds())
    assert len(raised) > 40
    assert not raised - told, f"not in the table of {TABLE.relative_to(ROOT)}"


def kinds() -> Iterator[str]:
    """Give the kind of every notice that the program makes."""
    for file in sorted((ROOT / "cloud").rglob("*.py")):
        module = file.relative_to(ROOT).as_posix()
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(call, ast.Call) or ast.unparse(call.func) not in {"Notice", "domain.Notice"}:
                continue
            named = (each.value for each in call.keywords if each.arg == "kind")
            kind = next(named, call.args[1] if len(call.args) > 1 else None)
            match kind:
                case ast.Constant(value=str(text)):
                    yield text
                case ast.Name(id=name) if name.isupper():
                    yield getattr(importlib.import_module(module.removesuffix(".py").replace("/", ".")), name)
                case _:
                    assert module in CHOSEN, f"{module}:{call.lineno}: which kinds it raises is not told here"
                    yield from CHOSEN[module]
