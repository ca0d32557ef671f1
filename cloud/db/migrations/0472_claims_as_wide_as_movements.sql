-- A claim may be of as much as a record may move: what the ledger has posted must not stop those who follow it.
ALTER TABLE allocation ALTER COLUMN quantity TYPE numeric(26, 6);
