"""A label printer that takes ZPL over TCP, says how it is, and keeps what it printed."""
