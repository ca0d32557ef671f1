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

_LOW: Final = 0
_HIGH: Final = 1


class Reading(NamedTuple):
    """What is known when the inventory runs."""

    can: Capabilities
    inputs: Mapping[int, bool]
    """Levels by port, where the reader knows them."""


Setup = Generator[Request, Mapping[str, Any], Reading]


def set_up(profile: LlrpProfile, outputs: Mapping[int, bool]) -> Setup:
    """Bring a reader to read.

    Args:
        profile: How it is to be run.
        outputs: What its outputs were last set to, by port.

    Yields:
        Requests; each wants to be sent the decoded answer.

    Returns:
        What the reader can do, and its inputs.

    Raises:
        ReaderRefusalError: If it refuses a request, or cannot do what the profile asks; with its words.
    """
    can = yield from ask_capabilities(profile)
    spec = add_rospec(profile, can)
    yield from scrub()
    yield from _accepted(requests.configure(keepalive_s=profile.keepalive_s, inputs=can.inputs))
    for port, on in outputs.items():
        yield from _accepted(requests.write_output(port, on=on))
    inputs = (yield from _ask_inputs()) if can.inputs else {}
    yield from _accepted(spec)
    yield from _accepted(requests.of_spec("ENABLE_ROSPEC", ROSPEC_ID))
    gate = profile.radio.gate
    if gate is not None:
        # An input that has changed already will not change to the level it has: asked after enabling.
        inputs = yield from _ask_inputs()
        if inputs.get(gate.start_gpi) is gate.start_high:
            yield from _accepted(requests.of_spec("START_ROSPEC", ROSPEC_ID))
    return Reading(can, inputs)


def try_out(profile: LlrpProfile) -> Generator[Request, Mapping[str, Any], None]:
    """Let a reader that does not read judge a profile's ROSpec, without radiating; nothing is left behind.

    Args:
        profile: That fits its capabilities.

    Yields:
        Requests; each wants to be sent the decoded answer.

    Raises:
        ReaderRefusalError: If it refuses one; with its words.
    """
    can = yield from ask_capabilities(profile)
    spec = add_rospec(profile, can)
    yield from scrub()
    yield from _accepted(requests.configure(keepalive_s=profile.keepalive_s, inputs=can.inputs))
    yield from _accepted(spec)
    yield from _accepted(requests.of_spec("DELETE_ROSPEC", ROSPEC_ID))


def ask_capabilities(profile: LlrpProfile) -> Generator[Request, Mapping[str, Any], Capabilities]:
    """Ask a reader what it can do; changes nothing in it.

    Args:
        profile: Says whose extensions are wanted.

    Yields:
        Requests; each wants to be sent the decoded answer.

    Returns:
        What it can do.

    Raises:
        ReaderRefusalError: If it refuses, or is of another make.
    """
    if profile.impinj:
        yield from _accepted(requests.enable_impinj_extensions())
    return parse_capabilities((yield from _accepted(requests.get_capabilities())))


def scrub() -> Generator[Request, Mapping[str, Any], None]:
    """Remove what others left.

    Yields:
        Requests, whose answers do not matter.
    """
    for name in SCRUB:
        yield requests.of_spec(name)


def _ask_inputs() -> Generator[Request, Mapping[str, Any], dict[int, bool]]:
    levels = yield requests.get_inputs()
    return _levels_by_port(levels.get("GPIPortCurrentState", ()))


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
