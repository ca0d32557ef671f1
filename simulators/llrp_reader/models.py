"""What readers are like: the tables and limits of each make, and the answers to GET_READER_CAPABILITIES."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from simulators.llrp_reader.element import Element, element
from simulators.llrp_reader.parameter_table import IMPINJ_VENDOR_ID, ZEBRA_VENDOR_ID
from simulators.llrp_reader.vocabulary import GetReaderCapabilitiesRequestedData as Asked

AIR_PROTOCOL_C1G2: Final = 1
_USA, _GERMANY = 840, 276
_US_FCC_PART_15, _ETSI_302_208 = 1, 2
_FCC_KHZ: Final = tuple(902_750 + 500 * (7 * step % 50) for step in range(50))
"""Fifty channels in a hopping order."""
_ETSI_KHZ: Final = (865_700, 866_300, 866_900, 867_500)


class RfMode(NamedTuple):
    """A row of UHFC1G2RFModeTable (16.2.1.1.2)."""

    identifier: int
    divide_ratio: int
    miller: int
    """0 FM0, 1 to 3: Miller 2, 4, 8."""
    forward_link: int
    """0 PR-ASK, 1 SSB-ASK, 2 DSB-ASK."""
    spectral_mask: int
    backscatter_bps: int
    pie_milli: int
    tari_ns: tuple[int, int, int]
    """Least, greatest, step."""


@dataclass(frozen=True)
class ReaderModel:
    """One make of reader."""

    manufacturer: int
    """IANA private enterprise number."""
    model: int
    firmware: str
    vendors: frozenset[int]
    """Whose custom parameters it takes; others' make it refuse the message."""
    powers_cdbm: tuple[int, ...]
    """Transmit powers in 1/100 dBm; the index on the wire counts from 1."""
    modes: tuple[RfMode, ...]
    hops_khz: tuple[int, ...] = ()
    """Channels in hopping order; empty where the law wants a fixed channel."""
    channels_khz: tuple[int, ...] = ()
    """The fixed channels, else empty."""
    needs_hop_table: bool = False
    """Refuses HopTableID 0."""
    antennas: int = 4
    gpis: int = 4
    gpos: int = 4
    has_utc_clock: bool = True
    is_state_aware: bool = False
    """Can do tag-inventory-state-aware singulation."""
    has_gpis_enabled: bool = True
    """As it comes from the factory."""
    max_rospecs: int = 1
    max_accessspecs: int = 32
    max_filters: int = 2
    max_priority: int = 7
    sensitivities: int = 1
    """Rows of the table of receive sensitivities."""
    unacknowledged_keepalives: int = 5
    """So many in a row without an answer, and it drops the client."""
    report_buffer: int = 10_000
    """Tags that it keeps for a client that is away or slow."""


def _powers(low: int, high: int, step: int) -> tuple[int, ...]:
    return tuple(range(low, high + 1, step))


IMPINJ: Final = ReaderModel(
    manufacturer=IMPINJ_VENDOR_ID,
    model=2_001_007,
    firmware="8.4.1.240",
    vendors=frozenset({IMPINJ_VENDOR_ID}),
    powers_cdbm=_powers(1000, 3300, 25),
    modes=(
        RfMode(0, 1, 0, 2, 2, 640_000, 1500, (6250, 6250, 0)),
        RfMode(1, 1, 1, 2, 2, 640_000, 1500, (6250, 6250, 0)),
        RfMode(2, 1, 2, 0, 3, 274_000, 2000, (20_000, 20_000, 0)),
        RfMode(3, 1, 3, 0, 3, 170_600, 2000, (20_000, 20_000, 0)),
        RfMode(4, 1, 2, 0, 2, 640_000, 1500, (7140, 7140, 0)),
        RfMode(1000, 0, 0, 0, 0, 40_000, 1500, (6250, 6250, 0)),
        RfMode(1002, 0, 0, 0, 0, 40_000, 1500, (6250, 6250, 0)),
        RfMode(1003, 0, 0, 0, 0, 40_000, 1500, (6250, 6250, 0)),
        RfMode(1004, 0, 0, 0, 0, 40_000, 1500, (6250, 6250, 0)),
    ),
    hops_khz=_FCC_KHZ,
    has_gpis_enabled=False,
    max_accessspecs=1508,
    max_priority=1,
    sensitivities=42,
)
"""Hops by the rules of the FCC; reports phase, Doppler and a finer RSSI to those who ask."""

ZEBRA: Final = ReaderModel(
    manufacturer=ZEBRA_VENDOR_ID,
    model=96_008,
    firmware="3.21.23.0",
    vendors=frozenset({ZEBRA_VENDOR_ID}),
    powers_cdbm=_powers(1000, 3300, 10),
    modes=tuple(
        RfMode(21 + number, 0, miller, 0, 2, bps, pie, (6250, 25_000, step))
        for number, (miller, bps, pie, step) in enumerate(
            [(0, 60_000, 1500, 0), (0, 60_000, 2000, 0), (1, 60_000, 1500, 0), (2, 64_000, 2000, 2100)]
        )
    ),
    hops_khz=_FCC_KHZ,
    needs_hop_table=True,
    gpis=4,
    is_state_aware=True,
    max_accessspecs=32,
    sensitivities=1,
)
"""Wants its hop table named; singulates with state awareness."""

