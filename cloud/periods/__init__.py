"""Periods of sites: their calendar, their close by two people, what came later, what stock was worth."""
