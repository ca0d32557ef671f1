-- What each gateway saw and how it fared, hour by hour, at the sites of the one who asks; the latest hour first.
CREATE OR REPLACE FUNCTION gateway_hours(
    of_site text, of_gateway text, since timestamptz, until timestamptz,
    before_hour timestamptz, before_gateway text, most integer
) RETURNS TABLE (
    gateway text, site text, hour timestamptz, crossings bigint, held bigint, reads bigint, sightings bigint,
    heard bigint, unacked_rows bigint, oldest_unacked_age_s double precision, is_outbox_full boolean,
    is_clock_ok boolean, readers_connected integer
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT g.name, h.site_id, h.hour, coalesce(sum(h.crossings), 0)::bigint, coalesce(sum(h.held), 0)::bigint,
        coalesce(sum(h.reads), 0)::bigint, coalesce(sum(h.sightings), 0)::bigint,
        coalesce(sum(h.heard), 0)::bigint, max(h.unacked_rows), max(h.oldest_unacked_age_s),
        bool_or(h.is_outbox_full), bool_and(h.is_clock_ok), min(h.readers_connected)
    FROM (
        SELECT gateway_id, site_id, hour, crossings, held, reads, NULL::bigint AS sightings,
            NULL::bigint AS heard, NULL::bigint AS unacked_rows, NULL::double precision AS oldest_unacked_age_s,
            NULL::boolean AS is_outbox_full, NULL::boolean AS is_clock_ok, NULL::integer AS readers_connected
        FROM door_hour WHERE hour >= since AND hour < until AND hour <= before_hour
        UNION ALL
        SELECT gateway_id, site_id, hour, NULL, NULL, NULL, sightings, NULL, NULL, NULL, NULL, NULL, NULL
        FROM sighting_hour WHERE hour >= since AND hour < until AND hour <= before_hour
        UNION ALL
        SELECT gateway_id, site_id, hour, NULL, NULL, NULL, NULL, heard, unacked_rows, oldest_unacked_age_s,
            is_outbox_full, is_clock_ok, readers_connected
        FROM metric_hour WHERE hour >= since AND hour < until AND hour <= before_hour
    ) h
    JOIN gateway g USING (gateway_id)
    WHERE sees_site(h.site_id) AND (of_site IS NULL OR h.site_id = of_site)
        AND (of_gateway IS NULL OR g.name = of_gateway)
        AND (h.hour < before_hour OR g.name > before_gateway)
    GROUP BY g.name, h.site_id, h.hour
    ORDER BY h.hour DESC, g.name
    LIMIT most
$$;
REVOKE ALL ON FUNCTION gateway_hours FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway_hours TO dockledger_app;
