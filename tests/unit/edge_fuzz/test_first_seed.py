"""A campaign begins where it is told to, and elsewhere than the last one if nobody says."""

import random

import pytest

from tests.first_seed import first_seed
from tests.unit.edge_fuzz import mutation


def test_a_campaign_begins_at_its_first_seed_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKLEDGER_FIRST_SEED", "42")
    monkeypatch.setattr(mutation, "HALF_AN_HOUR_S", 0.01)
    monkeypatch.setattr(mutation, "FEWEST_INPUTS", 1)
    drawn: list[float] = []
    mutation.run_for_half_an_hour("dice", lambda source: drawn.append(source.random()))
    assert drawn[:2] == [random.Random(42).random(), random.Random(43).random()]
    assert f"dice: {len(drawn)} inputs from seed 42 on" in capsys.readouterr().out


def test_two_campaigns_share_no_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKLEDGER_FIRST_SEED", raising=False)
    first = first_seed()
    assert first_seed() == first, "one for all processes of a run"
    monkeypatch.delenv("DOCKLEDGER_FIRST_SEED")
    assert first_seed() > first
