"""Tags on their way into reports (14.2): found tags in, batches that are due out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from simulators.llrp_reader.element import Element
from simulators.llrp_reader.report import Observation, Origin, ReportFields
from simulators.llrp_reader.vocabulary import ROReportTriggerType

_MOST_TIMES: Final = 0xFFFF
"""TagSeenCount has 16 bits, and a reader's counter stays there."""
_STANDARD: Final = {
    "EnableROSpecID": "ro_spec_id",
    "EnableSpecIndex": "spec_index",
    "EnableInventoryParameterSpecID": "inventory_parameter_spec_id",
    "EnableAntennaID": "antenna_id",
    "EnableChannelIndex": "channel_index",
    "EnablePeakRSSI": "peak_rssi",
    "EnableFirstSeenTimestamp": "first_seen_timestamp",
    "EnableLastSeenTimestamp": "last_seen_timestamp",
    "EnableTagSeenCount": "tag_seen_count",
    "EnableAccessSpecID": "access_spec_id",
}
_IMPINJ: Final = {
    "ImpinjEnableRFPhaseAngle": ("RFPhaseAngleMode", "impinj_phase_angle"),
    "ImpinjEnablePeakRSSI": ("PeakRSSIMode", "impinj_peak_rssi"),
    "ImpinjEnableRFDopplerFrequency": ("RFDopplerFrequencyMode", "impinj_doppler_frequency"),
}


def fields_of(report_spec: Element) -> ReportFields:
    """Read what a client wants to be told of each tag.

    Args:
        report_spec: ROReportSpec, perhaps with Impinj's selector in it.

    Returns:
        The fields.
    """
    selector = report_spec.one("TagReportContentSelector")
    wanted = {field: bool(selector.number(name)) for name, field in _STANDARD.items()}
    for memory in selector.all("C1G2EPCMemorySelector"):
        wanted |= {"crc": bool(memory.number("EnableCRC")), "pc_bits": bool(memory.number("EnablePCBits"))}
    for special in report_spec.all("ImpinjTagReportContentSelector"):
        for enabling in special.parameters:
            mode, field_name = _IMPINJ.get(enabling.name, ("", ""))
            if field_name:
                wanted[field_name] = bool(enabling.number(mode))
    return ReportFields(**wanted)


@dataclass(slots=True)
class Batch:
    """Tags of one report."""

    observations: list[Observation]
    fields: ReportFields
    origin: Origin


@dataclass
class TagBuffer:
    """Collects tags until their report is due; one entry for a tag, antenna and channel, as readers do."""

    capacity: int
    overflowed: int = 0
    """Tags that found no room."""
    has_warned: bool = False
    """The client was told that it fills; cleared when it empties."""
    _kept: dict[tuple[object, ...], tuple[Observation, ReportFields, Origin]] = field(default_factory=dict)

    @property
    def percent_full(self) -> int:
        """How much of the room is taken."""
        return 100 * len(self._kept) // self.capacity

    def add(self, observations: Sequence[Observation], origin: Origin, report_spec: Element) -> list[Batch]:
        """Take tags.

        Args:
            observations: As they were found.
            origin: By which specs.
            report_spec: When and what to report.

        Returns:
            The reports that are due.
        """
        fields = fields_of(report_spec)
        trigger, batch_size = report_spec.number("ROReportTrigger"), report_spec.number("N")
        if trigger != ROReportTriggerType.None_ and batch_size == 1:
            return [*self.flush(), *(Batch([each], fields, origin) for each in observations)]
        due: list[Batch] = []
        for each in observations:
            key = (origin, fields, each.epc, each.epc_bits, each.antenna, each.channel)
            known = self._kept.get(key)
            if known is None and len(self._kept) >= self.capacity:
                self.overflowed += 1
                continue
            self._kept[key] = (each if known is None else _merged(known[0], each), fields, origin)
            if trigger != ROReportTriggerType.None_ and len(self._kept) == batch_size:
                due += self.flush()
        return due

    def flush(self) -> list[Batch]:
        """Report all that is there.

        Returns:
            A batch for each spec that found tags.
        """
        batches: dict[tuple[ReportFields, Origin], Batch] = {}
        for each, fields, origin in self._kept.values():
            batches.setdefault((fields, origin), Batch([], fields, origin)).observations.append(each)
        self._kept.clear()
        self.has_warned = False
        return list(batches.values())


def _merged(first: Observation, later: Observation) -> Observation:
    return first._replace(
        rssi_dbm=max(first.rssi_dbm, later.rssi_dbm),
        phase_deg=later.phase_deg,
        doppler_hz=later.doppler_hz,
        times=min(_MOST_TIMES, first.times + later.times),
        last_us=later.at_us if later.last_us is None else later.last_us,
    )
