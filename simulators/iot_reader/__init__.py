"""A reader that tells in JSON what it sees, as Impinj's IoT device interface and Zebra's IoT Connector do."""
