-- How many lines of a pushed event were new is known once they are stored.
GRANT UPDATE (lines) ON demand_event TO dockledger_app;
