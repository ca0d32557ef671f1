"""A profile and what the reader can do in; what will be set, and all that does not fit, out; pure."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple, TypeVar

from edge_agent.readers.llrp.capabilities import Capabilities, ReaderRefusalError, RfMode
from edge_agent.readers.llrp.profile import Gate, LlrpProfile

_Answer = TypeVar("_Answer")

VENDOR_OF: Final = {"impinj": 25882, "zebra": 161}
"""IANA enterprise numbers, by the kind of a profile."""


class AntennaChoice(NamedTuple):
    """What one antenna will be set to."""

    port: int
    asked_dbm: float | None
    """None asks for the most there is."""
    power_index: int
    power_dbm: float
    """Of the table's entry: never above what is asked."""
    session: int


class Choice(NamedTuple):
    """All that a ROSpec says."""

    antennas: tuple[AntennaChoice, ...]
    mode: RfMode
    tari_ns: int
    sensitivity_index: int
    by_state: bool
    """Singulate by the tags' state."""
    hop_table_id: int
    channel_index: int
    gate: Gate | None


class Fit(NamedTuple):
    """Whether a profile and a reader go together."""

    choice: Choice | None
    """None if they do not."""
    mismatches: tuple[str, ...]
    """Each names what is asked and what there is."""


def choose(profile: LlrpProfile, can: Capabilities) -> Fit:
    """Hold a profile against a reader.

    Args:
        profile: How the reader is to be run.
        can: What it can do.

    Returns:
        What will be set, or every reason why nothing can be.
    """
    radio, faults = profile.radio, list(_faults(profile, can))

    def ask(question: Callable[[], _Answer]) -> _Answer | None:
        try:
            return question()
        except ReaderRefusalError as error:
            faults.append(str(error))
            return None

    exceptions = sorted({int(port) for port in (*radio.power_dbm_by_antenna, *radio.session_by_antenna)})
    ports = ask(lambda: can.ports(radio.antennas)) or ()
    if ports:
        ask(lambda: can.ports(exceptions))
    powers = {}
    for port in dict.fromkeys((*ports, *exceptions)):
        power = ask(partial(_power, profile, can, port))
        if power is not None:
            powers[port] = power
    mode = ask(lambda: can.rf_mode(radio.mode_index))
    tari_ns = None if mode is None else ask(lambda: _tari_ns(profile, mode))
    if faults or mode is None or tari_ns is None:
        return Fit(None, tuple(faults))
    hop_table_id = can.hop_table_id
    choice = Choice(
        antennas=tuple(powers[port] for port in ports),
        mode=mode,
        tari_ns=tari_ns,
        sensitivity_index=radio.sensitivity_index,
        by_state=profile.quirks.state_aware and can.is_state_aware,
        hop_table_id=hop_table_id,
        channel_index=0 if hop_table_id else 1,
        gate=radio.gate,
    )
    return Fit(choice, ())


def _faults(profile: LlrpProfile, can: Capabilities) -> Iterator[str]:
    radio, expected = profile.radio, VENDOR_OF.get(profile.kind)
    if expected is not None and can.vendor != expected:
        yield f"profile {profile.name!r} is for vendor {expected}, this reader's is {can.vendor}"
    if radio.sensitivity_index and radio.sensitivity_index not in can.sensitivities:
        yield (
            f"sensitivity_index = {radio.sensitivity_index}: expected one of {sorted(can.sensitivities)}, "
            "the reader's table"
        )
    gate = radio.gate
    if gate is not None:
        for name, port in (("start_gpi", gate.start_gpi), ("stop_gpi", gate.stop_gpi)):
            if port is not None and port > can.inputs:
                yield f"gate.{name} = {port}: the reader has {can.inputs} inputs"


def _power(profile: LlrpProfile, can: Capabilities, port: int) -> AntennaChoice:
    radio = profile.radio
    asked_dbm = radio.power_dbm_by_antenna.get(str(port), radio.power_dbm)
    index = can.power_index(port, asked_dbm)
    session = radio.session_by_antenna.get(str(port), radio.session)
    return AntennaChoice(port, asked_dbm, index, can.power_dbm[index], session)


def _tari_ns(profile: LlrpProfile, mode: RfMode) -> int:
    asked_ns = profile.radio.tari_ns
    if asked_ns is None:
        return mode.max_tari_ns
    if asked_ns and not mode.min_tari_ns <= asked_ns <= mode.max_tari_ns:
        raise ReaderRefusalError(
            f"tari_ns = {asked_ns}: expected 0 or {mode.min_tari_ns} to {mode.max_tari_ns}, "
            f"as mode {mode.mode_index} has"
        )
    return asked_ns
