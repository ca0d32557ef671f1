-- Upkeep of old history, one piece at a time; returns how many pieces were tended. Plain PostgreSQL has none:
-- with TimescaleDB a later file replaces it.
CREATE OR REPLACE FUNCTION tend_history() RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS 'SELECT 0';
REVOKE ALL ON FUNCTION tend_history() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tend_history() TO dockledger_app;
