"""``edge-agent explain``: parts add up to the verdict, the picture marks it, and it says what it cannot."""

import io
import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from edge_agent.cli import build_parser
from edge_agent.explain.command import explain
from edge_agent.readers.raw_read import Seen
from edge_agent.replay import replay
from tests.unit.filters.radio_stories import (
    EPC,
    INWARD,
    NOON_US,
    OUTWARD,
    beams,
    merged,
    one_plane,
    two_sided,
)
from tests.unit.filters.test_replay import SITE, as_line

PALLET = merged(*(two_sided(INWARD, seed=n, epc=f"30{n:022X}") for n in range(1, 9)))


class Desk:
    """A folder with a site file and a capture."""

    def __init__(self, folder: Path, seen: list[Seen], site: str = SITE) -> None:
        self.folder = folder
        (folder / "site.toml").write_text(site, "utf-8")
        (folder / "capture.jsonl").write_text("".join(f"{as_line(each)}\n" for each in seen), "utf-8")

    def ask(self, *words: str) -> tuple[int, str, str]:
        """Run explain."""
        out, errors = io.StringIO(), io.StringIO()
        files = [str(self.folder / "capture.jsonl"), "--site", str(self.folder / "site.toml")]
        code = explain(build_parser().parse_args(["explain", *files, *words]), out, errors)
        return code, out.getvalue(), errors.getvalue()

    def told(self, *words: str) -> list[dict[str, Any]]:
        """Run explain --json."""
        code, out, errors = self.ask("--json", *words)
        assert (code, errors) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    def replayed(self) -> list[dict[str, Any]]:
        """Run replay --json."""
        out = io.StringIO()
        files = [str(self.folder / "capture.jsonl"), "--site", str(self.folder / "site.toml"), "--json"]
        assert replay(build_parser().parse_args(["replay", *files]), out, io.StringIO()) == 0
        return [json.loads(line) for line in out.getvalue().splitlines()[:-1]]


@pytest.mark.parametrize("way", [INWARD, OUTWARD, ((0.0, 2.0), (20.0, 2.0))])
def test_the_parts_of_the_evidence_add_up_to_the_verdict(tmp_path: Path, way: Any) -> None:
    desk = Desk(tmp_path, merged(PALLET, two_sided(way, seed=20, start_us=NOON_US + 60_000_000)))
    (told,) = desk.told("--epc", EPC)
    chances = told["alternatives"]
    toward = sum(term["toward"] for term in told["evidence"])
    passed = sum(term["passed"] for term in told["evidence"])
    weights = [math.exp(scale) for scale in (passed + toward, passed - toward, 0.0)]
    shares = [weight / sum(weights) for weight in weights]
    assert [chances[name] for name in ("in", "out", "did not pass")] == pytest.approx(shares, abs=0.002)


def test_it_tells_what_replay_decides_for_every_tag(tmp_path: Path) -> None:
    desk = Desk(tmp_path, merged(PALLET, one_plane(INWARD, epc="AB" * 12), beams(INWARD)))
    for line in desk.replayed():
        (told,) = desk.told("--epc", line["epc"])
        assert {key: told[key] for key in ("portal", "direction", "confidence", "occurred_at", "reads")} == {
            key: line[key] for key in ("portal", "direction", "confidence", "occurred_at", "reads")
        }


def test_those_that_moved_with_it_are_asked_one_by_one(tmp_path: Path) -> None:
    (told,) = Desk(tmp_path, PALLET).told("--epc", f"30{1:022X}")
    assert len(told["votes"]) == 7
    assert all(vote["in"] > 0.9 for vote in told["votes"])
    assert any("moved with it" in term["name"] for term in told["evidence"])
    assert told["rules"] == []


def test_light_beams_are_told_with_what_spoke_for_each(tmp_path: Path) -> None:
    seen = merged(one_plane(OUTWARD, epc="AB" * 12), beams(OUTWARD))
    (told,) = Desk(tmp_path, seen).told("--epc", "AB" * 12)
    (only,) = told["beams"]
    assert only["toward"] == "out"
    assert sum(term["passed"] for term in told["evidence"]) == pytest.approx(only["log_odds"], abs=0.05)
    assert all(term["toward"] is None for term in told["evidence"])


def test_rules_that_go_before_the_scales_are_named(tmp_path: Path) -> None:
    alone = two_sided(INWARD, seed=3)
    (told,) = Desk(tmp_path, alone).told("--epc", EPC)
    assert told["rules"][0].startswith("it came alone (")
    neighbours = SITE.replace('kind = "two_sided"', 'kind = "two_sided"\nneighbours = ["dock-3"]')
    louder = merged(two_sided(INWARD, seed=3, loss_db=20), one_plane(INWARD), beams(INWARD))
    told, _ = Desk(tmp_path, louder, neighbours).told("--epc", EPC)
    assert told["rules"] == ["portal 'dock-3' heard it louder meanwhile: here it is a stray"]
    blind = SITE.replace("beams = [1, 2]\n", "")
    (told,) = Desk(tmp_path, one_plane(INWARD), blind).told("--epc", EPC)
    assert "cannot tell the direction" in told["rules"][0]
    assert set(told["alternatives"]) == {"in or out", "did not pass"}


def test_the_picture_is_a_whole_document_that_marks_the_decision(tmp_path: Path) -> None:
    desk = Desk(tmp_path, merged(two_sided(INWARD, seed=3), one_plane(INWARD), beams(INWARD)))
    code, out, _ = desk.ask("--epc", EPC.lower(), "--svg", str(tmp_path / "why.svg"))
    assert code == 0
    assert "^ in" in out
    assert "r1:3 outside " in out
    for name in ("why-1.svg", "why-2.svg"):
        root = ET.fromstring((tmp_path / name).read_text("utf-8"))  # noqa: S314  our own drawing
        kinds = [each.get("class") for each in root.iter()]
        assert kinds.count("at") == 1
        assert EPC.lower() in (root.get("aria-label") or "")
    assert "beam" in kinds


def test_a_tag_that_was_not_read_and_files_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path, two_sided(INWARD, seed=3))
    code, out, errors = desk.ask("--epc", "ABCD")
    assert (code, out) == (1, "")
    assert "tag ABCD was not read; 1 others were read" in errors
    assert desk.ask("--epc", EPC, "--svg", str(tmp_path / "no" / "x.svg"))[0] == 1
    (tmp_path / "site.toml").write_text("[[portal]]\n", "utf-8")
    code, _, errors = desk.ask("--epc", EPC)
    assert code == 2
    assert "portal[0].id" in errors
