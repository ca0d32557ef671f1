"""Brings sealed batches to the ledger through a broker that may lose anything."""
