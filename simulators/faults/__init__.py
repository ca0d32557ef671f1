"""Misfortune on purpose, seeded: lossy brokers, broken links, kills, full disks, flipped bits."""
