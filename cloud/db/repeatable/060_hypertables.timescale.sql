-- With TimescaleDB what gateways state lies in monthly chunks, and old chunks are compressed (PROTOCOL P7).
-- No policy of the extension is used: its background jobs need an owner that can log in, and ours must not
-- (P9), so `tend_history` compresses when the fold job asks. Never a retention policy here: `drop_chunks`
-- would pass the append-only triggers by.
DO $$
DECLARE
    growing text;
BEGIN
    FOREACH growing IN ARRAY ARRAY['movement', 'unit_position', 'crossing', 'workflow_event'] LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM timescaledb_information.hypertables h WHERE h.hypertable_name = growing);
        -- Rows that are there already move into chunks, and the table that they leave is truncated: which its
        -- trigger refuses, as it should to everybody else. Nobody sees it absent: this is one transaction.
        EXECUTE format('DROP TRIGGER append_only_whole ON %I', growing);
        PERFORM create_hypertable(
            growing::regclass, 'occurred_at', chunk_time_interval => INTERVAL '1 month',
            create_default_indexes => false, migrate_data => true);
        EXECUTE format(
            'CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()', growing);
        EXECUTE format(
            'ALTER TABLE %I SET (timescaledb.compress, timescaledb.compress_orderby = %L)',
            growing, 'posting_id, gateway_id, epoch, seq');
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION tend_history() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    old_chunk regclass;
BEGIN
    SELECT format('%I.%I', c.chunk_schema, c.chunk_name)::regclass INTO old_chunk
    FROM timescaledb_information.chunks c
    WHERE NOT c.is_compressed AND c.range_end < now() - INTERVAL '3 months'
    ORDER BY c.range_end, c.chunk_name
    LIMIT 1;
    IF old_chunk IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM compress_chunk(old_chunk);
    RETURN 1;
END
$$;
