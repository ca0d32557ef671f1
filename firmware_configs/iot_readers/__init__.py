"""RFID reader profiles, one TOML file per kind of device."""
