"""The enumerations of LLRP 1.0.1, under the standard's own names."""

from enum import IntEnum
from typing import Final

PROTOCOL_VERSION: Final = 1
"""LLRP 1.0 and 1.0.1; 2 is LLRP 1.1."""


class StatusCode(IntEnum):
    """What became of a request (13.1): ``M_`` of the message, ``P_`` of a parameter, ``A_`` of a value."""

    M_Success = 0
    M_ParameterError = 100
    M_FieldError = 101
    M_UnexpectedParameter = 102
    M_MissingParameter = 103
    M_DuplicateParameter = 104
    M_OverflowParameter = 105
    M_OverflowField = 106
    M_UnknownParameter = 107
    M_UnknownField = 108
    M_UnsupportedMessage = 109
    M_UnsupportedVersion = 110
    M_UnsupportedParameter = 111
    P_ParameterError = 200
    P_FieldError = 201
    P_UnexpectedParameter = 202
    P_MissingParameter = 203
    P_DuplicateParameter = 204
    P_OverflowParameter = 205
    P_OverflowField = 206
    P_UnknownParameter = 207
    P_UnknownField = 208
    P_UnsupportedParameter = 209
    A_Invalid = 300
    A_OutOfRange = 301
    R_DeviceError = 401


class ConnectionAttemptStatusType(IntEnum):
    """How a connection begins (13.2.6.15)."""

    Success = 0
    Failed_A_Reader_Initiated_Connection_Already_Exists = 1
    Failed_A_Client_Initiated_Connection_Already_Exists = 2
    Failed_Reason_Other_Than_A_Connection_Already_Exists = 3
    Another_Connection_Attempted = 4


class NotificationEventType(IntEnum):
    """Events that a client subscribes to one by one (12.2.5.1)."""

    Upon_Hopping_To_Next_Channel = 0
    GPI_Event = 1
    ROSpec_Event = 2
    Report_Buffer_Fill_Warning = 3
    Reader_Exception_Event = 4
    RFSurvey_Event = 5
    AISpec_Event = 6
    AISpec_Event_With_Details = 7
    Antenna_Event = 8


class ROSpecState(IntEnum):
    """Where a ROSpec stands (6.1)."""

    Disabled = 0
    Inactive = 1
    Active = 2


class ROSpecStartTriggerType(IntEnum):
    """What starts an enabled ROSpec."""

    Null = 0
    Immediate = 1
    Periodic = 2
    GPI = 3


class ROSpecStopTriggerType(IntEnum):
    """What stops an active ROSpec."""

    Null = 0
    Duration = 1
    GPI_With_Timeout = 2


class AISpecStopTriggerType(IntEnum):
    """What ends one antenna inventory."""

    Null = 0
    Duration = 1
    GPI_With_Timeout = 2
    Tag_Observation = 3


class ROSpecEventType(IntEnum):
    """What happened to a ROSpec."""

    Start_Of_ROSpec = 0
    End_Of_ROSpec = 1
    Preemption_Of_ROSpec = 2


class AntennaEventType(IntEnum):
    """What happened to an antenna."""

    Antenna_Disconnected = 0
    Antenna_Connected = 1


class ROReportTriggerType(IntEnum):
    """When tags are reported (14.2.1)."""

    None_ = 0
    """Only when GET_REPORT asks."""
    Upon_N_Tags_Or_End_Of_AISpec = 1
    Upon_N_Tags_Or_End_Of_ROSpec = 2


class KeepaliveTriggerType(IntEnum):
    """Whether keepalives are sent."""

    Null = 0
    Periodic = 1


class GPIPortState(IntEnum):
    """Level of an input."""

    Low = 0
    High = 1
    Unknown = 2


class GetReaderCapabilitiesRequestedData(IntEnum):
    """Which capabilities are asked for (10.2.1)."""

    All = 0
    General_Device_Capabilities = 1
    LLRP_Capabilities = 2
    Regulatory_Capabilities = 3
    LLRP_Air_Protocol_Capabilities = 4


class GetReaderConfigRequestedData(IntEnum):
    """Which part of the configuration is asked for (12.1.1)."""

    All = 0
    Identification = 1
    AntennaProperties = 2
    AntennaConfiguration = 3
    ROReportSpec = 4
    ReaderEventNotificationSpec = 5
    AccessReportSpec = 6
    LLRPConfigurationStateValue = 7
    KeepaliveSpec = 8
    GPIPortCurrentState = 9
    GPOWriteData = 10
    EventsAndReports = 11
