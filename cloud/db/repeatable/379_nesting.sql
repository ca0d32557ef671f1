-- Since when a unit would stand in itself if it were put into another one at an instant (DOMAIN D5); NULL: never. From
-- then until its next position every unit around it counts, as stated so far and in the posting that asks.
CREATE OR REPLACE FUNCTION circle_since(
    of_unit bigint, into_unit bigint, at_instant timestamptz, other_units bigint[], other_parents bigint[],
    other_instants timestamptz[])
    RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH RECURSIVE around AS (
        SELECT into_unit AS unit_id, at_instant AS since_at, least(
            coalesce((SELECT min(p.occurred_at) FROM unit_position p
                WHERE p.unit_id = of_unit AND p.occurred_at > at_instant), 'infinity'),
            coalesce((SELECT min(o.at) FROM unnest(other_units, other_instants) o (unit_id, at)
                WHERE o.unit_id = of_unit AND o.at > at_instant), 'infinity')) AS left_at, 1 AS depth
        UNION
        SELECT held.parent_id, greatest(a.since_at, held.occurred_at), least(a.left_at, held.next_at), a.depth + 1
        FROM around a
        CROSS JOIN LATERAL (
            SELECT s.parent_id, s.occurred_at, lead(s.occurred_at, 1, 'infinity') OVER (ORDER BY s.occurred_at, s.rank) AS next_at
            FROM (
                SELECT p.parent_id, p.occurred_at, e.position AS rank
                FROM unit_position p JOIN ledger_entry e ON e.posting_id = p.posting_id
                WHERE p.unit_id = a.unit_id
                UNION ALL
                SELECT o.parent_id, o.at, 9223372036854775807
                FROM unnest(other_units, other_parents, other_instants) o (unit_id, parent_id, at)
                WHERE o.unit_id = a.unit_id
            ) s) held
        WHERE held.parent_id IS NOT NULL AND held.next_at > a.since_at AND held.occurred_at < a.left_at
            AND a.unit_id <> of_unit AND a.depth < 20
    )
    SELECT min(a.since_at) FROM around a WHERE a.unit_id = of_unit
$$;

REVOKE ALL ON FUNCTION circle_since(bigint, bigint, timestamptz, bigint[], bigint[], timestamptz[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION circle_since(bigint, bigint, timestamptz, bigint[], bigint[], timestamptz[])
    TO dockledger_ingest, dockledger_app;