GENERIC: Final = ReaderModel(
    manufacturer=0,
    model=1,
    firmware="1.0.1",
    vendors=frozenset(),
    powers_cdbm=_powers(1000, 3000, 100),
    modes=(
        RfMode(1, 0, 2, 0, 2, 320_000, 2000, (6250, 25_000, 6250)),
        RfMode(2, 0, 1, 0, 2, 320_000, 1500, (12_500, 12_500, 0)),
    ),
    channels_khz=_ETSI_KHZ,
    max_rospecs=4,
)
"""The standard and nothing else, on the fixed channels of ETSI."""


def capabilities(model: ReaderModel, asked: int) -> tuple[Element, ...]:
    """Answer what the reader can do.

    Args:
        model: The make.
        asked: A value of GetReaderCapabilitiesRequestedData.

    Returns:
        The parameters of the response, without its status.
    """
    parts = {
        Asked.General_Device_Capabilities: _general,
        Asked.LLRP_Capabilities: _llrp,
        Asked.Regulatory_Capabilities: _regulatory,
        Asked.LLRP_Air_Protocol_Capabilities: _air_protocol,
    }
    return tuple(part(model) for kind, part in parts.items() if asked in {Asked.All, kind})


def _general(model: ReaderModel) -> Element:
    return element(
        "GeneralDeviceCapabilities",
        *(
            element("ReceiveSensitivityTableEntry", Index=index, ReceiveSensitivityValue=decibels)
            for index, decibels in enumerate([0, *range(10, 9 + model.sensitivities)], start=1)
        ),
        element("GPIOCapabilities", NumGPIs=model.gpis, NumGPOs=model.gpos),
        *(
            element("PerAntennaAirProtocol", AntennaID=antenna, ProtocolID=bytes((AIR_PROTOCOL_C1G2,)))
            for antenna in range(1, model.antennas + 1)
        ),
        MaxNumberOfAntennaSupported=model.antennas,
        CanSetAntennaProperties=0,
        HasUTCClockCapability=int(model.has_utc_clock),
        DeviceManufacturerName=model.manufacturer,
        ModelName=model.model,
        ReaderFirmwareVersion=model.firmware,
    )


def _llrp(model: ReaderModel) -> Element:
    return element(
        "LLRPCapabilities",
        CanDoRFSurvey=0,
        CanReportBufferFillWarning=1,
        SupportsClientRequestOpSpec=0,
        CanDoTagInventoryStateAwareSingulation=int(model.is_state_aware),
        SupportsEventAndReportHolding=1,
        MaxNumPriorityLevelsSupported=model.max_priority,
        ClientRequestOpSpecTimeout=0,
        MaxNumROSpecs=model.max_rospecs,
        MaxNumSpecsPerROSpec=32,
        MaxNumInventoryParameterSpecsPerAISpec=1,
        MaxNumAccessSpecs=model.max_accessspecs,
        MaxNumOpSpecsPerAccessSpec=8,
    )


def _regulatory(model: ReaderModel) -> Element:
    if model.hops_khz:
        tables = element("FrequencyHopTable", HopTableID=1, Frequency=model.hops_khz)
    else:
        tables = element("FixedFrequencyTable", Frequency=model.channels_khz)
    band = element(
        "UHFBandCapabilities",
        *(
            element("TransmitPowerLevelTableEntry", Index=index, TransmitPowerValue=power)
            for index, power in enumerate(model.powers_cdbm, start=1)
        ),
        element("FrequencyInformation", tables, Hopping=int(bool(model.hops_khz))),
        element("UHFC1G2RFModeTable", *map(_mode, model.modes)),
    )
    country, law = (_USA, _US_FCC_PART_15) if model.hops_khz else (_GERMANY, _ETSI_302_208)
    return element("RegulatoryCapabilities", band, CountryCode=country, CommunicationsStandard=law)


def _mode(mode: RfMode) -> Element:
    least, greatest, step = mode.tari_ns
    return element(
        "UHFC1G2RFModeTableEntry",
        ModeIdentifier=mode.identifier,
        DRValue=mode.divide_ratio,
        EPCHAGTCConformance=0,
        MValue=mode.miller,
        ForwardLinkModulation=mode.forward_link,
        SpectralMaskIndicator=mode.spectral_mask,
        BDRValue=mode.backscatter_bps,
        PIEValue=mode.pie_milli,
        MinTariValue=least,
        MaxTariValue=greatest,
        StepTariValue=step,
    )


def _air_protocol(model: ReaderModel) -> Element:
    return element(
        "C1G2LLRPCapabilities",
        CanSupportBlockErase=0,
        CanSupportBlockWrite=1,
        MaxNumSelectFiltersPerQuery=model.max_filters,
    )
