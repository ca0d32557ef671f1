"""The batch engine: all series at once, as arrays; numpy only, no database, no clock, no randomness."""
