"""What comes in: against an ASN, an order, a return or a transfer, or blind (DOMAIN D4)."""
