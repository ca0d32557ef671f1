"""Certificates of gateways: requests in, signed ones out, and their end told in time."""
