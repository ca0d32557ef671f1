"""Scanner profiles are data: each shipped one is valid, and a wrong one says what is wrong."""

from importlib.resources import files
from pathlib import Path

import pytest

from edge_agent.readers.device import ProfileError
from edge_agent.readers.framing import Delimiter
from edge_agent.readers.profile import SHIPPED, load_profile, shipped_profiles
from edge_agent.readers.quality import Rung


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_is_valid_and_says_how_far_it_is_proven(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.rung in {Rung.BRONZE, Rung.SILVER}
    assert profile.sheet
    answers = {profile.feedback.success, profile.feedback.step, profile.feedback.refusal}
    assert len(answers) == 3 or answers == {""}


def test_two_vendors_and_a_generic_device_are_shipped() -> None:
    assert {load_profile(name).vendor for name in shipped_profiles()} >= {"Zebra", "Honeywell", "generic"}
    assert load_profile("zebra_ds36x8").framing.delimiter is Delimiter.STX_ETX


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(ProfileError, match="zebra_ds36x8"):
        load_profile("zebra_ds9999")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("baud = 9600", "baud = 9601"), "line.baud"),
        (('delimiter = "stx_etx"', 'delimiter = "tab"'), "scan.delimiter"),
        (("max_length = 256", "max_length = 513"), "scan.max_length"),
        (('aim = "required"', 'aim = "required"\nprefix = "x"'), "scan.prefix"),
        (("baud = 9600", "baud = "), "not TOML"),
    ],
)
def test_a_wrong_profile_says_which_field(change: tuple[str, str], message: str, tmp_path: Path) -> None:
    shipped = (files(SHIPPED) / "zebra_ds36x8.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(shipped.replace(*change), encoding="utf-8")
    with pytest.raises(ProfileError, match=message):
        load_profile(str(own))
