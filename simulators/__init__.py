"""Stand-ins for hardware and people: scanners, readers, a warehouse with its truth, faults."""
