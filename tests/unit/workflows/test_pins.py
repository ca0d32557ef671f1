"""Logging in by PIN, and the command that makes badges."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contracts.offline import Badge
from edge_agent.cli import main
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.pins import hash_pin, is_pin
from edge_agent.workflows.site import WorkflowSettings


@pytest.fixture
def keypad(new_bench: Callable[[], Any]) -> Any:
    """A scanner with keys, which Ann may use by PIN and Bob may not."""
    bench = new_bench()
    ann, bob = bench.engine.site.badges
    badges = (ann.model_copy(update={"pin_argon2id": hash_pin("2468")}), bob)
    bench.engine = replace(bench.engine, site=bench.engine.site.model_copy(update={"badges": badges}))
    return bench


def test_a_name_and_its_pin_let_in_and_are_not_kept(keypad: Any) -> None:
    assert keypad.scan("$PIN/ann/2468").signal is Signal.STEP
    assert keypad.state.actor == "ann"
    keypad.scan("$SHIP/S-1", "85123A")
    assert keypad.movements[0].actor == "ann"
    assert "2468" not in repr(keypad.records)


@pytest.mark.parametrize("keyed", ["$PIN/ann/1357", "$PIN/bob/2468", "$PIN/eve/2468"])
def test_a_wrong_pin_lets_nobody_in(keypad: Any, keyed: str) -> None:
    keypad.scan(keyed, "$SHIP/S-1")
    assert keypad.refusals == ["pin_wrong", "badge_required"]


@pytest.mark.parametrize("keyed", ["$PIN/ann", "$PIN/ann/12", "$PIN/ann/pass", "$PIN"])
def test_what_cannot_be_a_pin_lets_nobody_in_and_is_not_kept(keypad: Any, keyed: str) -> None:
    keypad.scan(keyed)
    assert keypad.refusals == ["badge_required"]
    assert "pass" not in repr(keypad.records)


@pytest.mark.parametrize(
    "keyed", ["$pin/ann/2468", "$PIM/ann/2468", "$Pin ann 2468", "$BADGE/2468", "$badge/2468"]
)
def test_a_secret_that_was_mistyped_is_not_kept_either(keypad: Any, keyed: str) -> None:
    keypad.scan(keyed)
    assert "2468" not in repr(keypad.records)
    assert keypad.state.actor is None


def test_who_tries_pins_out_has_to_wait_and_a_badge_still_lets_in(keypad: Any) -> None:
    keypad.scan(*["$PIN/ann/0000"] * 5, "$PIN/ann/2468")
    assert keypad.refusals[-1] == "pin_blocked"
    assert keypad.state.actor is None
    keypad.elapsed += timedelta(minutes=1)
    keypad.scan("$PIN/ann/0000", "$PIN/ann/2468")
    assert keypad.refusals[-2:] == ["pin_wrong", "pin_blocked"], "one try a minute"
    keypad.scan("$BADGE/ann")
    assert keypad.state.actor == "ann"
    keypad.scan("$LOGOUT", "$PIN/ann/2468")
    assert keypad.state.actor == "ann"


def test_the_command_makes_a_badge_that_lets_in(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, new_bench: Callable[[], Any]
) -> None:
    monkeypatch.setattr("edge_agent.badge.getpass", lambda _prompt: "9753")
    assert main(["badge", "ada", "--language", "de", "--role", "counter", "--pin"]) == 0
    told = capsys.readouterr()
    [entry] = tomllib.loads(told.out)["workflow"]["badges"]
    made = Badge.model_validate(entry)
    assert (made.actor, made.roles, made.language) == ("ada", ("counter",), "de")
    assert is_pin("9753", made.pin_argon2id)
    token = told.err.split("$BADGE/")[1].split()[0]
    assert token not in told.out
    bench = new_bench()
    site = WorkflowSettings(staging="STAGING", returns="RETURNS", badges=(made,))
    bench.engine = replace(bench.engine, site=site)
    bench.scan(f"$BADGE/{token}")
    assert bench.state.actor == "ada"


@pytest.mark.parametrize(("typed", "said"), [(["12"], "4 to 12 digits"), (["1234", "4321"], "differ")])
def test_a_pin_that_cannot_be_one_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: list[str], said: str
) -> None:
    answers = iter(typed)
    monkeypatch.setattr("edge_agent.badge.getpass", lambda _prompt: next(answers))
    assert main(["badge", "ada", "--pin"]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
