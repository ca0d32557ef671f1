-- A code that was used, perhaps by a thief, can be called back: its secret is known by its hash, to be ended with it.
ALTER TABLE gateway_invite ADD COLUMN secret_sha256 bytea CHECK (octet_length(secret_sha256) = 32);
ALTER TABLE gateway_invite DROP CONSTRAINT gateway_invite_check3;
GRANT UPDATE (secret_sha256) ON gateway_invite TO dockledger_app;
GRANT SELECT (secret_sha256) ON gateway_secret TO dockledger_app;
