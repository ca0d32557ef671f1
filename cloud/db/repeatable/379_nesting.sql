-- Since when a unit would stand in itself if it were put into another one at an instant (DOMAIN D5); NULL: never. From
-- then until its next position every unit around it counts, as followed so far and in the posting that asks.
CREATE OR REPLACE FUNCTION circle_since(
    of_unit bigint, into_unit bigint, at_instant timestamptz, other_units bigint[], other_parents bigint[],
    other_instants timestamptz[])
    RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH RECURSIVE around AS (
        SELECT into_unit AS unit_id, at_instant AS since_at, least(
            coalesce((SELECT min(p.occurred_at) FROM unit_position p
                WHERE p.unit_id = of_unit AND p.occurred_at > at_instant
                    AND NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) v
                        WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))), 'infinity'),
            coalesce((SELECT min(o.at) FROM unnest(other_units, other_instants) o (unit_id, at)
                WHERE o.unit_id = of_unit AND o.at > at_instant), 'infinity')) AS left_at, 1 AS depth
        UNION
        SELECT held.parent_id, greatest(a.since_at, held.occurred_at), least(a.left_at, held.next_at), a.depth + 1
        FROM around a
        CROSS JOIN LATERAL (
            SELECT s.parent_id, s.occurred_at, lead(s.occurred_at, 1, 'infinity') OVER (ORDER BY s.occurred_at, s.rank) AS next_at
            FROM (
                SELECT p.parent_id, p.occurred_at, coalesce(e.position, 9223372036854775807) AS rank
                FROM unit_position p LEFT JOIN ledger_entry e ON e.posting_id = p.posting_id
                WHERE p.unit_id = a.unit_id AND NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) v
                    WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))
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

-- Units that ever stood in one another and round again, with any of these.
CREATE OR REPLACE FUNCTION units_in_circles(seeds bigint[]) RETURNS bigint[]
    LANGUAGE sql STABLE SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH RECURSIVE outwards AS (
        SELECT s.unit_id FROM unnest(seeds) s (unit_id)
        UNION
        SELECT p.parent_id FROM outwards o JOIN unit_position p ON p.unit_id = o.unit_id AND p.parent_id IS NOT NULL
    ), inwards AS (
        SELECT s.unit_id FROM unnest(seeds) s (unit_id)
        UNION
        SELECT p.unit_id FROM inwards i JOIN unit_position p ON p.parent_id = i.unit_id
    )
    SELECT coalesce(array_agg(o.unit_id ORDER BY o.unit_id), '{}') FROM outwards o JOIN inwards i ON i.unit_id = o.unit_id
$$;

-- Which positions are followed, once a posting has stated more: in the order in which they occurred, each that does not put
-- its unit into itself as all stand then. So it is no matter which arrived first; of different units at one instant the
-- order is that of their names. Nearly every posting has no unit in another and touches no circle: it waits for nobody.
CREATE OR REPLACE FUNCTION follow_positions(p bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    touched CONSTANT bigint[] := ARRAY(SELECT DISTINCT u.unit_id FROM unit_position u WHERE u.posting_id = p);
    seeds   bigint[];
    circle  bigint[];
    stands  integer[];
    refused unit_position[] := '{}';
    stated  unit_position;
    own     integer;
    holder  integer;
BEGIN
    IF NOT EXISTS (SELECT FROM unit_position u WHERE u.posting_id = p AND u.parent_id IS NOT NULL)
        AND NOT EXISTS (SELECT FROM unfollowed_position v WHERE v.until_posting IS NULL AND v.units && touched)
    THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('units in units')); -- halves of a circle come one after the other
    seeds := ARRAY(
        SELECT u.unit_id FROM unit_position u
        WHERE u.posting_id = p AND u.parent_id IS NOT NULL
            AND circle_since(u.unit_id, u.parent_id, u.occurred_at, '{}', '{}', '{}') IS NOT NULL
        UNION
        SELECT t.unit_id FROM unfollowed_position v CROSS JOIN LATERAL unnest(v.units) t (unit_id)
        WHERE v.until_posting IS NULL AND v.units && touched);
    IF seeds = '{}' THEN
        RETURN;
    END IF;
    circle := units_in_circles(seeds);
    stands := array_fill(NULL::integer, ARRAY[cardinality(circle)]);
    FOR stated IN
        SELECT u.*
        FROM unit_position u
        JOIN location l ON l.location_id = u.unit_id
        LEFT JOIN ledger_entry e ON e.posting_id = u.posting_id
        WHERE u.unit_id = ANY (circle)
        ORDER BY u.occurred_at, l.code, e.position NULLS LAST, u.seq
    LOOP
        own := array_position(circle, stated.unit_id);
        holder := array_position(circle, stated.parent_id);
        WHILE holder IS NOT NULL AND holder <> own LOOP
            holder := stands[holder];
        END LOOP;
        IF holder = own THEN
            refused := refused || stated;
        ELSE
            stands[own] := array_position(circle, stated.parent_id);
        END IF;
    END LOOP;
    UPDATE unfollowed_position v SET until_posting = p
    WHERE v.until_posting IS NULL AND v.unit_id = ANY (circle) AND NOT EXISTS (
        SELECT FROM unnest(refused) r WHERE (r.gateway_id, r.epoch, r.seq) = (v.gateway_id, v.epoch, v.seq));
    INSERT INTO unfollowed_position (gateway_id, epoch, seq, occurred_at, site_id, unit_id, units, since_posting)
    SELECT r.gateway_id, r.epoch, r.seq, r.occurred_at, r.site_id, r.unit_id, circle, p
    FROM unnest(refused) r
    WHERE NOT EXISTS (SELECT FROM unfollowed_position v WHERE v.until_posting IS NULL
        AND (v.gateway_id, v.epoch, v.seq) = (r.gateway_id, r.epoch, r.seq));
    UPDATE unfollowed_position v SET units = circle
    WHERE v.until_posting IS NULL AND v.unit_id = ANY (circle) AND v.units <> circle;
END
$$;

REVOKE ALL ON FUNCTION units_in_circles(bigint[]), follow_positions(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION circle_since(bigint, bigint, timestamptz, bigint[], bigint[], timestamptz[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION circle_since(bigint, bigint, timestamptz, bigint[], bigint[], timestamptz[])
    TO dockledger_ingest, dockledger_app;
