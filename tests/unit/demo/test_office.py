"""Desk work that fails is told at the end of the demonstration, unless somebody ended it before its time."""

from pathlib import Path

from cloud.local.demo.office import Desk
from cloud.local.stack import Stack
from cloud.settings import Settings


def desk(folder: Path) -> Desk:
    """At a stack that was never started: there is no database to work with."""
    return Desk(Stack(Settings(data_dir=folder), config=None, report=lambda _text: None), seed=1)


def test_what_failed_is_said_and_nothing_is_said_of_work_that_was_cut_short(tmp_path: Path) -> None:
    failing, ended = desk(tmp_path), desk(tmp_path)
    ended.cut_short()
    for each in (failing, ended):
        each.begin()
    assert "app_dsn is not set" in (failing.wait(lambda: None) or "")
    assert failing.has_counted, "nobody waits for bins that nobody names"
    assert ended.wait(lambda: None) is None
    assert desk(tmp_path).wait(lambda: None) is None
