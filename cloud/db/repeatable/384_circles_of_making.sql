-- Averages of what is made in a circle: kits taken apart and made again, repacks there and back (DOMAIN D8).

DROP FUNCTION IF EXISTS knows_same(jsonb, jsonb);
DROP FUNCTION IF EXISTS settled(average_base[], made_line[], jsonb);
DROP FUNCTION IF EXISTS steps_of_circle(bigint[], double precision[], double precision[]);
DROP FUNCTION IF EXISTS passed_on(made_line[], jsonb);

-- Whether the same items have a cost.
CREATE FUNCTION knows_same(a jsonb, b jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT ARRAY(SELECT jsonb_object_keys(jsonb_strip_nulls(a))) = ARRAY(SELECT jsonb_object_keys(jsonb_strip_nulls(b)))
$$;

-- How much of each component's average goes into the value of each product, as carry() shares it at the costs given.
CREATE FUNCTION passed_on(lines made_line[], costs jsonb)
    RETURNS TABLE (product bigint, component bigint, quantity numeric)
    LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    WITH line AS MATERIALIZED (
        SELECT l.*, CASE WHEN NOT l.is_input THEN l.quantity * l.standard
            WHEN l.open_quantity = 0 THEN l.known_value
            ELSE l.known_value + l.open_quantity * (costs ->> l.item_id::text)::numeric END AS worth
        FROM unnest(lines) l
    ), whole AS (
        SELECT l.type, l.id, coalesce(sum(l.worth) FILTER (WHERE l.is_input), 0) AS used,
            coalesce(sum(l.worth) FILTER (WHERE NOT l.is_input), 0) AS at_standard,
            bool_and(l.share IS NOT NULL) FILTER (WHERE NOT l.is_input AND l.standard IS NULL) AS by_share
        FROM line l GROUP BY l.type, l.id
        HAVING NOT bool_or(l.is_unknown OR (l.is_input AND l.worth IS NULL))
    ), product AS (
        SELECT x.type, x.id, x.item_id, x.weight / nullif(sum(x.weight) OVER (PARTITION BY x.type, x.id), 0) AS part
        FROM (
            SELECT l.type, l.id, l.item_id, CASE WHEN w.by_share THEN l.share ELSE abs(l.weight) END AS weight
            FROM whole w JOIN line l ON (l.type, l.id) = (w.type, w.id) AND NOT l.is_input AND l.standard IS NULL
            WHERE sign(w.used - w.at_standard) = sign(w.used)
        ) x
    )
    SELECT p.item_id, l.item_id, sum(p.part * l.open_quantity)
    FROM product p JOIN line l ON (l.type, l.id) = (p.type, p.id) AND l.is_input
    GROUP BY p.item_id, l.item_id HAVING sum(p.part * l.open_quantity) <> 0
$$;

-- Solves one linear equation for each item by elimination; one that says nothing new leaves its item where it is.
CREATE FUNCTION steps_of_circle(items bigint[], factors double precision[], rest double precision[])
    RETURNS TABLE (item_id bigint, step double precision)
    LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
DECLARE
    n     integer := cardinality(items);
    times double precision;
BEGIN
    FOR k IN 1..n LOOP
        IF abs(factors[(k - 1) * n + k]) < 1e-9 THEN
            FOR c IN k..n LOOP
                factors[(k - 1) * n + c] := (c = k)::integer;
            END LOOP;
            rest[k] := 0;
        END IF;
        FOR i IN k + 1..n LOOP
            times := factors[(i - 1) * n + k] / factors[(k - 1) * n + k];
            CONTINUE WHEN times = 0;
            FOR c IN k + 1..n LOOP
                factors[(i - 1) * n + c] := factors[(i - 1) * n + c] - times * factors[(k - 1) * n + c];
            END LOOP;
            rest[i] := rest[i] - times * rest[k];
        END LOOP;
    END LOOP;
    FOR k IN REVERSE n..1 LOOP
        FOR c IN k + 1..n LOOP
            rest[k] := rest[k] - factors[(k - 1) * n + c] * rest[c];
        END LOOP;
        rest[k] := rest[k] / factors[(k - 1) * n + k];
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(items, rest);
END
$$;

-- The averages without any rounding, where things are made in a circle, and the items that come to none; as they were given
-- where nothing is. What is on circles, or between them, is solved at once; the rest follows in as many passes as it is deep.
-- Sixty bound what never does.
CREATE FUNCTION settled(bases average_base[], lines made_line[], INOUT costs jsonb, OUT is_circular boolean,
    OUT unsettled bigint[])
    LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
DECLARE
    fine       constant integer := 18;
    products   bigint[];
    components bigint[];
    items      bigint[];
    links      integer := -1;
    found      jsonb;
    pools      jsonb;
    factors    double precision[];
    rest       double precision[];
BEGIN
    SELECT array_agg(p.product), array_agg(p.component) INTO products, components FROM passed_on(lines, costs) p;
    WHILE cardinality(products) <> links LOOP
        links := cardinality(products);
        SELECT array_agg(e.product), array_agg(e.component) INTO products, components
        FROM unnest(products, components) e (product, component)
        WHERE e.product = ANY (components) AND e.component = ANY (products);
    END LOOP;
    is_circular := products IS NOT NULL;
    IF NOT is_circular THEN
        RETURN;
    END IF;
    SELECT array_agg(x.item_id ORDER BY x.links, x.item_id) INTO items
    FROM (SELECT p.item_id, count(*) AS links FROM unnest(products || components) p (item_id) GROUP BY p.item_id) x;
    FOR pass IN 1..60 LOOP
        SELECT jsonb_object_agg(a.item_id, a.cost), jsonb_object_agg(a.item_id, a.pooled) INTO found, pools
        FROM average_with(bases, lines, costs, fine, fine, true) a;
        SELECT array_agg(f.key::bigint) INTO unsettled
        FROM jsonb_each_text(found) f
        CROSS JOIN LATERAL (SELECT f.value::numeric AS next, (costs ->> f.key)::numeric AS last) v
        WHERE (v.next IS NULL) <> (v.last IS NULL) OR abs(v.next - v.last) > 1e-12 + 1e-10 * abs(v.next);
        EXIT WHEN unsettled IS NULL;
        SELECT array_agg((r.at = c.at)::integer - coalesce(p.quantity / (pools ->> r.item_id::text)::numeric, 0)
            ORDER BY r.at, c.at) INTO factors
        FROM unnest(items) WITH ORDINALITY r (item_id, at)
        CROSS JOIN unnest(items) WITH ORDINALITY c (item_id, at)
        LEFT JOIN passed_on(lines, costs) p ON (p.product, p.component) = (r.item_id, c.item_id);
        SELECT array_agg(coalesce((found ->> r.item_id::text)::numeric - (costs ->> r.item_id::text)::numeric, 0)
            ORDER BY r.at) INTO rest
        FROM unnest(items) WITH ORDINALITY r (item_id, at);
        SELECT found || jsonb_object_agg(s.item_id,
            coalesce((costs ->> s.item_id::text)::numeric + s.step::numeric, (found ->> s.item_id::text)::numeric)) INTO costs
        FROM steps_of_circle(items, factors, rest) s
        WHERE found -> s.item_id::text <> 'null' AND abs(s.step) < 1e20;
        costs := coalesce(costs, found);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION
    knows_same(jsonb, jsonb), passed_on(made_line[], jsonb), steps_of_circle(bigint[], double precision[], double precision[]),
    settled(average_base[], made_line[], jsonb) FROM PUBLIC;
