"""Why a scan is refused: a stable code for counters and catalogues, a text for the person at the scanner."""

from enum import StrEnum

from edge_agent.workflows.prompts import Prompt


class Refusal(StrEnum):
    """Reasons, as they stand in ``workflow_event.outcome``."""

    BAD_CODE = "bad_code"
    BAD_COMMAND = "bad_command"
    UNKNOWN_CODE = "unknown_code"
    AMBIGUOUS = "ambiguous"
    FOREIGN_PLACE = "foreign_place"
    BADGE_REQUIRED = "badge_required"
    BADGE_UNKNOWN = "badge_unknown"
    PIN_WRONG = "pin_wrong"
    PIN_BLOCKED = "pin_blocked"
    NO_WORKFLOW = "no_workflow"
    PLACE_REQUIRED = "place_required"
    PLACE_NOT_EXPECTED = "place_not_expected"
    SAME_PLACE = "same_place"
    UNIT_NOT_EXPECTED = "unit_not_expected"
    UNIT_REQUIRED = "unit_required"
    REASON_UNKNOWN = "reason_unknown"
    NOTHING_IS_MADE = "nothing_is_made"
    RECIPE_UNKNOWN = "recipe_unknown"
    ALREADY_CARRIED = "already_carried"
    QUANTITY_TWICE = "quantity_twice"
    QUANTITY_OF_ONE = "quantity_of_one"
    CARRYING_TOO_MUCH = "carrying_too_much"
    ALREADY_COUNTED = "already_counted"
    COUNTING_TOO_MUCH = "counting_too_much"
    ZERO_NOT_EXPECTED = "zero_not_expected"
    HALF_FINISHED = "half_finished"
    NO_TASK = "no_task"
    WRONG_PLACE = "wrong_place"
    WRONG_ITEM = "wrong_item"
    WRONG_LOT = "wrong_lot"
    TOO_MANY = "too_many"
    EXPIRED = "expired"
    EARLIER_LOT = "earlier_lot"
    NOTHING_TO_UNDO = "nothing_to_undo"
    NOTHING_TO_PRINT = "nothing_to_print"
    NO_PRINTER = "no_printer"
    NO_SERIALS = "no_serials"
    NOT_STORED = "not_stored"


class RefusedError(Exception):
    """A scan that changes nothing but is recorded."""

    def __init__(self, refusal: Refusal, prompt: Prompt) -> None:
        """Keep the stable reason beside the text.

        Args:
            refusal: The reason.
            prompt: Value, expectation and place.
        """
        super().__init__(str(prompt))
        self.refusal = refusal
        self.prompt = prompt
