"""Dock doors that are not real: goods pass, wait and come back in a radio field; the truth comes first."""
