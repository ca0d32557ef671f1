-- With TimescaleDB the hours of 385 are continuous aggregates. They answer in real time: what is not refreshed
-- yet is added up from the rows, so an answer never waits for a job and is always that of plain PostgreSQL. A
-- late row is at the right hour as soon as its part is refreshed: within two hours, back as far as 90 days; a
-- later one when `refresh_continuous_aggregate` is called for its days (docs/timescale.md).
-- A job of the extension runs as the owner of what it refreshes, who must be one that can log in: so these
-- aggregates, which can be made anew at any time, are the migrator's, and nothing else is (P9). Never a retention
-- policy on what the ledger is made of.
DO $$
DECLARE
    name text;
    question text;
BEGIN
    IF NOT EXISTS (SELECT FROM timescaledb_information.hypertables WHERE hypertable_name = 'gateway_metric') THEN
        PERFORM create_hypertable(
            'gateway_metric'::regclass, 'slot_at', chunk_time_interval => INTERVAL '1 month',
            create_default_indexes => false, migrate_data => true);
        ALTER TABLE gateway_metric SET (
            timescaledb.compress, timescaledb.compress_segmentby = 'gateway_id',
            timescaledb.compress_orderby = 'slot_at');
    END IF;
    FOREACH name IN ARRAY ARRAY['door_hour', 'sighting_hour', 'metric_hour'] LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM timescaledb_information.continuous_aggregates WHERE view_name = name);
        question := regexp_replace(
            rtrim(pg_get_viewdef(name::regclass), '; '),
            'date_trunc\(''hour''::text, (\w+), ''UTC''::text\)', 'time_bucket(INTERVAL ''1 hour'', \1)', 'g');
        EXECUTE format('DROP VIEW %I', name);
        SET LOCAL ROLE dockledger_migrator;
        EXECUTE format(
            'CREATE MATERIALIZED VIEW %I WITH (timescaledb.continuous, timescaledb.materialized_only = false) '
            'AS %s WITH NO DATA', name, question);
        EXECUTE format('GRANT SELECT ON %I TO dockledger_owner', name);
        PERFORM add_continuous_aggregate_policy(
            name::regclass, start_offset => INTERVAL '90 days', end_offset => INTERVAL '1 hour',
            schedule_interval => INTERVAL '1 hour');
        SET LOCAL ROLE dockledger_owner;
    END LOOP;
END
$$;
