-- The first word of a gateway in each 5 minutes becomes a row, whoever writes its status.
CREATE OR REPLACE FUNCTION keep_gateway_metric() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO gateway_metric (
        gateway_id, slot_at, heard_at, site_id, uptime_s, unacked_rows, oldest_unacked_age_s, is_outbox_full,
        is_clock_ok, readers, readers_connected)
    SELECT NEW.gateway_id, date_bin('5 minutes', NEW.health_at, 'epoch'), NEW.health_at, g.site_id,
        (NEW.health ->> 'uptime_s')::double precision,
        (NEW.health #>> '{outbox,unacked_rows}')::bigint,
        (NEW.health #>> '{outbox,oldest_unacked_age_s}')::double precision,
        (NEW.health #>> '{outbox,is_full}')::boolean,
        (NEW.health #>> '{clock,ok}')::boolean,
        jsonb_array_length(NEW.health -> 'readers'),
        (SELECT count(*) FROM jsonb_array_elements(NEW.health -> 'readers') r WHERE r ->> 'state' = 'connected')
    FROM gateway g WHERE g.gateway_id = NEW.gateway_id AND g.site_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION keep_gateway_metric() FROM PUBLIC;
CREATE OR REPLACE TRIGGER keep_metric AFTER INSERT OR UPDATE OF health_at ON gateway_status
    FOR EACH ROW WHEN (NEW.health IS NOT NULL) EXECUTE FUNCTION keep_gateway_metric();

-- By the hour, of each gateway: what its doors read, which units were seen where, how it fared. Here they are
-- views; with TimescaleDB the next file makes continuous aggregates of them, which answer the same.
DO $$
BEGIN
    IF to_regclass('door_hour') IS NULL THEN
        CREATE VIEW door_hour AS
        SELECT gateway_id, site_id, portal, date_trunc('hour', occurred_at, 'UTC') AS hour,
            count(*) AS crossings, count(*) FILTER (WHERE posted = 'held') AS held, sum(reads) AS reads
        FROM crossing GROUP BY 1, 2, 3, 4;
    END IF;
    IF to_regclass('sighting_hour') IS NULL THEN
        CREATE VIEW sighting_hour AS
        SELECT gateway_id, site_id, date_trunc('hour', occurred_at, 'UTC') AS hour, count(*) AS sightings
        FROM unit_position GROUP BY 1, 2, 3;
    END IF;
    IF to_regclass('metric_hour') IS NULL THEN
        CREATE VIEW metric_hour AS
        SELECT gateway_id, site_id, date_trunc('hour', slot_at, 'UTC') AS hour, count(*) AS heard,
            max(unacked_rows) AS unacked_rows, max(oldest_unacked_age_s) AS oldest_unacked_age_s,
            bool_or(is_outbox_full) AS is_outbox_full, bool_and(is_clock_ok) AS is_clock_ok,
            min(readers_connected) AS readers_connected
        FROM gateway_metric GROUP BY 1, 2, 3;
    END IF;
END
$$;
