"""A new gateway comes to its certificate and settings by a one-time code."""
