"""Documentation is executed: links resolve, commands exist, examples parse, references are current."""

import argparse
import importlib.util
import re
import runpy
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cloud.api.app import create_api
from cloud.api.metrics import Metrics
from cloud.cli import build_parser as dockledger
from cloud.demand.papers import DemandPaper
from cloud.documents.import_file import read_import
from cloud.identity.gate import Gate
from cloud.settings import Settings
from contracts.batch import BATCH
from edge_agent.cli import build_parser as edge_agent
from edge_agent.config.settings import load as load_agent
from edge_agent.workflows.language import Verb
from simulators.cli import build_parser as warehouse_sim

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = [
    *sorted(ROOT.glob("*.md")),
    *(
        path
        for folder in ("docs", "deploy", "firmware_configs")
        for path in sorted((ROOT / folder).rglob("*.md"))
    ),
]
GENERATOR: Final = runpy.run_path(str(ROOT / "docs/reference/generate.py"))
COMMANDS: Final = {
    command
    for parser in (dockledger(), edge_agent(), warehouse_sim())
    for command, _ in GENERATOR["commands"](parser)
}
USER_PAGES: Final = [page for page in PAGES if page.parent.name != "design"]
"""The design is ahead of the program; what users read is not."""

NOT_SETTINGS: Final = {
    "DOCKLEDGER_CONFIG",
    "DOCKLEDGER_TEST_DSN",
    "DOCKLEDGER_CRASH_AT",
    "DOCKLEDGER_FIRST_SEED",
}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """Give a page without its code blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def typed(page: Path) -> Iterator[str]:
    """Give every stretch of a page that a reader may type: fenced, indented or inline code."""
    text = page.read_text("utf-8")
    yield from re.findall(r"^```[a-z]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"^ {4}(.*)$", text, flags=re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", prose(page))


def anchors(page: Path) -> set[str]:
    """Give the anchors that a Markdown page's headings have."""
    titles = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", USER_PAGES, ids=named)
def test_every_command_that_is_named_exists(page: Path) -> None:
    prefixes = {" ".join(command.split()[:length]) for command in COMMANDS for length in (1, 2, 3)}
    unknown = set()
    for code in typed(page):
        for program, rest in re.findall(r"\b(dockledger|edge-agent|warehouse-sim)((?: [a-z][a-z-]*)+)", code):
            words = rest.split()[: 2 if f"{program} {rest.split()[0]}" not in COMMANDS else 1]
            if " ".join([program, *words]) not in prefixes:
                unknown.add(" ".join([program, *words]))
    assert not unknown


@pytest.mark.parametrize(
    "parser", [dockledger(), edge_agent(), warehouse_sim()], ids=lambda parser: parser.prog
)
def test_every_command_is_shown_by_an_example(parser: argparse.ArgumentParser) -> None:
    shown = parser.epilog or ""
    assert "examples:" in shown
    assert [command for command in _without_examples(parser) if f"{command} " not in shown] == []


