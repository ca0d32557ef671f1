"""Doors, ASNs, outbound orders, visits, receipts and departures: whose goods cross (D2, D4)."""
