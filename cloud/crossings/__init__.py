"""Crossings as people read them, the cards that need a person, and the answers (DOMAIN D2)."""
