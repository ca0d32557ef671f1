"""Reader profiles and settings are data: each shipped one is valid, and a wrong one says what is wrong."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent.readers.device import ProfileError
from edge_agent.readers.llrp.profile import (
    SHIPPED,
    load_llrp_profile,
    shipped_llrp_profiles,
)
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.quality import Rung


@pytest.mark.parametrize("name", shipped_llrp_profiles())
def test_every_shipped_profile_is_valid_and_says_how_far_it_is_proven(name: str) -> None:
    profile = load_llrp_profile(name)
    assert profile.name == name
    assert profile.rung in {Rung.BRONZE, Rung.SILVER}
    assert profile.sheet
    assert profile.keepalive_s == 10


def test_an_impinj_a_zebra_and_a_generic_reader_are_shipped() -> None:
    kinds = {name: load_llrp_profile(name).kind for name in shipped_llrp_profiles()}
    assert kinds == {
        "impinj_r420": "impinj",
        "impinj_r700": "impinj",
        "zebra_fx9600": "zebra",
        "zebra_fxr90": "zebra",
        "thingmagic": "generic",
        "generic_llrp": "generic",
    }


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(ProfileError, match="zebra_fx9600"):
        load_llrp_profile("zebra_fx1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("session = 1", "session = 4"), r"radio\.session"),
        (("power_dbm = 30.0", "power_dbm = 55.0"), r"radio\.power_dbm.*55"),
        (("power_dbm = 30.0", "power_dbm = nan"), r"radio\.power_dbm"),
        (("tag_population = 32", "tag_population = 0"), r"radio\.tag_population"),
        (("[impinj]", "[impinj]\nturbo = true"), r"impinj\.turbo"),
        (("[radio]", "[radio.gate]\nstart_gpi = 1\n[radio]"), "the gate never closes"),
        (
            ("[radio]", "[radio.gate]\nstart_gpi = 1\nstop_gpi = 1\nstop_high = true\n[radio]"),
            "input 1 starts and stops at the same level",
        ),
        (("[impinj]", "[zebra]\nphase = true\n[impinj]"), "got both"),
        (("session = 1", "session = "), "not TOML"),
    ],
)
def test_a_wrong_profile_says_which_field(change: tuple[str, str], message: str, tmp_path: Path) -> None:
    shipped = (files(SHIPPED) / "impinj_r700.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(shipped.replace(*change), encoding="utf-8")
    with pytest.raises(ProfileError, match=message):
        load_llrp_profile(str(own))


def test_the_port_follows_from_tls() -> None:
    plain = ReaderSettings(id="r1", host="192.0.2.10")
    secret = ReaderSettings(id="r1", host="192.0.2.10", tls=True)
    assert (plain.address, secret.address) == (("192.0.2.10", 5084), ("192.0.2.10", 5085))


def test_settings_go_over_the_profile() -> None:
    settings = ReaderSettings(
        id="r1", host="r1.example", profile="impinj_r700", antennas=(2, 4), power_dbm=24.5
    )
    radio = settings.effective().radio
    assert (radio.antennas, radio.power_dbm, radio.mode_index) == ((2, 4), 24.5, 1000)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"profile": "zebra_fx1"}, "zebra_fx9600"),
        ({"antennas": (1, 1)}, "not all different"),
        ({"antennas": (0,)}, "greater than or equal to 1"),
        ({"antennas": (1, 2), "power_dbm_by_antenna": {"3": 20.0}}, r"antenna '3': expected one of \[1, 2\]"),
        ({"power_dbm_by_antenna": {"left": 20.0}}, "antenna 'left'"),
        ({"tls_check_host": False}, "without tls = true"),
        ({"power": 30}, "Extra inputs"),
        ({"port": 70000}, "65535"),
    ],
)
def test_contradictory_settings_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ReaderSettings(id="r1", host="192.0.2.10", **fields)


AGENT = """\
site = "s1"
gateway = "g1"
broker_url = "mqtt://u:p@127.0.0.1:1"

[[reader]]
id = "r1"
host = "192.0.2.10"
"""


@pytest.mark.parametrize("command", ["check", "run", "record"])
def test_an_agent_without_the_extra_says_what_to_install(command: str, tmp_path: Path) -> None:
    settings = tmp_path / "agent.toml"
    settings.write_text(AGENT, "utf-8")
    program = (
        "import sys; sys.modules['sllurp'] = None\n"
        "from edge_agent.cli import main\n"
        f"sys.exit(main(['{command}', '--config', {str(settings)!r}]))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "reader r1 needs the extra llrp: pip install dockledger[llrp]" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_recording_without_the_extra_says_it_too(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['sllurp'] = None\n"
        "from edge_agent.readers.llrp.decoder import LlrpDecoder\n"
        "LlrpDecoder('r1')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "LlrpMissingError: reader r1 needs the extra llrp: pip install dockledger[llrp]" in ended.stderr
