"""What a reader says it can do in; the numbers that a ROSpec needs, or a clear refusal, out; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_ANTENNAS: Final = 255
_SIGN_BIT: Final = 1 << 15
_DBM_TOLERANCE: Final = 0.005
"""Half of the table's unit."""


class ReaderRefusalError(Exception):
    """A reader is there and cannot, or will not, do what its profile asks; the message says what."""


@dataclass(frozen=True, slots=True)
class RfMode:
    """One entry of the table of RF modes."""

    mode_index: int
    max_tari_ns: int
    min_tari_ns: int = 0
    backscatter_bps: int = 0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Of one reader."""

    antennas: int
    vendor: int
    """IANA enterprise number."""
    model: int
    firmware: str
    has_utc_clock: bool
    inputs: int
    outputs: int
    is_state_aware: bool
    power_dbm: Mapping[int, float]
    """By index of the transmit power table."""
    rf_modes: Sequence[RfMode]
    sensitivities: frozenset[int]
    """Indexes of the receive sensitivity table."""
    hop_table_id: int
    """0 if the reader does not hop."""
    channels: int
    """Of its hop table, or of those it may be fixed to."""
    country: int
    """ISO 3166-1 number of the region it is set to; 0 if it does not say."""
    most_rospecs: int

    def power_index(self, antenna: int, power_dbm: float | None) -> int:
        """Find a transmit power.

        Args:
            antenna: For the message.
            power_dbm: At the port; None is the most there is.

        Returns:
            Index of the table's highest power that is not above it.

        Raises:
            ReaderRefusalError: If it is outside the table.
        """
        if not self.power_dbm:
            raise ReaderRefusalError("its table of powers is empty: expected a reader with its region set")
        least, most = min(self.power_dbm.values()), max(self.power_dbm.values())
        wanted = most if power_dbm is None else power_dbm
        if not least - _DBM_TOLERANCE <= wanted <= most + _DBM_TOLERANCE:
            raise ReaderRefusalError(
                f"antenna {antenna}: power_dbm = {wanted:g}: expected {least:g} to {most:g}, "
                "the reader's table"
            )
        reachable = {dbm: index for index, dbm in self.power_dbm.items() if dbm <= wanted + _DBM_TOLERANCE}
        return reachable[max(reachable)]

    def rf_mode(self, mode_index: int | None) -> RfMode:
        """Find an RF mode.

        Args:
            mode_index: Its ModeIdentifier; None is the table's first.

        Returns:
            The mode.

        Raises:
            ReaderRefusalError: If the table does not have it.
        """
        for mode in self.rf_modes:
            if mode_index in {None, mode.mode_index}:
                return mode
        offered = [mode.mode_index for mode in self.rf_modes]
        raise ReaderRefusalError(f"mode_index = {mode_index}: expected one of {offered}, the reader's table")

    def ports(self, antennas: Sequence[int]) -> tuple[int, ...]:
        """Choose antennas.

        Args:
            antennas: Ports; none means all.

        Returns:
            The ports.

        Raises:
            ReaderRefusalError: If the reader has fewer.
        """
        if antennas and max(antennas) > self.antennas:
            raise ReaderRefusalError(
                f"antennas = {list(antennas)}: expected 1 to {self.antennas}, the reader's ports"
            )
        if not 1 <= self.antennas <= MOST_ANTENNAS:
            raise ReaderRefusalError(
                f"it says it has {self.antennas} antennas: expected 1 to {MOST_ANTENNAS}"
            )
        return tuple(antennas) or tuple(range(1, self.antennas + 1))


def parse_capabilities(fields: Mapping[str, Any]) -> Capabilities:
    """Read a GET_READER_CAPABILITIES_RESPONSE.

    Args:
        fields: As decoded.

    Returns:
        What the ROSpec needs.

    Raises:
        ReaderRefusalError: If something that LLRP demands is missing.
    """
    try:
        general, regulatory = fields["GeneralDeviceCapabilities"], fields["RegulatoryCapabilities"]
        band, own = regulatory["UHFBandCapabilities"], fields["LLRPCapabilities"]
        ports = general.get("GPIOCapabilities", {})
        powers = band["TransmitPowerLevelTableEntry"]
        modes = band["UHFC1G2RFModeTable"]["UHFC1G2RFModeTableEntry"]
        sensitivities = general["ReceiveSensitivityTableEntry"]
        frequencies = band["FrequencyInformation"]
        hops = frequencies.get("FrequencyHopTable") if frequencies["Hopping"] else None
        return Capabilities(
            antennas=general["MaxNumberOfAntennaSupported"],
            vendor=general["DeviceManufacturerName"],
            model=general["ModelName"],
            firmware=general["ReaderFirmwareVersion"].decode("utf-8", "replace"),
            has_utc_clock=general["HasUTCClockCapability"],
            inputs=ports.get("NumGPIs", 0),
            outputs=ports.get("NumGPOs", 0),
            is_state_aware=own["CanDoTagInventoryStateAwareSingulation"],
            power_dbm={entry["Index"]: _signed(entry["TransmitPowerValue"]) / 100 for entry in powers},
            rf_modes=[
                RfMode(mode["ModeIdentifier"], mode["MaxTari"], mode.get("MinTari", 0), mode.get("BDR", 0))
                for mode in modes
            ],
            sensitivities=frozenset(entry["Index"] for entry in sensitivities),
            hop_table_id=hops[0]["HopTableId"] if hops else 0,
            channels=_channels(hops[0] if hops else frequencies.get("FixedFrequencyTable", {})),
            country=regulatory.get("CountryCode", 0),
            most_rospecs=own.get("MaxNumROSpec", 0),
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ReaderRefusalError(f"its capabilities lack {error}, which LLRP 1.0.1 demands") from error


def _channels(table: Mapping[str, Any]) -> int:
    """Count a table's frequencies, of which sllurp gives a single one without a list."""
    found = table.get("Frequency", ())
    return len(found) if isinstance(found, Sequence) else 1


def _signed(value: int) -> int:
    """Give a 16-bit number its sign, which sllurp does not."""
    return value - 2 * _SIGN_BIT if value & _SIGN_BIT else value
