"""One wheel with extras: every data file is inside, and a gateway installs no cloud."""

import subprocess
import sys
import tomllib
import zipfile
from email.parser import HeaderParser
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement

from tests.architecture.test_shape import modules_of

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("contracts", "edge_agent", "cloud", "simulators", "firmware_configs")

EXTRAS_OF: Final = {
    "contracts": (),
    "edge_agent": ("edge", "llrp"),
    "cloud": ("cloud", "local", "forecast", "ml", "parquet", "distributed"),
    "simulators": ("sim",),
    "firmware_configs": (),
}
"""Which extras may bring what a package imports, beside the dependencies that all have."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_every_file_that_git_tracks_in_its_packages(wheel: zipfile.ZipFile) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: nothing says which files belong to it")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", *PACKAGES]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    tracked = {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}
    assert tracked - set(wheel.namelist()) == set()


def test_the_wheel_carries_its_licence_and_notice(wheel: zipfile.ZipFile) -> None:
    licences = {Path(name).name for name in wheel.namelist() if "/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}


def test_a_gateway_installs_no_cloud(wheel: zipfile.ZipFile) -> None:
    [metadata] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    fields = HeaderParser().parsestr(wheel.read(metadata).decode())
    required = [Requirement(line) for line in fields.get_all("Requires-Dist", [])]
    on_a_gateway = {
        requirement.name
        for requirement in required
        if requirement.marker is None or requirement.marker.evaluate({"extra": "edge"})
    }
    assert on_a_gateway == {
        *("orjson", "pydantic", "pydantic-settings", "structlog", "typing-extensions", "tzdata"),
        *("argon2-cffi", "biip", "cryptography", "paho-mqtt", "prometheus-client", "pyserial"),
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_its_extras_bring(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    brought = list(project["dependencies"])
    for extra in EXTRAS_OF[package]:
        brought += project["optional-dependencies"][extra]
    names = {Requirement(line).name.lower().replace("_", "-") for line in brought}
    distributions = packages_distributions()
    imported = {name.split(".")[0]: str(module) for module in modules_of(package) for name in module.imported}
    foreign = {
        f"{module} imports {name}"
        for name, module in imported.items()
        if name not in sys.stdlib_module_names and name not in PACKAGES
        if not {found.lower().replace("_", "-") for found in distributions.get(name, ["?"])} & names
    }
    assert not foreign
