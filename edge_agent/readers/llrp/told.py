"""What was found at a reader in, lines for people or one object for programs out; pure."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from edge_agent.readers.llrp.capabilities import Capabilities
from edge_agent.readers.llrp.check import Checked
from edge_agent.readers.llrp.choice import Choice
from edge_agent.readers.llrp.profile import Gate, LlrpProfile
from edge_agent.readers.llrp.session import BUSY

_VENDORS: Final = {25882: "Impinj", 161: "Zebra (Motorola)", 26554: "ThingMagic"}
_SEARCH: Final = {1: "single target", 2: "dual target"}


def told(checked: Checked) -> Iterator[str]:
    """Write a report.

    Args:
        checked: What was found.

    Yields:
        Lines.
    """
    host, port = checked.address
    profile = checked.profile
    yield f"reader   {checked.reader} at {host}:{port}, profile {profile.name} ({profile.rung})"
    if checked.pin is not None:
        yield f"  certificate  SHA-256 {checked.pin} (to believe just this one: tls_pin)"
    if checked.can is not None:
        yield from _can(checked.can)
    yield "asks"
    yield from (f"  {name:21}{value}" for name, value in _asks(profile))
    if checked.fit is not None and checked.fit.choice is not None:
        yield "sets" if checked.was_tried else "would set"
        yield from (f"  {name:21}{value}" for name, value in _sets(profile, checked.fit.choice))
    yield from _verdict(checked)


def as_json_object(checked: Checked) -> dict[str, Any]:
    """Write the same for programs.

    Args:
        checked: What was found.

    Returns:
        An object of JSON's kinds.
    """
    can, fit = checked.can, checked.fit
    choice = fit.choice if fit is not None else None
    return {
        "reader": checked.reader,
        "address": "{}:{}".format(*checked.address),
        "profile": checked.profile.name,
        "is_well": checked.is_well,
        "certificate_sha256": checked.pin,
        "can": None if can is None else _can_object(can),
        "asks": dict(_asks(checked.profile)),
        "sets": None
        if choice is None
        else {
            "antennas": [each._asdict() for each in choice.antennas],
            "rospec": dict(_sets(checked.profile, choice)),
        },
        "was_tried": checked.was_tried,
        "mismatches": list(fit.mismatches) if fit is not None else [],
        "refusal": checked.refusal,
    }


def _can_object(can: Capabilities) -> dict[str, Any]:
    return {
        "vendor": can.vendor,
        "model": can.model,
        "firmware": can.firmware,
        "antennas": can.antennas,
        "inputs": can.inputs,
        "outputs": can.outputs,
        "has_utc_clock": can.has_utc_clock,
        "is_state_aware": can.is_state_aware,
        "country": can.country,
        "hop_table_id": can.hop_table_id,
        "channels": can.channels,
        "most_rospecs": can.most_rospecs,
        "power_dbm": {str(index): dbm for index, dbm in can.power_dbm.items()},
        "rf_modes": [asdict(mode) for mode in can.rf_modes],
        "sensitivities": sorted(can.sensitivities),
    }


def _can(can: Capabilities) -> Iterator[str]:
    powers = can.power_dbm.values()
    yield "can"
    yield f"  make                 {_VENDORS.get(can.vendor, 'vendor')} {can.vendor}, model {can.model}"
    yield f"  firmware             {can.firmware}"
    yield f"  ports                {can.antennas} antennas, {can.inputs} inputs, {can.outputs} outputs"
    if powers:
        yield f"  power                {min(powers):g} to {max(powers):g} dBm in {len(powers)} entries"
    for mode in can.rf_modes:
        tari = f"Tari {mode.min_tari_ns} to {mode.max_tari_ns} ns"
        yield f"  RF mode {mode.mode_index:<13}{mode.backscatter_bps} bit/s, {tari}"
    yield f"  sensitivities        {len(can.sensitivities)} entries"
    channels = f"hop table {can.hop_table_id}" if can.hop_table_id else "fixed frequencies"
    yield f"  channels             {can.channels}, {channels}, country {can.country}"
    yield f"  clock                {'UTC' if can.has_utc_clock else 'none: uptime, mapped to UTC by arrival'}"
    yield f"  state-aware          {'yes' if can.is_state_aware else 'no'}"
    yield f"  ROSpecs              {can.most_rospecs} at most"


def _asks(profile: LlrpProfile) -> Iterator[tuple[str, str]]:
    radio = profile.radio
    yield "antennas", ", ".join(map(str, radio.antennas)) or "all"
    yield "power", "the most there is" if radio.power_dbm is None else f"{radio.power_dbm:g} dBm"
    for port, dbm in radio.power_dbm_by_antenna.items():
        yield f"power of antenna {port}", f"{dbm:g} dBm"
    yield "session", str(radio.session)
    for port, session in radio.session_by_antenna.items():
        yield f"session of antenna {port}", str(session)
    yield "RF mode", "the table's first" if radio.mode_index is None else str(radio.mode_index)
    yield "gate", _gate(radio.gate)


def _sets(profile: LlrpProfile, choice: Choice) -> Iterator[tuple[str, str]]:
    for each in choice.antennas:
        yield (
            f"antenna {each.port}",
            f"TransmitPower index {each.power_index} = {each.power_dbm:g} dBm, session {each.session}",
        )
    yield (
        "C1G2RFControl",
        f"ModeIndex {choice.mode.mode_index}, Tari {choice.tari_ns} ns",
    )
    yield "RFTransmitter", f"HopTableID {choice.hop_table_id}, ChannelIndex {choice.channel_index}"
    yield "RFReceiver", f"ReceiverSensitivity {choice.sensitivity_index}"
    yield "TagPopulation", str(profile.radio.tag_population)
    yield "state-aware", "yes, target A" if choice.by_state else "no"
    yield "triggers", _gate(choice.gate)
    yield "reports", "each read at once: antenna, channel, RSSI, first and last time, count"
    yield "keepalive", f"{profile.keepalive_s:g} s"
    if profile.impinj:
        mode = profile.impinj.search_mode
        yield "Impinj", f"InventorySearchMode {mode} ({_SEARCH.get(mode, 'see the manual')})"
        wanted = {"phase": profile.impinj.phase, "fine RSSI": profile.impinj.fine_rssi}
        wanted["Doppler"] = profile.impinj.doppler
        yield "Impinj reports", ", ".join(name for name, is_on in wanted.items() if is_on) or "nothing"
    if profile.zebra:
        yield "Zebra", "MotoAntennaQueryConfig EnableABFlip" if profile.zebra.flip_target else "no A/B flip"
        yield "Zebra reports", "phase" if profile.zebra.phase else "nothing"


def _gate(gate: Gate | None) -> str:
    if gate is None:
        return "none: the carrier is always on"
    start = f"starts when input {gate.start_gpi} goes {_level(is_high=gate.start_high)}"
    stops = []
    if gate.stop_gpi is not None:
        stops.append(f"when input {gate.stop_gpi} goes {_level(is_high=gate.stop_high)}")
    if gate.stop_after_s is not None:
        stops.append(f"after {gate.stop_after_s:g} s")
    return f"{start}, stops {' or '.join(stops)}"


def _level(*, is_high: bool) -> str:
    return "high" if is_high else "low"


def _verdict(checked: Checked) -> Iterator[str]:
    mismatches = checked.fit.mismatches if checked.fit is not None else ()
    for each in mismatches:
        yield f"MISMATCH {each}"
    if checked.refusal is not None:
        yield f"REFUSED  {checked.refusal}"
        if BUSY in checked.refusal:
            yield "         it serves one client: stop the agent, or whoever else is connected"
    if checked.is_well:
        judged = "the reader takes this ROSpec" if checked.was_tried else "it fits the reader's tables"
        yield f"OK       {judged}"
