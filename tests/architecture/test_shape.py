"""The rules of size, names, doors and purity, executed over every module of the repository."""

import ast
import re
import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("contracts", "edge_agent", "cloud", "simulators", "firmware_configs")
PRODUCTION: Final = ("contracts", "edge_agent", "cloud", "firmware_configs")

MAX_MODULE_LINES: Final = 400
MAX_FUNCTION_LINES: Final = 60
BANNED_NAMES: Final = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "manager", "core"})

DOORS: Final = {
    "cryptography": {
        "edge_agent/certificates/x509.py",
        "cloud/gateways/certificates/authority.py",
        "cloud/ledger/heads/signatures.py",
    },
    "reportlab": {"cloud/labels/reportlab_door.py"},
    "zxingcpp": {"cloud/labels/zxing_door.py"},
    "biip": {"edge_agent/decode/barcode.py"},
    "httpx": {"cloud/alerts/webhooks/sending.py", "cloud/demand/sources/fetching.py"},
    "paho": {"edge_agent/publish/mqtt.py", "edge_agent/readers/iot/mqtt.py", "cloud/ingest/mqtt.py"},
    "psycopg": {"cloud/db/*.py", "cloud/**/store.py"},
    "psycopg_pool": {"cloud/db/*.py"},
    "serial": {"edge_agent/readers/serial_port.py"},
    "sllurp": {"edge_agent/readers/llrp/messages.py"},
    "sqlite3": {"edge_agent/outbox/store.py"},
    "apscheduler": {"cloud/scheduling/*.py"},
    "statsforecast": {"cloud/forecasting/*.py"},
    "statsmodels": {"cloud/forecasting/*.py"},
}
"""Each driver library, and the only modules of ours that may import it."""

LOOPS_THAT_OUTLIVE_THEIR_WORK: Final = {
    ("cloud/scheduling/service.py", "_outliving"),
    ("cloud/ingest/demand_door.py", "_run"),
    ("cloud/db/apart.py", "each_apart"),
    ("edge_agent/labels/queues.py", "_print"),
}
"""The places that catch everything: they count it, or raise it in the end, and go on with the rest."""

CLOCK_CALLS: Final = frozenset({"now", "utcnow", "today"})


@dataclass(frozen=True)
class Module:
    """One Python file and its syntax tree."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def source(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.source)))

    @cached_property
    def imported(self) -> list[str]:
        """The full name of each import, wherever it stands in the file."""
        names = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
        return names

    def at(self, node: ast.AST) -> str:
        return f"{self}:{getattr(node, 'lineno', 1)}"


_module_at: Final = cache(Module)
"""Each file is read and parsed once for all tests."""


def modules_of(*folders: str) -> list[Module]:
    return [
        _module_at(path)
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "__pycache__" not in path.parts
    ]


OURS: Final = modules_of(*PACKAGES)
TESTS: Final = modules_of("tests")
EVERYTHING: Final = [*OURS, *TESTS, *modules_of("benchmarks", "requirements")]
PURE: Final = [
    module
    for module in OURS
    if module.path.name in {"domain.py", "framing.py"}
    or str(module).startswith(("contracts/", "edge_agent/decode/", "edge_agent/filters/"))
]


def test_modules_fit_in_a_head() -> None:
    long = [
        f"{module}: {count} lines, at most {MAX_MODULE_LINES}"
        for module in EVERYTHING
        if (count := module.source.count("\n")) > MAX_MODULE_LINES
    ]
    assert not long, "\n".join(long)


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{module.at(node)} {node.name}: {lines} lines, at most {MAX_FUNCTION_LINES}"
        for module in OURS
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := _body_lines(node)) > MAX_FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines without its docstring: the part that must be held in mind."""
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        docstring = (first.end_lineno or first.lineno) - first.lineno + 1
    else:
        docstring = 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def test_no_file_is_named_for_nothing() -> None:
    named = [
        str(module) for module in EVERYTHING if BANNED_NAMES & {module.path.stem, module.path.parent.name}
    ]
    assert not named, f"say what is in it: {named}"


def test_every_package_says_what_it_is() -> None:
    silent = [
        str(module)
        for module in OURS
        if module.path.name == "__init__.py" and not ast.get_docstring(ast.parse(module.source))
    ]
    without_init = [
        str(folder.relative_to(ROOT))
        for folder in {module.path.parent for module in OURS}
        if not (folder / "__init__.py").exists()
    ]
    assert not silent + without_init


@pytest.mark.parametrize("driver", DOORS)
def test_each_driver_has_one_door(driver: str) -> None:
    elsewhere = [
        str(module)
        for module in modules_of(*PRODUCTION)
        if any(name.split(".")[0] == driver for name in module.imported)
        and not any(_is_at(module, door) for door in DOORS[driver])
    ]
    assert not elsewhere, f"{driver} is imported only in {sorted(DOORS[driver])}, also found in {elsewhere}"


