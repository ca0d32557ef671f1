"""Approved adjustments of the system's forecast: who, by how much, why, until when, and what it was worth."""
