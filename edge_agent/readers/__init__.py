"""Readers and scanners: bytes from a line in, whole scans out; each driver behind one adapter."""
