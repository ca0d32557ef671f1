"""A command imports what its area needs; help and mistakes know all of them."""

import argparse
from importlib import import_module

import pytest

from cloud.cli import AREAS, _command, build_parser


def test_areas_add_the_commands_they_are_listed_with() -> None:
    for area, commands in AREAS.items():
        subparsers = argparse.ArgumentParser().add_subparsers()
        import_module(area).add_commands(subparsers)
        assert tuple(subparsers.choices) == commands, area


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ingest -h", "ingest"),
        ("--data-dir local --config=a verify --json", "verify"),
        ("-h ingest", None),
        ("--unknown ingest", None),
        ("--data-dir", None),
        ("", None),
    ],
)
def test_the_command_is_the_first_word_that_is_no_option_of_ours(words: str, found: str | None) -> None:
    assert _command(words.split()) == found


@pytest.mark.parametrize("command", ["verify", None, "unheard-of"])
def test_a_parser_knows_the_area_of_its_command_or_all(command: str | None) -> None:
    told = build_parser(command).format_help()
    assert "verify" in told
    assert ("webhooks" in told) == (command != "verify")
