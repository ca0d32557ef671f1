"""Site files: the shipped ones are valid; one that contradicts itself is refused with place and value."""

from importlib.resources import files
from pathlib import Path

import pytest

from edge_agent.config.site_file import SiteFileError, load_portals

DOCK = """
[[portal]]
id = "dock-1"
kind = "two_sided"
inside = ["r1:1", "r1:2"]
outside = ["r1:3"]
neighbours = ["dock-2"]
inside_location = "STAGE-1"
outside_location = "@clearing/dock-1"

[[portal]]
id = "dock-2"
kind = "one_plane"
antennas = ["r2:1"]
beams = [1, 2]
inside_location = "STAGE-2"
outside_location = "@clearing/dock-2"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_dock_is_valid() -> None:
    source = files("firmware_configs.sites") / "dock_example.toml"
    portals = load_portals(Path(str(source)))
    assert [portal.id for portal in portals] == ["dock-1", "dock-2", "dock-3"]
    assert portals[2].beam_ports == ("r3:1", "r3:2")


def test_a_bare_beam_belongs_to_the_portals_reader(tmp_path: Path) -> None:
    assert load_portals(written(tmp_path, DOCK))[1].beam_ports == ("r2:1", "r2:2")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('neighbours = ["dock-2"]', 'neighbours = ["dock-9"]', "neighbour 'dock-9' is not a portal"),
        ('neighbours = ["dock-2"]', 'neighbours = ["dock-1"]', "names 'dock-1' itself"),
        ('outside = ["r1:3"]', 'outside = ["r1:2"]', "'r1:2' is named twice"),
        ('outside = ["r1:3"]', "outside = []", r"outside = \[\], expected at least one"),
        ('antennas = ["r2:1"]', 'antennas = ["r1:1"]', "'r1:1' belongs to portals 'dock-1' and 'dock-2'"),
        ('id = "dock-2"', 'id = "dock-1"', "'dock-1' is defined twice"),
        ('outside = ["r1:3"]', 'outside = ["r1:x"]', "'r1:x', expected 'reader:port'"),
        ("beams = [1, 2]", "beams = [1]", "expected two: the outer and the inner one"),
        ("beams = [1, 2]", "beams = [2, 2]", "one beam twice"),
        ("beams = [1, 2]", 'beams = [1, "x"]', "'x', expected 'reader:port'"),
        ("beams = [1, 2]", 'direction_from = ["beams"]', r"names beams, but beams = \[\]"),
        ("beams = [1, 2]", 'direction_from = ["antennas"]', "one plane cannot tell"),
        ("beams = [1, 2]", 'direction_from = ["phase"]', "expected antennas, beams or assignment beside"),
        ("beams = [1, 2]", 'inside = ["r2:2"]', "kind one_plane takes antennas"),
        ('kind = "one_plane"', 'kind = "gate"', "kind = 'gate'"),
        ('antennas = ["r2:1"]', "antennas = []", r"antennas = \[\], expected at least one"),
        ('neighbours = ["dock-2"]', "beams = [1, 2]", "expected with antennas in one plane only"),
        ('neighbours = ["dock-2"]', 'direction_from = ["assignment"]', "expected antennas among them"),
        ('neighbours = ["dock-2"]', "post_at = 0.4", r"hold_at = 0.5 is above post_at = 0.4"),
        ('neighbours = ["dock-2"]', "post_at = 1.5", "post_at = 1.5"),
        ('neighbours = ["dock-2"]', "colour = 1", "colour = 1"),
        ('inside_location = "STAGE-1"\n', "", "inside_location: Field required"),
        ('"@clearing/dock-1"', '"STAGE-1"', "expected two places"),
    ],
)
def test_a_contradictory_site_file_is_refused(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in DOCK
    path = written(tmp_path, DOCK.replace(before, after, 1))
    with pytest.raises(SiteFileError, match=message) as refused:
        load_portals(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[portal", "is not TOML"),
        ("[workflow]\nstaging = 'A'\n", "expected at least one"),
        ("portal = 3\n", "portal = 3"),
    ],
)
def test_a_file_without_portals_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SiteFileError, match=message):
        load_portals(written(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteFileError, match="cannot be read"):
        load_portals(tmp_path / "nowhere.toml")
