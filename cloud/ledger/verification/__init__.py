"""Proof that nothing is lost, doubled or changed: the ledger's promises, checked against its own rows."""
