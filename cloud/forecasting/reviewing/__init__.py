"""Odd forecasts as tickets: which, whose they are, and how many of them are expected to be false."""
