"""Site files: shipped examples are valid, and a rule that could guess is refused when it is read."""

import tomllib
from contextlib import nullcontext
from importlib.resources import files
from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent.decode.barcode import decode_barcode
from edge_agent.workflows.labels import ItemLabel, PlaceLabel, read_label
from edge_agent.workflows.language import CommandError, parse_command
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.site import WorkflowSettings

MINIMAL: dict[str, Any] = {"staging": "STAGING", "returns": "RETURNS", "badge_required": False}
EXAMPLES = sorted(
    entry.name for entry in files("firmware_configs.sites").iterdir() if entry.name.endswith(".toml")
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_shipped_site_file_is_valid(name: str) -> None:
    text = (files("firmware_configs.sites") / name).read_text(encoding="utf-8")
    assert WorkflowSettings.model_validate(tomllib.loads(text)["workflow"]).badges


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item_pattern": "["}, "not a regular expression"),
        ({"item_pattern": "(a)(b)"}, "one group"),
        ({"item_pattern": "(?P<item>a)"}, "one group"),
        ({"location_pattern": "A?"}, "empty text"),
        ({"item_pattern": r"\$.+"}, "command barcodes"),
        ({"staging": "@supplier"}, "virtual accounts"),
        ({"gln": "123"}, "string_pattern_mismatch|should match"),
        ({"badge_required": True}, "nobody could log in"),
        ({"idle_logout_s": 5}, "greater than or equal to 30"),
        ({"item_patern": "x"}, "extra_forbidden|not permitted"),
    ],
)
def test_a_rule_that_could_guess_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        WorkflowSettings.model_validate(MINIMAL | change)


def test_a_label_that_two_patterns_claim_is_refused() -> None:
    site = WorkflowSettings.model_validate(
        MINIMAL | {"item_pattern": "[A-Z0-9-]+", "location_pattern": "A-.+"}
    )
    with pytest.raises(RefusedError) as refused:
        read_label(decode_barcode("]C0A-01"), site)
    assert refused.value.refusal is Refusal.AMBIGUOUS


def test_the_marked_part_of_a_label_is_its_code() -> None:
    site = WorkflowSettings.model_validate(
        MINIMAL | {"item_pattern": "SKU:(?P<code>.+)", "location_pattern": "BIN:(?P<code>.+)"}
    )
    item = read_label(decode_barcode("]C0SKU:7-x"), site)
    assert isinstance(item, ItemLabel)
    assert (item.identifier.scheme, item.identifier.value) == ("local", "7-x")
    assert read_label(decode_barcode("]C0BIN:A-01"), site) == PlaceLabel("A-01")


@pytest.mark.parametrize("pattern", ["item_pattern", "location_pattern"])
@pytest.mark.parametrize(("text", "is_taken"), [("A" * 128, True), ("A" * 129, False)])
def test_a_label_longer_than_any_record_may_hold_is_refused(
    pattern: str, text: str, *, is_taken: bool
) -> None:
    site = WorkflowSettings.model_validate(MINIMAL | {pattern: "A+"})
    decoded = decode_barcode(f"]C0{text}")
    with nullcontext() if is_taken else pytest.raises(RefusedError, match="longer than 128"):
        read_label(decoded, site)


def test_a_label_cannot_name_a_virtual_account() -> None:
    site = WorkflowSettings.model_validate(MINIMAL | {"location_pattern": ".+"})
    with pytest.raises(RefusedError, match="account"):
        read_label(decode_barcode("]C0@customer"), site)


def test_a_site_without_patterns_takes_no_label_of_its_own() -> None:
    with pytest.raises(RefusedError, match="no label of this site"):
        read_label(decode_barcode("]C0A-01"), WorkflowSettings.model_validate(MINIMAL))


def test_element_strings_without_a_key_name_no_item() -> None:
    with pytest.raises(RefusedError):
        read_label(decode_barcode("]C110LOT7"), WorkflowSettings.model_validate(MINIMAL))


@pytest.mark.parametrize(
    "text", ["$", "$qty/3", "$QTY", "$QTY/", "$QTY/1.1234567", "$LINE/0", "$SHIP/" + "x" * 65]
)
def test_a_malformed_command_says_what_was_expected(text: str) -> None:
    with pytest.raises(CommandError, match="command"):
        parse_command(text)