def _without_examples(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Give the first two words of each command whose help has no example, nor that of its group."""
    for group in parser._actions:
        if isinstance(group, argparse._SubParsersAction):
            for below in group.choices.values():
                if not re.search(r"^examples?:", below.epilog or "", flags=re.MULTILINE):
                    yield from list(_without_examples(below)) or [" ".join(below.prog.split()[:2])]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    asked = {
        word
        for code in typed(page)
        for line in re.findall(r"^\s*make((?: [a-z]+)+)", code, flags=re.MULTILINE)
        for word in line.split()
    }
    assert asked <= targets


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_setting_and_module_that_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    variables = set(re.findall(r"\bDOCKLEDGER_[A-Z_]+[A-Z]\b", text))
    assert variables <= NOT_SETTINGS | {f"DOCKLEDGER_{name.upper()}" for name in Settings.model_fields}
    modules = re.findall(r"python -m ([a-z_.]+)", text)
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


@pytest.mark.parametrize("name", GENERATOR["PAGES"])
def test_the_reference_is_what_the_program_says(name: str) -> None:
    written = (ROOT / "docs/reference" / name).read_text("utf-8")
    assert written == GENERATOR["PAGES"][name](), "run .venv/bin/python docs/reference/generate.py"


def test_the_example_batch_is_a_batch() -> None:
    text = (ROOT / "docs/integrate.md").read_text("utf-8").partition("\n## Documents\n")[0]
    examples = re.findall(r"^```json\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        BATCH.validate_json(example)


def test_the_example_of_documents_can_be_imported(tmp_path: Path) -> None:
    text = (ROOT / "docs/integrate.md").read_text("utf-8").partition("\n## Documents\n")[2]
    text = text.partition("\n## Demand\n")[0]
    [example] = re.findall(r"^```json\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "dock.json").write_text(example, encoding="utf-8")
    papers = read_import(tmp_path / "dock.json")
    assert all((papers.items, papers.portals, papers.opening, papers.documents, papers.visits))


def test_the_example_program_reads_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs/integrate.md").read_text("utf-8")
    [program] = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    shutil.copy(ROOT / "tests/golden/v1/frame_gzip.bin", tmp_path / "frame")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("program.py")
    assert capsys.readouterr().out.startswith("101 movement 2026-11-02")


def test_the_example_agent_file_is_valid(tmp_path: Path) -> None:
    text = textwrap.dedent((ROOT / "docs/start.md").read_text("utf-8"))
    examples = [textwrap.dedent(block) for block in re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)]
    [example] = [each for each in examples if "[[scanner]]" in each]
    (tmp_path / "agent.toml").write_text(example, encoding="utf-8")
    assert load_agent(tmp_path / "agent.toml").settings.gateway == "dock-1"


def test_the_devices_that_are_shown_are_valid_settings(tmp_path: Path) -> None:
    text = (ROOT / "docs/devices.md").read_text("utf-8")
    whole = [block for block in re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL) if "site =" in block]
    assert len(whole) == 2
    for number, example in enumerate(whole):
        (tmp_path / f"{number}.toml").write_text(example, encoding="utf-8")
        assert load_agent(tmp_path / f"{number}.toml").settings.readers


def test_every_reason_for_quarantine_is_explained() -> None:
    sources = [
        ROOT / "contracts/batch.py",
        *(path for folder in ("ingest", "ledger") for path in (ROOT / "cloud" / folder).rglob("*.py")),
    ]
    given = (
        r'(?:(?:FrameError|UnresolvableError)\(|Unpostable\(\w+, |RefusedRow\(\w+, |\breason = )"([a-z_]+)"'
    )
    reasons = {code for path in sources for code in re.findall(given, path.read_text("utf-8"))}
    explained = set(re.findall(r"`([a-z_0-9]+)`", (ROOT / "docs/operate.md").read_text("utf-8")))
    assert reasons <= explained


def test_every_command_barcode_is_explained() -> None:
    explained = set(re.findall(r"\$([A-Z]+(?:-[A-Z]+)*)", (ROOT / "docs/start.md").read_text("utf-8")))
    assert explained == set(Verb)


def test_the_example_of_demand_can_be_sent() -> None:
    text = (ROOT / "docs/integrate.md").read_text("utf-8").partition("\n## Demand\n")[2]
    example = re.findall(r"^```json\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)[0]
    assert [line.kind for line in DemandPaper.model_validate_json(example).lines] == [
        "requested",
        "cancelled",
    ]


def test_every_route_that_is_named_exists() -> None:
    text = (ROOT / "docs/integrate.md").read_text("utf-8")
    named_routes = {
        path.split("?")[0] for path in re.findall(r"(?<!dl)(/(?:v1|health)/[a-z./-]+|/metrics)", text)
    }
    api = create_api(Gate.__new__(Gate), Metrics())
    known = {*api.openapi()["paths"], api.openapi_url}
    assert {
        path
        for path in named_routes - known
        if not (path.endswith("/") and any(route.startswith(path + "{") for route in known))
    } == set()


def test_every_section_that_a_comment_cites_is_in_the_design() -> None:
    design = ROOT / "docs/design"
    cited = {
        reference
        for folder in (
            "contracts",
            "edge_agent",
            "cloud",
            "simulators",
            "benchmarks",
            "tests",
            "deploy",
            "docs",
        )
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sql", ".toml", ".md", ".yml"}
        for reference in re.findall(
            r"\b(PROTOCOL P\d+|DOMAIN D\d+|FAULTS F\d+|DESIGN §\d+)\b", path.read_text("utf-8")
        )
    }
    sections = {
        f"{name} {section}"
        for name in ("PROTOCOL", "DOMAIN", "FAULTS", "DESIGN")
        for section in re.findall(
            r"^(?:## |\| )([PDF]?\d+)[. ]", (design / f"{name}.md").read_text("utf-8"), flags=re.MULTILINE
        )
    }
    assert {reference.replace("§", "") for reference in cited} <= sections


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/decisions"
    listed = set(re.findall(r"\]\((\d{4}-[^)]+)\)", (folder / "README.md").read_text("utf-8")))
    assert listed == {path.name for path in folder.glob("0*.md")}
