"""Counts as observations: what they found against the book, and what is done about it."""
