-- Items as they read after merging (PROTOCOL P5): the last alias of an item counts, chains are followed.
CREATE OR REPLACE FUNCTION aliases_at(at_position bigint)
    RETURNS TABLE (item_id bigint, canonical_id bigint, numerator numeric, denominator numeric)
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH RECURSIVE latest AS (
        SELECT DISTINCT ON (a.from_item) a.from_item, a.to_item, a.numerator, a.denominator
        FROM item_alias a
        JOIN ledger_entry e ON e.posting_id = a.posting_id
        WHERE e.position <= at_position
        ORDER BY a.from_item, a.alias_id DESC
    ), walk AS (
        SELECT l.from_item AS item_id, l.to_item AS canonical_id,
            l.numerator::numeric, l.denominator::numeric, ARRAY[l.from_item] AS seen
        FROM latest l WHERE l.to_item <> l.from_item
        UNION ALL
        SELECT w.item_id, l.to_item, w.numerator * l.numerator, w.denominator * l.denominator,
            w.seen || l.from_item
        FROM walk w JOIN latest l ON l.from_item = w.canonical_id
        WHERE l.to_item <> l.from_item AND l.to_item <> ALL (w.seen)
    )
    SELECT DISTINCT ON (w.item_id) w.item_id, w.canonical_id, w.numerator, w.denominator
    FROM walk w ORDER BY w.item_id, cardinality(w.seen) DESC
$$;

CREATE OR REPLACE VIEW canonical_item AS
SELECT i.item_id, coalesce(a.canonical_id, i.item_id) AS canonical_id,
    coalesce(a.numerator, 1) AS numerator, coalesce(a.denominator, 1) AS denominator
FROM item i
LEFT JOIN aliases_at(9223372036854775807) a ON a.item_id = i.item_id;

DROP FUNCTION IF EXISTS is_followed(integer, bigint, bigint, bigint);

-- Positions of units that are not followed, by what had been posted up to a position: they would put a unit into itself
-- (379_nesting.sql). A query's planner sees into it, and joins.
CREATE OR REPLACE FUNCTION unfollowed_at(until_position bigint)
    RETURNS TABLE (gateway_id integer, epoch bigint, seq bigint) LANGUAGE sql STABLE AS $$
    SELECT v.gateway_id, v.epoch, v.seq
    FROM unfollowed_position v
    JOIN ledger_entry s ON s.posting_id = v.since_posting AND s.position <= until_position
    LEFT JOIN ledger_entry u ON u.posting_id = v.until_posting
    WHERE u.position IS NULL OR u.position > until_position
$$;

-- Up to which instant each gateway is complete (P6). An epoch that ended whole holds nothing back; what a
-- gateway states counts once its last batch is in the ledger without a hole.
CREATE OR REPLACE VIEW gateway_completeness AS
SELECT g.gateway_id, g.name AS gateway, g.site_id, g.state,
    coalesce(s.presence, 'offline') AS presence, s.heard_at,
    coalesce(
        min(e.reached) FILTER (WHERE NOT e.is_settled),
        max(e.reached) FILTER (WHERE e.is_settled),
        '-infinity') AS complete_until
FROM gateway g
LEFT JOIN gateway_status s ON s.gateway_id = g.gateway_id
LEFT JOIN LATERAL (
    SELECT c.is_final OR c.abandoned_at IS NOT NULL AS is_settled,
        greatest(c.complete_until, CASE WHEN c.contiguous_no >= c.stated_no THEN c.stated_until END) AS reached
    FROM completeness c WHERE c.gateway_id = g.gateway_id
) e ON true
WHERE g.kind = 'edge'
GROUP BY g.gateway_id, g.name, g.site_id, g.state, s.presence, s.heard_at;

-- Only active gateways hold a site's watermark back (DOMAIN D7).
CREATE OR REPLACE VIEW site_completeness AS
SELECT s.site_id,
    coalesce(min(g.complete_until) FILTER (WHERE g.state = 'active'), '-infinity') AS complete_until,
    count(*) FILTER (WHERE g.state = 'active') AS active_gateways,
    coalesce(array_agg(g.gateway ORDER BY g.gateway)
        FILTER (WHERE g.state = 'active' AND g.presence = 'offline'), '{}') AS offline_gateways
FROM site s
LEFT JOIN gateway_completeness g ON g.site_id = s.site_id
GROUP BY s.site_id;

GRANT SELECT ON canonical_item, gateway_completeness, site_completeness
    TO dockledger_ingest, dockledger_app, dockledger_planner, dockledger_auditor;
