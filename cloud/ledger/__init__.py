"""Movements are facts, balances are derived; `post` is the one writer."""
