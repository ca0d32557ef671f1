"""Readers and doors in an agent's settings: contradictions are refused, what is lacking is said."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.gateway import DesiredConfig
from edge_agent.config.remote import RemoteConfig
from edge_agent.config.settings import AgentSettings, Loaded, SettingsError, build, load, shown
from edge_agent.doctor.doors import about_settings

TWO_SIDED = {
    "id": "dock-1",
    "kind": "two_sided",
    "inside": ["r1:1", "r1:2"],
    "outside": ["r1:3", "r1:4"],
    "inside_location": "STAGE-1",
    "outside_location": "@clearing/dock-1",
    "feedback": {"ok_gpo": 1},
}
ONE_PLANE = {
    "id": "dock-2",
    "kind": "one_plane",
    "antennas": ["r2:1", "r2:2"],
    "inside_location": "STAGE-2",
    "outside_location": "@clearing/dock-2",
    "feedback": {"wrong_gpo": "r2:1"},
}
READERS = [{"id": "r1", "host": "192.0.2.1"}, {"id": "r2", "host": "192.0.2.2"}]


def settings(
    *portals: dict[str, Any], readers: list[dict[str, Any]] | None = None, **other: Any
) -> AgentSettings:
    values = {
        "site": "leeds",
        "gateway": "gw",
        "broker_url": "mqtt://u:p@h:1883",
        "outbox": Path("outbox.db"),
        "reader": READERS if readers is None else readers,
        "portal": list(portals),
        **other,
    }
    return build(values, dict.fromkeys(values, "file agent.toml"))


def test_a_reader_of_a_read_zone_means_something() -> None:
    zone = {"id": "a", "location": "A", "antennas": ["r2:1"]}
    texts = [finding.subject for finding in about_settings(settings(TWO_SIDED, zone=[zone]))]
    assert "reader r2" not in texts
    assert "reader r2" in [finding.subject for finding in about_settings(settings(TWO_SIDED))]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"readers": READERS[1:]}, "portal 'dock-1' names 'r1:1', but there is no [[reader]] 'r1'"),
        (
            {"readers": [READERS[0] | {"antennas": [1, 2]}]},
            "portal 'dock-1' names 'r1:3', but reader 'r1' uses antennas [1, 2]",
        ),
        ({"readers": [*READERS, READERS[0]]}, "id 'r1' is used twice among scanners and readers"),
        ({"readers": [READERS[0] | {"profile": "nonesuch"}]}, "nonesuch"),
        ({"page_port": 70_000}, "page_port"),
        (
            {"zone": [{"id": "a", "location": "A", "antennas": ["r9:1"]}]},
            "zone 'a' names 'r9:1', but there is no such [[reader]]: expected one of ['r1', 'r2']",
        ),
        ({"tags": {"foreign_patterns": ["("]}}, "is not a regular expression"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        settings(TWO_SIDED, **change)
    assert message in str(refusal.value)
    assert "file agent.toml" in str(refusal.value) or "settings" in str(refusal.value)


@pytest.mark.parametrize(
    ("feedback", "message"),
    [
        ({}, "feedback lights nothing"),
        ({"ok_gpo": 1, "wrong_gpo": "r1:1"}, "are both '1', expected two outputs"),
        ({"ok_gpo": 1, "seconds": 0}, "greater than or equal to 0.1"),
        ({"ok_gpo": "r9:1"}, "portal 'dock-1' names 'r9:1', but there is no [[reader]] 'r9'"),
    ],
)
def test_feedback_that_cannot_work_is_refused(feedback: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        settings(TWO_SIDED | {"feedback": feedback})
    assert message in str(refusal.value)


def test_the_cloud_may_set_readers_and_doors(tmp_path: Path) -> None:
    base = {"site": "leeds", "gateway": "gw", "broker_url": "mqtt://h:1", "outbox": tmp_path / "outbox.db"}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    remote = RemoteConfig(tmp_path / "remote.json", Loaded(build(base, {}), base, {}), now=now)
    wish = {"reader": [READERS[0]], "portal": [TWO_SIDED], "tags": {"own_prefixes": ["9506000"]}}
    desired = DesiredConfig(revision=1, issued_at=now, settings=wish)
    assert remote.propose(desired, now=now) is None
    assert [portal.id for portal in remote.effective().settings.portal] == ["dock-1"]
    remote.confirm(now=now)
    without = DesiredConfig(revision=2, issued_at=desired.issued_at, settings=wish | {"reader": []})
    verdict = remote.propose(without, now=now)
    assert verdict is not None
    assert "there is no [[reader]] 'r1'" in verdict.errors[0]


def test_check_shows_readers_and_doors_without_what_is_default(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(
        """
site = "leeds"
gateway = "gw"
broker_url = "mqtt://u:p@h:1883"
[[reader]]
id = "r1"
host = "192.0.2.1"
"""
    )
    values = {name: value for name, value, _ in shown(load(tmp_path / "agent.toml"))}
    assert values["reader"] == "[{'id': 'r1', 'host': '192.0.2.1'}]"
    assert values["portal"] == "[]"


def test_a_plane_without_beams_is_told_what_it_cannot_do() -> None:
    neighbours = {"neighbours": ["dock-1"]}
    texts = [
        f"{each.subject}: {each.text}"
        for each in about_settings(settings(TWO_SIDED | {"neighbours": ["dock-2"]}, ONE_PLANE | neighbours))
    ]
    told = (
        "portal dock-2: one plane of antennas without beams cannot tell in from out. A single open visit "
        "lends its direction, never surer than 0.80: with post_at = 0.95 a person confirms each crossing"
    )
    assert texts == [told]
    beams = ONE_PLANE | neighbours | {"beams": [1, 2]}
    assert list(about_settings(settings(TWO_SIDED | {"neighbours": ["dock-2"]}, beams))) == []


def test_a_plane_that_may_not_even_follow_its_visit_is_a_problem() -> None:
    lonely = ONE_PLANE | {"direction_from": ["beams"], "beams": [1, 2]}
    assert {each.weight for each in about_settings(settings(lonely, readers=READERS[1:]))} <= {"note"}
    findings = list(about_settings(settings(TWO_SIDED | {"mode": "shadow", "outside_location": "YARD"})))
    assert [each.weight for each in findings] == ["note", "note", "note"]
    assert findings[-1].subject == "reader r2"
    assert "no [[portal]] names it" in findings[-1].text
