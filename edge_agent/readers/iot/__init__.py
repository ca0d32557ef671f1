"""Readers that tell what they see in JSON: Impinj's IoT device interface and Zebra's IoT Connector."""