def _is_at(module: Module, door: str) -> bool:
    pattern = re.escape(door).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
    return re.fullmatch(pattern, str(module)) is not None


def test_simulators_import_no_driver_they_stand_in_for() -> None:
    drivers = {"sllurp", "serial", "biip"}
    found = [
        f"{module} imports {name}"
        for module in modules_of("simulators")
        for name in module.imported
        if name.split(".")[0] in drivers
    ]
    assert not found


def test_production_imports_neither_tests_nor_simulators() -> None:
    found = [
        f"{module} imports {name}"
        for module in modules_of(*PRODUCTION)
        for name in module.imported
        if name.split(".")[0] in {"tests", "simulators", "benchmarks"}
    ]
    assert not found


def test_the_pure_core_never_looks_at_a_clock() -> None:
    looks = [
        module.at(node)
        for module in PURE
        for node in module.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK_CALLS
    ]
    assert not looks, f"time comes in the data: {looks}"


def test_nothing_swallows_every_error_but_loops_that_outlive_their_work() -> None:
    blanket = {
        module.at(node)
        for module in OURS
        for node in module.nodes
        if isinstance(node, ast.ExceptHandler) and _swallows_anything(node)
    }
    allowed = {
        module.at(node)
        for module in OURS
        for function in module.nodes
        if isinstance(function, ast.FunctionDef)
        and (str(module), function.name) in LOOPS_THAT_OUTLIVE_THEIR_WORK
        for node in ast.walk(function)
        if isinstance(node, ast.ExceptHandler) and _swallows_anything(node)
    }
    assert len(allowed) == len(LOOPS_THAT_OUTLIVE_THEIR_WORK)
    assert blanket == allowed, f"catch what the call can raise: {blanket - allowed}"


def _swallows_anything(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    raises_again = isinstance(last, ast.Raise) and last.exc is None
    tells_who_waits = any(
        isinstance(node, ast.Attribute) and node.attr == "set_exception" for node in ast.walk(handler)
    )
    if raises_again or tells_who_waits:
        return False
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(name is None or ast.unparse(name) in {"Exception", "BaseException"} for name in caught)


def test_no_test_sleeps_but_to_look_again() -> None:
    sleeps = {module.at(node) for module in TESTS for node in module.nodes if _sleeps(node)}
    polls = {
        module.at(node)
        for module in TESTS
        for loop in module.nodes
        if isinstance(loop, ast.While)
        for node in ast.walk(loop)
        if _sleeps(node)
    }
    assert not sleeps - polls, f"wait for the condition, with a deadline: {sleeps - polls}"


def _sleeps(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}


def test_no_browser_test_is_given_a_patience_of_its_own() -> None:
    own = {
        module.at(node)
        for module in TESTS
        if "e2e" in str(module)
        for node in module.nodes
        if isinstance(node, ast.Call) and any(word.arg == "timeout" for word in node.keywords)
    }
    allowed = {place for place in own if "e2e/conftest.py" in place}
    assert not own - allowed, f"`expect` waits PATIENCE_S, which suits loaded cores: {own - allowed}"


def test_no_work_is_left_as_a_note() -> None:
    mark = "TO" + "DO"
    assert not [str(module) for module in EVERYTHING if mark in module.source]


def test_every_silenced_rule_is_argued() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    ruff = text[text.index("[tool.ruff.lint]") : text.index("[tool.mypy]")]
    unargued = [
        line
        for line in ruff.splitlines()
        if re.search(r'"[A-Z]+[0-9]*"', line) and "#" not in line and not line.startswith("select")
    ]
    assert not unargued, f"say why beside each rule: {unargued}"


def test_every_silencing_in_the_code_is_argued() -> None:
    mark = re.compile(r"#\s*(noqa|type: ignore)(?P<codes>[:\[ ][A-Z0-9a-z, \]-]*?)(?P<reason>\s{2,}\S.*)?$")
    unargued = [
        f"{module}:{number}"
        for module in OURS
        for number, line in enumerate(module.source.splitlines(), start=1)
        if (found := mark.search(line)) and not found["reason"]
    ]
    assert not unargued, f"two spaces and a reason after the code: {unargued}"


def test_the_locks_name_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    runs = [*project["project"]["dependencies"], *groups["build"]]
    for extra in ("edge", "llrp", "cloud", "local", "sim"):
        runs += extras[extra]
    assert {_name(requirement) for requirement in runs} <= _locked_names("run")
    develops = [*runs, *groups["test"], *groups["check"]]
    assert {_name(requirement) for requirement in develops} <= _locked_names("dev")


def _locked_names(lock: str) -> set[str]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    return {_name(line) for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)}


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=~!; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_the_locks_name_no_host_and_no_machine() -> None:
    for lock in ("run", "dev"):
        text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
        unhashed = re.findall(r"^(?!#)\S+==\S+(?: ;[^\\\n]*)?$", text, flags=re.MULTILINE)
        assert not unhashed
        assert "://" not in text
        assert "--index-url" not in text
