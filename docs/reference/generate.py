"""Write the pages beside this file from the parsers, the settings and the device profiles themselves."""

import argparse
import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cloud.cli import build_parser as dockledger
from cloud.settings import ENV_PREFIX, Settings
from edge_agent.cli import build_parser as edge_agent
from edge_agent.config.settings import AgentSettings, ScannerSettings
from edge_agent.filters.site import DoorFeedback, Portal
from edge_agent.readers.catalogue import all_profiles
from edge_agent.readers.iot.settings import IotReaderSettings
from edge_agent.readers.llrp.profile import Gate
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.quality import RULES
from edge_agent.workflows.site import WorkflowSettings
from simulators.cli import build_parser as warehouse_sim

FOLDER: Final = Path(__file__).resolve().parent

COMMANDS_HEAD: Final = """\
<!-- Written by docs/reference/generate.py. -->
# Commands

Each prints its arguments and examples with `--help`. Exit codes: 0 all is well, 1 a breach or a failure,
2 wrong usage or settings.
"""

SETTINGS_HEAD: Final = """\
<!-- Written by docs/reference/generate.py. -->
# Settings

## The cloud: `dockledger.toml`

The first source that names a setting wins: the command line, the environment,
`dockledger.toml` (or the file that `--config` or `DOCKLEDGER_CONFIG` names), the running embedded services.
An unknown setting is an error. `dockledger check` prints the values in force and where each came from.

"""

AGENT_HEAD: Final = """
## A gateway: `agent.toml`

`EDGE_AGENT_` and a setting's name in the environment go before the file, the cloud's wishes before both (for
`scanner`, `workflow` and `drain_rows_per_s` only). `edge-agent check` prints the values in force and where
each came from. An example stands in [start](../start.md#a-real-scanner).

"""


DEVICES_HEAD: Final = """\
<!-- Written by docs/reference/generate.py. -->
# Readers and scanners

What to set on each device, as its profile says; `edge-agent profile show NAME` prints the same. How to
connect them stands in [devices](../devices.md). A rung holds only if its rules and those below are done, or
exempt for a reason. No device here was on our own bench yet: nothing stands above silver.
"""


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Give every command that does something, with its line of help, in the order of ``--help``.

    Args:
        parser: A command's parser, subcommands included.

    Yields:
        The command as it is typed, and what it is for.
    """
    for action in parser._actions:  # noqa: SLF001  argparse has no public way to walk a parser
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  the same
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001  the same
            for name, subparser in action.choices.items():
                nested = list(commands(subparser))
                yield from nested or [(subparser.prog, helps.get(name, ""))]


def commands_page() -> str:
    """Write the page of all commands."""
    lines = [COMMANDS_HEAD]
    for title, parser in (
        ("The cloud", dockledger()),
        ("The gateway", edge_agent()),
        ("Simulators", warehouse_sim()),
    ):
        lines += [
            f"## {title}: `{parser.prog}`\n",
            f"{parser.description}\n",
            "| command | does |",
            "|---|---|",
        ]
        lines += [f"| `{command}` | {text} |" for command, text in commands(parser)]
        lines.append("")
    return "\n".join(lines)


def settings_page() -> str:
    """Write the page of all settings."""
    tables = {
        "`[[scanner]]`": ScannerSettings,
        "`[workflow]`": WorkflowSettings,
        "`[[reader]]`": ReaderSettings,
        "`[reader.gate]`": Gate,
        "`[[iot_reader]]`": IotReaderSettings,
        "`[[portal]]`": Portal,
        "`feedback` of a portal": DoorFeedback,
    }
    lines = [SETTINGS_HEAD, _table(Settings, ENV_PREFIX), AGENT_HEAD, _table(AgentSettings)]
    for title, model in tables.items():
        lines.append(f"\n### {title}\n\n{_table(model)}")
    return "".join(lines)


def devices_page() -> str:
    """Write the page of all device profiles: what to set on each device, and how far each is proven."""
    lines = [DEVICES_HEAD, "| profile | kind | device | quality |", "|---|---|---|---|"]
    profiles = list(all_profiles())
    for kind, profile in profiles:
        anchor = f"[{profile.name}](#{profile.name})"
        lines.append(f"| {anchor} | {kind.name} | {profile.vendor} {profile.model} | {profile.rung} |")
    for _, profile in profiles:
        todo = [name for rules in RULES.values() for name in rules if profile.quality[name] == "todo"]
        lines += ["", f"## {profile.name}", "", f"{profile.vendor} {profile.model}; {profile.rung}."]
        if todo:
            lines[-1] += f" Still to do: {', '.join(f'`{name}`' for name in todo)}."
        has_codes = any(step.barcode for step in profile.sheet)
        lines += ["", "| set | to | because |" + (" code |" if has_codes else "")]
        lines += ["|---|---|---|" + ("---|" if has_codes else "")]
        for step in profile.sheet:
            row = f"| {_cell(step.setting)} | {_cell(step.value)} | {_cell(step.why)} |"
            lines.append(row + (f" {_cell(step.barcode or '')} |" if has_codes else ""))
    lines += ["", "## Quality ladder", "", "| rung | rule | is done when |", "|---|---|---|"]
    lines += [
        f"| {rung} | `{name}` | {text} |" for rung, rules in RULES.items() for name, text in rules.items()
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _table(model: type[BaseModel], prefix: str = "") -> str:
    meanings = _attribute_docstrings(model)
    rows = ["| setting | default | is |\n|---|---|---|\n"]
    for name, field in model.model_fields.items():
        spelled = f"`{name}`, `{prefix}{name.upper()}`" if prefix else f"`{name}`"
        rows.append(f"| {spelled} | {_default(field)} | {meanings.get(name, '')} |\n")
    return "".join(rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return "none" if default in (None, (), {}) else f"`{default}`"


def _attribute_docstrings(owner: type) -> dict[str, str]:
    inherited: dict[str, str] = {}
    for base in reversed(owner.__mro__[1:]):
        if base.__module__.partition(".")[0] in {"edge_agent", "cloud"}:
            inherited |= _attribute_docstrings(base)
    [body] = [node for node in ast.parse(inspect.getsource(owner)).body if isinstance(node, ast.ClassDef)]
    found = {}
    for field, text in pairwise(body.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            found[field.target.id] = " ".join(text.value.value.replace("``", "`").split()) if is_text else ""
    return inherited | found


PAGES: Final = {"commands.md": commands_page, "settings.md": settings_page, "devices.md": devices_page}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
