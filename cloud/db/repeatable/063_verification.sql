-- Verification writes what rows say in its own statements.
DROP FUNCTION IF EXISTS instant_text(timestamptz);
