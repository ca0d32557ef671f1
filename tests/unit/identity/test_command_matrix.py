"""Every service command for every role: refused before it touches anything, or let past.

Commands are found by their `actor` argument; one that is missing here fails the suite.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cloud
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.domain import Grant, actor_of
from tests.unit.identity.arguments import OTHER, OWN, arguments
from tests.unit.identity.command_rights import BY_SITE_ONLY, COMMANDS, NETWORK_WIDE, PLUMBING


def commands() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in pkgutil.walk_packages(cloud.__path__, "cloud."):
        if module.name.endswith("__main__"):
            continue
        for name, found in vars(importlib.import_module(module.name)).items():
            if inspect.isfunction(found) and found.__module__ == module.name and not name.startswith("_"):
                actor = inspect.signature(found).parameters.get("actor")
                if actor is not None and actor.annotation in (Actor, "Actor"):
                    yield f"{module.name}.{name}".removeprefix("cloud."), found


FOUND = dict(commands())


def test_every_command_is_in_the_matrix() -> None:
    assert set(FOUND) == {*COMMANDS, *BY_SITE_ONLY, *PLUMBING}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_lets_past_whom_the_matrix_names_and_nobody_else(name: str) -> None:
    wrong = [
        f"{role} {place}: {'let past' if passed else 'refused'}"
        for role in Role
        for place, grant in (("own", Grant(role, OWN)), ("other", Grant(role, OTHER)), ("all", Grant(role)))
        if (passed := is_let_past(name, actor_of("user:x", [grant]))) != may(name, role, place)
    ]
    assert not wrong
    assert not is_let_past(name, actor_of("user:nobody", []))


def may(name: str, role: Role, place: str) -> bool:
    if role not in COMMANDS[name]:
        return False
    if name in NETWORK_WIDE:
        return place == "all"
    return place != "other" or not names_a_site(name)


def names_a_site(name: str) -> bool:
    return bool(
        {"site", "movement", "wanted", "paper", "papers"} & set(inspect.signature(FOUND[name]).parameters)
    )


def is_let_past(name: str, actor: Actor) -> bool:
    """Call a command without a database: whoever is let past fails on that, the others before."""
    try:
        FOUND[name](None, actor, **arguments(FOUND[name]))
    except NotAllowedError:
        return False
    except (AttributeError, TypeError, ValueError):
        return True
    raise AssertionError(f"{name} did its work without a connection")
