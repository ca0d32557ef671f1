"""What is said between connecting and reading: requests out, answers in, one after the other; pure.

What others left in the reader is removed first: a still-enabled AccessSpec refuses to be deleted, so all are
disabled before. Then the reader gets its keepalives, its events and one complete ROSpec.
"""

from collections.abc import Generator, Iterable, Mapping
from typing import Any, Final, NamedTuple

from edge_agent.readers.llrp import requests
from edge_agent.readers.llrp.capabilities import Capabilities, ReaderRefusalError, parse_capabilities
from edge_agent.readers.llrp.profile import LlrpProfile
from edge_agent.readers.llrp.requests import Request
from edge_agent.readers.llrp.rospec import ROSPEC_ID, add_rospec

SCRUB: Final = ("DISABLE_ACCESSSPEC", "DELETE_ACCESSSPEC", "DISABLE_ROSPEC", "DELETE_ROSPEC")
"""A reader that has nothing to remove may refuse; one that keeps something refuses the ROSpec later."""

_VENDOR_OF: Final = {"impinj": requests.IMPINJ, "zebra": requests.ZEBRA}
_LOW: Final = 0
_HIGH: Final = 1


class Reading(NamedTuple):
    """What is known when the inventory runs."""

    can: Capabilities
    inputs: Mapping[int, bool]
    """Levels by port, where the reader knows them."""


Setup = Generator[Request, Mapping[str, Any], Reading]


def set_up(
    profile: LlrpProfile, power_dbm_by_antenna: Mapping[int, float], outputs: Mapping[int, bool]
) -> Setup:
    """Bring a reader to read.

    Args:
        profile: How it is to be run.
        power_dbm_by_antenna: Exceptions from the profile's power.
        outputs: What its outputs were last set to, by port.

    Yields:
        Requests; each wants to be sent the decoded answer.

    Returns:
        What the reader can do, and its inputs.

    Raises:
        ReaderRefusalError: If it refuses a request, or cannot do what the profile asks; with its words.
    """
    if profile.impinj:
        yield from _accepted(requests.enable_impinj_extensions())
    can = parse_capabilities((yield from _accepted(requests.get_capabilities())))
    expected = _VENDOR_OF.get(profile.kind)
    if expected is not None and can.vendor != expected:
        raise ReaderRefusalError(
            f"profile {profile.name!r} is for vendor {expected}, this reader's is {can.vendor}"
        )
    for name in SCRUB:
        yield requests.of_spec(name)
    yield from _accepted(requests.configure(keepalive_s=profile.keepalive_s, inputs=can.inputs))
    for port, on in outputs.items():
        yield from _accepted(requests.write_output(port, on=on))
    levels = (yield requests.get_inputs()) if can.inputs else {}
    inputs = _levels_by_port(levels.get("GPIPortCurrentState", ()))
    yield from _accepted(add_rospec(profile, can, power_dbm_by_antenna))
    yield from _accepted(requests.of_spec("ENABLE_ROSPEC", ROSPEC_ID))
    return Reading(can, inputs)


def _levels_by_port(states: Iterable[Mapping[str, Any]]) -> dict[int, bool]:
    """Read levels; a third value says that the reader does not know one."""
    return {
        state["GPIPortNum"]: state["GPIState"] == _HIGH
        for state in states
        if state.get("GPIState") in {_LOW, _HIGH}
    }


def _accepted(request: Request) -> Generator[Request, Mapping[str, Any], Mapping[str, Any]]:
    answer = yield request
    check_status(request.name, answer)
    return answer


def check_status(name: str, answer: Mapping[str, Any]) -> None:
    """Make sure that a request was accepted.

    Args:
        name: Of the request.
        answer: Decoded.

    Raises:
        ReaderRefusalError: If not; with the reader's words.
    """
    status = answer.get("LLRPStatus", {})
    if status.get("StatusCode") != "Success":
        raise ReaderRefusalError(f"{name} refused: {'; '.join(_words(status))}")


def _words(status: Mapping[str, Any]) -> Generator[str]:
    text = status.get("ErrorDescription", b"").decode("utf-8", "replace").strip()
    yield str(status.get("StatusCode") or status.get("ErrorCode") or "a status unknown to LLRP 1.0.1")
    if text:
        yield repr(text)
    if "FieldError" in status:
        field = status["FieldError"]
        yield f"field {field.get('FieldNum')}: {field.get('ErrorCode')}"
    if "ParameterError" in status:
        inner = status["ParameterError"]
        yield f"parameter {inner.get('ParameterType')}"
        yield from _words(inner)
