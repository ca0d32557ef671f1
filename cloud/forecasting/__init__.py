"""Demand forecasts: what will be asked for, how sure that is, and how well it went before (DOMAIN D10)."""
