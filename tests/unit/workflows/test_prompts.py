"""What displays say: every prompt in every language, and what a person's badge chooses."""

import ast
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import edge_agent.workflows
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.kinds import Workflow
from edge_agent.workflows.prompts import LANGUAGES, catalogue_of, in_ascii, say

FOREIGN = [language for language in LANGUAGES if language != "en"]


def templates() -> Iterator[str]:
    """Give each template that stands in the workflows' code."""
    for path in Path(edge_agent.workflows.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                template = node.args[0]
                assert isinstance(template, ast.Constant)
                yield template.value


def fields(template: str) -> list[str]:
    return sorted(f"{name}!{how}" for _, name, _, how in string.Formatter().parse(template) if name)


def literal(template: str) -> str:
    return "".join(text for text, *_ in string.Formatter().parse(template))


@pytest.mark.parametrize("language", FOREIGN)
def test_a_catalogue_says_every_prompt_and_every_kind_of_work_with_the_same_values(language: str) -> None:
    catalogue = catalogue_of(language)
    worded = {text for text in templates() if any(map(str.isalpha, literal(text)))}
    words = {str(workflow) for workflow in Workflow}
    assert set(catalogue) == worded | words
    for template in worded:
        assert fields(catalogue[template]) == fields(template), template


def test_a_badge_chooses_the_language_and_records_stay_in_english(bench: Any) -> None:
    badges = tuple(badge.model_copy(update={"language": "de"}) for badge in bench.engine.site.badges)
    bench.engine = replace(bench.engine, site=bench.engine.site.model_copy(update={"badges": badges}))
    feedback = bench.scan("$MOVE", "85123A")
    assert feedback.signal is Signal.REFUSAL
    said = feedback.prompt.said_in(bench.engine.language_of(bench.state))
    assert said.startswith("place_required: Umlagern:")
    assert bench.records[-1].note.startswith("move: scan the bin")
    bench.scan("$LOGOUT")
    assert bench.engine.language_of(bench.state) == "en"


def test_a_language_that_nobody_translated_is_english_and_ascii_displays_lose_marks_only() -> None:
    assert say("from {place}", place="A-01").said_in("fi") == "from A-01"
    assert in_ascii("Größe, ścieżka, ¿qué?") == "Grosse, sciezka, que?"
