"""Barcode scanner profiles, one TOML file per kind of device."""
