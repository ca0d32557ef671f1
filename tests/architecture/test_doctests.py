"""Examples in docstrings are run."""

import doctest
import importlib

import pytest

from tests.architecture.test_shape import OURS

WITH_EXAMPLES = [
    str(module).removesuffix(".py").replace("/", ".") for module in OURS if ">>> " in module.source
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.failed == 0
    assert outcome.attempted > 0
