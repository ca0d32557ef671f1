"""The layout of each parameter of LLRP 1.0.1, and of some vendors', under the standard's names."""

from typing import Final

IMPINJ_VENDOR_ID: Final = 25882
"""IANA private enterprise number."""
ZEBRA_VENDOR_ID: Final = 161
"""Motorola's number, which Zebra's readers have kept."""
PARAMETERS: Final = """
AntennaID 1 AntennaID:u16
FirstSeenTimestampUTC 2 Microseconds:u64
FirstSeenTimestampUptime 3 Microseconds:u64
LastSeenTimestampUTC 4 Microseconds:u64
LastSeenTimestampUptime 5 Microseconds:u64
PeakRSSI 6 PeakRSSI:s8
ChannelIndex 7 ChannelIndex:u16
TagSeenCount 8 TagCount:u16
ROSpecID 9 ROSpecID:u32
InventoryParameterSpecID 10 InventoryParameterSpecID:u16
C1G2_CRC 11 CRC:u16
C1G2_PC 12 PC_Bits:u16
EPC_96 13 EPC:u96
SpecIndex 14 SpecIndex:u16
ClientRequestOpSpecResult 15 OpSpecID:u16
AccessSpecID 16 AccessSpecID:u32
OpSpecID 17 OpSpecID:u16
C1G2SingulationDetails 18 NumCollisionSlots:u16 NumEmptySlots:u16
UTCTimestamp 128 Microseconds:u64
Uptime 129 Microseconds:u64
GeneralDeviceCapabilities 137 MaxNumberOfAntennaSupported:u16 CanSetAntennaProperties:1
  HasUTCClockCapability:1 -:14 DeviceManufacturerName:u32 ModelName:u32 ReaderFirmwareVersion:utf8;
  ReceiveSensitivityTableEntry+ PerAntennaReceiveSensitivityRange* GPIOCapabilities PerAntennaAirProtocol+
ReceiveSensitivityTableEntry 139 Index:u16 ReceiveSensitivityValue:s16
PerAntennaAirProtocol 140 AntennaID:u16 ProtocolID:u8v
GPIOCapabilities 141 NumGPIs:u16 NumGPOs:u16
LLRPCapabilities 142 CanDoRFSurvey:1 CanReportBufferFillWarning:1 SupportsClientRequestOpSpec:1
  CanDoTagInventoryStateAwareSingulation:1 SupportsEventAndReportHolding:1 -:3
  MaxNumPriorityLevelsSupported:u8 ClientRequestOpSpecTimeout:u16 MaxNumROSpecs:u32 MaxNumSpecsPerROSpec:u32
  MaxNumInventoryParameterSpecsPerAISpec:u32 MaxNumAccessSpecs:u32 MaxNumOpSpecsPerAccessSpec:u32
RegulatoryCapabilities 143 CountryCode:u16 CommunicationsStandard:u16; UHFBandCapabilities? Custom*
UHFBandCapabilities 144; TransmitPowerLevelTableEntry+ FrequencyInformation UHFC1G2RFModeTable+
TransmitPowerLevelTableEntry 145 Index:u16 TransmitPowerValue:s16
FrequencyInformation 146 Hopping:1 -:7; FrequencyHopTable* FixedFrequencyTable?
FrequencyHopTable 147 HopTableID:u8 -:8 Frequency:u32v
FixedFrequencyTable 148 Frequency:u32v
PerAntennaReceiveSensitivityRange 149 AntennaID:u16 ReceiveSensitivityIndexMin:u16
  ReceiveSensitivityIndexMax:u16
ROSpec 177 ROSpecID:u32 Priority:u8 CurrentState:u8; ROBoundarySpec AISpec|RFSurveySpec|Custom+
  ROReportSpec?
ROBoundarySpec 178; ROSpecStartTrigger ROSpecStopTrigger
ROSpecStartTrigger 179 ROSpecStartTriggerType:u8; PeriodicTriggerValue? GPITriggerValue?
PeriodicTriggerValue 180 Offset:u32 Period:u32; UTCTimestamp?
GPITriggerValue 181 GPIPortNum:u16 GPIEvent:1 -:7 Timeout:u32
ROSpecStopTrigger 182 ROSpecStopTriggerType:u8 DurationTriggerValue:u32; GPITriggerValue?
AISpec 183 AntennaIDs:u16v; AISpecStopTrigger InventoryParameterSpec+ Custom*
AISpecStopTrigger 184 AISpecStopTriggerType:u8 DurationTrigger:u32; GPITriggerValue? TagObservationTrigger?
TagObservationTrigger 185 TriggerType:u8 -:8 NumberOfTags:u16 NumberOfAttempts:u16 T:u16 Timeout:u32
InventoryParameterSpec 186 InventoryParameterSpecID:u16 ProtocolID:u8; AntennaConfiguration* Custom*
RFSurveySpec 187 AntennaID:u16 StartFrequency:u32 EndFrequency:u32; RFSurveySpecStopTrigger Custom*
RFSurveySpecStopTrigger 188 StopTriggerType:u8 DurationPeriod:u32 N:u32
AccessSpec 207 AccessSpecID:u32 AntennaID:u16 ProtocolID:u8 CurrentState:1 -:7 ROSpecID:u32;
  AccessSpecStopTrigger AccessCommand AccessReportSpec? Custom*
AccessSpecStopTrigger 208 AccessSpecStopTrigger:u8 OperationCountValue:u16
AccessCommand 209; C1G2TagSpec
  C1G2Read|C1G2Write|C1G2Kill|C1G2Lock|C1G2BlockErase|C1G2BlockWrite|ClientRequestOpSpec|Custom+
ClientRequestOpSpec 210 OpSpecID:u16
LLRPConfigurationStateValue 217 LLRPConfigurationStateValue:u32
Identification 218 IDType:u8 ReaderID:u8v
GPOWriteData 219 GPOPortNumber:u16 GPOData:1 -:7
KeepaliveSpec 220 KeepaliveTriggerType:u8 PeriodicTriggerValue:u32
AntennaProperties 221 AntennaConnected:1 -:7 AntennaID:u16 AntennaGain:s16
AntennaConfiguration 222 AntennaID:u16; RFReceiver? RFTransmitter? C1G2InventoryCommand* Custom*
RFReceiver 223 ReceiverSensitivity:u16
RFTransmitter 224 HopTableID:u16 ChannelIndex:u16 TransmitPower:u16
GPIPortCurrentState 225 GPIPortNum:u16 Config:1 -:7 State:u8
EventsAndReports 226 HoldEventsAndReportsUponReconnect:1 -:7
ROReportSpec 237 ROReportTrigger:u8 N:u16; TagReportContentSelector Custom*
TagReportContentSelector 238 EnableROSpecID:1 EnableSpecIndex:1 EnableInventoryParameterSpecID:1
  EnableAntennaID:1 EnableChannelIndex:1 EnablePeakRSSI:1 EnableFirstSeenTimestamp:1
  EnableLastSeenTimestamp:1 EnableTagSeenCount:1 EnableAccessSpecID:1 -:6; C1G2EPCMemorySelector*
AccessReportSpec 239 AccessReportTrigger:u8
TagReportData 240; EPCData|EPC_96 ROSpecID? SpecIndex? InventoryParameterSpecID? AntennaID? PeakRSSI?
  ChannelIndex? FirstSeenTimestampUTC? FirstSeenTimestampUptime? LastSeenTimestampUTC?
  LastSeenTimestampUptime? TagSeenCount? C1G2_PC? C1G2_CRC? AccessSpecID? ClientRequestOpSpecResult?
  C1G2ReadOpSpecResult|C1G2WriteOpSpecResult|C1G2KillOpSpecResult|C1G2LockOpSpecResult|C1G2BlockEraseOpSpecResult|C1G2BlockWriteOpSpecResult*
  Custom*
EPCData 241 EPC:u1v
RFSurveyReportData 242; ROSpecID? SpecIndex? FrequencyRSSILevelEntry+ Custom*
FrequencyRSSILevelEntry 243 Frequency:u32 Bandwidth:u32 AverageRSSI:s8 PeakRSSI:s8; UTCTimestamp|Uptime
ReaderEventNotificationSpec 244; EventNotificationState+
EventNotificationState 245 EventType:u16 NotificationState:1 -:7
ReaderEventNotificationData 246; UTCTimestamp|Uptime HoppingEvent? GPIEvent? ROSpecEvent?
  ReportBufferLevelWarningEvent? ReportBufferOverflowErrorEvent? ReaderExceptionEvent? RFSurveyEvent?
  AISpecEvent? AntennaEvent? ConnectionAttemptEvent? ConnectionCloseEvent? Custom*
HoppingEvent 247 HopTableID:u16 NextChannelIndex:u16
GPIEvent 248 GPIPortNumber:u16 GPIEvent:1 -:7
ROSpecEvent 249 EventType:u8 ROSpecID:u32 PreemptingROSpecID:u32
ReportBufferLevelWarningEvent 250 ReportBufferPercentageFull:u8
ReportBufferOverflowErrorEvent 251
ReaderExceptionEvent 252 Message:utf8; ROSpecID? SpecIndex? InventoryParameterSpecID? AntennaID?
  AccessSpecID? OpSpecID? Custom*
RFSurveyEvent 253 EventType:u8 ROSpecID:u32 SpecIndex:u16
AISpecEvent 254 EventType:u8 ROSpecID:u32 SpecIndex:u16; C1G2SingulationDetails?
AntennaEvent 255 EventType:u8 AntennaID:u16
ConnectionAttemptEvent 256 Status:u16
ConnectionCloseEvent 257
LLRPStatus 287 StatusCode:u16 ErrorDescription:utf8; FieldError? ParameterError?
FieldError 288 FieldNum:u16 ErrorCode:u16
ParameterError 289 ParameterType:u16 ErrorCode:u16; FieldError? ParameterError?
C1G2LLRPCapabilities 327 CanSupportBlockErase:1 CanSupportBlockWrite:1 -:6 MaxNumSelectFiltersPerQuery:u16
UHFC1G2RFModeTable 328; UHFC1G2RFModeTableEntry+
UHFC1G2RFModeTableEntry 329 ModeIdentifier:u32 DRValue:1 EPCHAGTCConformance:1 -:6 MValue:u8
  ForwardLinkModulation:u8 SpectralMaskIndicator:u8 BDRValue:u32 PIEValue:u32 MinTariValue:u32
  MaxTariValue:u32 StepTariValue:u32
C1G2InventoryCommand 330 TagInventoryStateAware:1 -:7; C1G2Filter* C1G2RFControl? C1G2SingulationControl?
  Custom*
C1G2Filter 331 T:2 -:6; C1G2TagInventoryMask C1G2TagInventoryStateAwareFilterAction?
  C1G2TagInventoryStateUnawareFilterAction?
C1G2TagInventoryMask 332 MB:2 -:6 Pointer:u16 TagMask:u1v
C1G2TagInventoryStateAwareFilterAction 333 Target:u8 Action:u8
C1G2TagInventoryStateUnawareFilterAction 334 Action:u8
C1G2RFControl 335 ModeIndex:u16 Tari:u16
C1G2SingulationControl 336 Session:2 -:6 TagPopulation:u16 TagTransitTime:u32;
  C1G2TagInventoryStateAwareSingulationAction?
C1G2TagInventoryStateAwareSingulationAction 337 I:1 S:1 -:6
C1G2TagSpec 338; C1G2TargetTag+
C1G2TargetTag 339 MB:2 Match:1 -:5 Pointer:u16 TagMask:u1v TagData:u1v
C1G2Read 341 OpSpecID:u16 AccessPassword:u32 MB:2 -:6 WordPointer:u16 WordCount:u16
C1G2Write 342 OpSpecID:u16 AccessPassword:u32 MB:2 -:6 WordPointer:u16 WriteData:u16v
C1G2Kill 343 OpSpecID:u16 KillPassword:u32
C1G2Lock 344 OpSpecID:u16 AccessPassword:u32; C1G2LockPayload+
C1G2LockPayload 345 Privilege:u8 DataField:u8
C1G2BlockErase 346 OpSpecID:u16 AccessPassword:u32 MB:2 -:6 WordPointer:u16 WordCount:u16
C1G2BlockWrite 347 OpSpecID:u16 AccessPassword:u32 MB:2 -:6 WordPointer:u16 WriteData:u16v
C1G2EPCMemorySelector 348 EnableCRC:1 EnablePCBits:1 -:6
C1G2ReadOpSpecResult 349 Result:u8 OpSpecID:u16 ReadData:u16v
C1G2WriteOpSpecResult 350 Result:u8 OpSpecID:u16 NumWordsWritten:u16
C1G2KillOpSpecResult 351 Result:u8 OpSpecID:u16
C1G2LockOpSpecResult 352 Result:u8 OpSpecID:u16
C1G2BlockEraseOpSpecResult 353 Result:u8 OpSpecID:u16
C1G2BlockWriteOpSpecResult 354 Result:u8 OpSpecID:u16 NumWordsWritten:u16
Custom 1023 VendorIdentifier:u32 ParameterSubtype:u32 Data:rest
"""

VENDOR_PARAMETERS: Final = {
    IMPINJ_VENDOR_ID: """
ImpinjSubRegulatoryRegion 22 RegulatoryRegion:u16; Custom*
ImpinjInventorySearchMode 23 InventorySearchMode:u16; Custom*
ImpinjTagReportContentSelector 50; Custom*
ImpinjEnableSerializedTID 51 SerializedTIDMode:u16; Custom*
ImpinjEnableRFPhaseAngle 52 RFPhaseAngleMode:u16; Custom*
ImpinjEnablePeakRSSI 53 PeakRSSIMode:u16; Custom*
ImpinjEnableGPSCoordinates 54 GPSCoordinatesMode:u16; Custom*
ImpinjRFPhaseAngle 56 PhaseAngle:u16
ImpinjPeakRSSI 57 RSSI:s16
ImpinjEnableRFDopplerFrequency 67 RFDopplerFrequencyMode:u16; Custom*
ImpinjRFDopplerFrequency 68 DopplerFrequency:s16
""",
}
"""By vendor; the number of a line is the parameter's subtype."""
