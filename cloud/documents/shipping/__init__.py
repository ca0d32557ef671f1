"""What leaves: against an order, a return to a supplier, or a transfer (DOMAIN D4)."""
