"""What waits for a person: goods in inspection, returned, or on hold (DOMAIN D1, D4)."""
