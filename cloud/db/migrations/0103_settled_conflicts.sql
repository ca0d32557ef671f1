-- Ingest settles conflicts, and tells the gateway whose batch it was that it need not keep it.
GRANT INSERT ON gateway_message TO dockledger_ingest;
