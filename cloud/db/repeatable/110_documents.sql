-- What other folders read of visits (STYLE §3), and what documents read of the ledger.

CREATE OR REPLACE FUNCTION pub_open_visits(sites text[])
    RETURNS TABLE (visit text, site text, door text, direction text, from_at timestamptz, to_at timestamptz,
        clearing_account text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT v.visit, v.site_id, v.door, v.direction, v.from_at, v.to_at, v.clearing_account
    FROM visit v
    WHERE v.state = 'open' AND (sites IS NULL OR v.site_id = ANY (sites))
    ORDER BY v.from_at, v.visit
$$;

-- Where units stand, wherever that is; one in another stands where that one does. Of two statements for one instant the
-- later posted counts, as in `units_at`, which asks for all units at once. For functions that show the session's sites of
-- what they find: a unit is seen by the site where it stands, whoever filled it.
CREATE OR REPLACE FUNCTION units_stand(units text[])
    RETURNS TABLE (unit text, site text, location text, is_virtual boolean, since_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE climb AS (
        SELECT u.code, u.location_id AS next_id, NULL::bigint AS location_id, NULL::timestamptz AS since_at,
            '{}'::bigint[] AS seen
        FROM location u WHERE u.kind = 'unit' AND u.code = ANY (units)
        UNION ALL
        SELECT c.code, last.parent_id, last.location_id, coalesce(c.since_at, last.occurred_at), c.seen || c.next_id
        FROM climb c
        CROSS JOIN LATERAL (
            SELECT p.location_id, p.parent_id, p.occurred_at
            FROM unit_position p JOIN ledger_entry e ON e.posting_id = p.posting_id
            WHERE p.unit_id = c.next_id AND NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) v
                WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))
            ORDER BY p.occurred_at DESC, e.position DESC, p.seq DESC LIMIT 1) last
        WHERE c.location_id IS NULL AND c.next_id <> ALL (c.seen)
    )
    SELECT c.code, l.site_id, l.code, l.kind = 'virtual', c.since_at
    FROM climb c JOIN location l ON l.location_id = c.location_id
    ORDER BY c.code
$$;

-- Where units stand at the session's sites.
CREATE OR REPLACE FUNCTION where_units_stand(units text[])
    RETURNS TABLE (unit text, site text, location text, is_virtual boolean, since_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT w.* FROM units_stand(units) w WHERE sees_site(w.site) ORDER BY w.unit
$$;

REVOKE ALL ON FUNCTION pub_open_visits(text[]), units_stand(text[]), where_units_stand(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pub_open_visits(text[]), where_units_stand(text[]) TO dockledger_app;
