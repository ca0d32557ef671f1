"""Goods on their way from one site to another (DOMAIN D4)."""
