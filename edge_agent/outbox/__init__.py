"""Keeps every row on disk, numbered and sealed, until the ledger says it has it."""
