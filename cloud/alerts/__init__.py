"""Tickets that tell a person something."""
