"""Figures measured on the shipped parts, against stated limits: `python -m benchmarks NAME --json`."""
