"""The quality ladder: a rung is worked out from rules and never stated; all shipped profiles stand on it."""

import json

import pytest
from pydantic import TypeAdapter, ValidationError

from edge_agent.cli import main
from edge_agent.readers.catalogue import all_profiles, find
from edge_agent.readers.device import ProfileError
from edge_agent.readers.quality import RULES, Quality, Rung, rung_of

QUALITY: TypeAdapter[dict[str, str]] = TypeAdapter(Quality)
ALL = [name for rules in RULES.values() for name in rules]


@pytest.mark.parametrize(
    ("todo", "rung"),
    [
        ((), Rung.PLATINUM),
        (("secured",), Rung.GOLD),
        (("on_device",), Rung.SILVER),
        (("faults", "on_device"), Rung.BRONZE),
        (("sheet",), Rung.NONE),
    ],
)
def test_a_rung_holds_only_with_those_below_it(todo: tuple[str, ...], rung: Rung) -> None:
    assert rung_of({name: "todo" if name in todo else "done" for name in ALL}) is rung


def test_an_exemption_needs_its_reason() -> None:
    whole = dict.fromkeys(ALL, "done")
    assert rung_of(QUALITY.validate_python(whole | {"secured": "exempt: it is a cable"})) is Rung.PLATINUM
    for change, words in (
        ({"secured": "exempt: no"}, "expected done, todo, or 'exempt: ' and a reason"),
        ({"secured": "yes"}, "secured = 'yes'"),
        ({"speed": "done"}, "'speed' is no rule"),
    ):
        with pytest.raises(ValidationError, match=words):
            QUALITY.validate_python(whole | change)
    with pytest.raises(ValidationError, match="rule 'faults' is missing"):
        QUALITY.validate_python({name: state for name, state in whole.items() if name != "faults"})


def test_no_profile_claims_what_needs_the_device() -> None:
    seen_on_the_bench: set[str] = set()  # nobody here has had one: who does it, adds it
    beyond = (*RULES[Rung.GOLD], *RULES[Rung.PLATINUM])
    for _, profile in all_profiles():
        claimed = [name for name in beyond if profile.quality[name] == "done"]
        assert not claimed or profile.name in seen_on_the_bench
        assert profile.rung is not Rung.NONE
        assert all(step.why.endswith(".") for step in profile.sheet)
    assert {kind.name for kind, _ in all_profiles()} == {"reader", "iot reader", "scanner"}


def test_profiles_are_listed_shown_and_checked(
    capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert main(["profile", "list"]) == 0
    listed = capsys.readouterr().out
    assert "silver    reader      impinj_r420" in listed
    assert main(["profile", "list", "--json"]) == 0
    names = {json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()}
    assert names == {profile.name for _, profile in all_profiles()}
    assert main(["profile", "show", "zebra_ds36x8"]) == 0
    shown = capsys.readouterr().out
    assert "Transmit Code ID Character (parameter 45): AIM Code ID Character" in shown
    assert "code: AIM Code ID Character (Miscellaneous)" in shown
    assert "still to do: real_bytes, on_device" in shown
    own = tmp_path_factory.mktemp("own") / "own.toml"
    own.write_text("name = 'x'", "utf-8")
    assert main(["profile", "check", "impinj_r700", str(own)]) == 1
    told = capsys.readouterr()
    assert "impinj_r700: a valid reader profile, bronze" in told.out
    assert "expected protocol (iot reader) or radio (reader) or scan (scanner), got ['name']" in told.err
    assert main(["profile", "show", "nobody"]) == 1
    assert "expected one of impinj_r700_iot" in capsys.readouterr().err


def test_a_file_that_is_none_is_told() -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        find("/absent/own.toml")
