-- Which site supplies which with what, and what that asks of the supplying site (DOMAIN D10).

DROP FUNCTION IF EXISTS pub_open_transfer_lines(text);
DROP FUNCTION IF EXISTS pub_dependent_requirements(text);
DROP FUNCTION IF EXISTS pub_supply_circles(bigint[]);
DROP FUNCTION IF EXISTS sites_supplied();
DROP FUNCTION IF EXISTS sites_that_supply(bigint[]);

-- Of each item, or some, at each site whose supplier, chosen as `terms.choose` does, is a site of ours. A site is no supplier
-- of itself, and has at most one of an item.
CREATE FUNCTION sites_that_supply(items bigint[]) RETURNS TABLE (from_site text, to_site text, item_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH alike AS (
        SELECT DISTINCT c.canonical_id
        FROM supplier_item t
        JOIN supplier s ON s.supplier = t.supplier AND s.own_site IS NOT NULL
        JOIN canonical_item c ON c.item_id = t.item_id
        WHERE items IS NULL OR c.canonical_id = ANY (items)
    ), chosen AS (
        SELECT DISTINCT ON (x.site_id, c.canonical_id) x.site_id, c.canonical_id, s.own_site
        FROM supplier_item t
        JOIN supplier s ON s.supplier = t.supplier
        JOIN canonical_item c ON c.item_id = t.item_id
        JOIN alike a ON a.canonical_id = c.canonical_id
        JOIN site x ON x.site_id = coalesce(t.site_id, x.site_id)
        WHERE s.own_site IS DISTINCT FROM x.site_id AND NOT (t.site_id IS NULL AND EXISTS (
            SELECT FROM supplier_item n
            WHERE (n.supplier, n.item_id, n.site_id) = (t.supplier, t.item_id, x.site_id)))
        ORDER BY x.site_id, c.canonical_id, NOT t.is_preferred, t.site_id IS NULL, t.price IS NULL, t.price,
            t.supplier COLLATE "C"
    )
    SELECT h.own_site, h.site_id, h.canonical_id FROM chosen h WHERE h.own_site IS NOT NULL
$$;

-- The same of the session's sites.
CREATE FUNCTION sites_supplied() RETURNS TABLE (from_site text, to_site text, item_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.from_site, s.to_site, s.item_id FROM sites_that_supply(NULL) s
    WHERE sees_site(s.from_site) OR sees_site(s.to_site)
$$;

-- Of each item that goes round in a circle, once from each site of the circle: who draws from whom until it is there again.
-- Whoever states terms is told, whichever sites they concern.
CREATE FUNCTION pub_supply_circles(items bigint[]) RETURNS TABLE (item_id bigint, item text, site text, way text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE edges AS MATERIALIZED (
        SELECT s.item_id, s.to_site, s.from_site FROM sites_that_supply(items) s
    ), walk AS (
        SELECT e.item_id, e.to_site AS site, ARRAY[e.to_site, e.from_site] AS way FROM edges e
        UNION ALL
        SELECT w.item_id, w.site, w.way || e.from_site
        FROM walk w JOIN edges e ON (e.item_id, e.to_site) = (w.item_id, w.way[cardinality(w.way)])
        WHERE w.way[cardinality(w.way)] <> ALL (w.way[:cardinality(w.way) - 1])
    )
    SELECT w.item_id, i.code, w.site, w.way
    FROM walk w JOIN item i ON i.item_id = w.item_id
    WHERE w.way[cardinality(w.way)] = w.site
    ORDER BY i.code COLLATE "C", w.site COLLATE "C"
$$;

-- What other sites draw from one: open transfers that have not left, by name, and what they plan beyond (no name), with the
-- planning site's day and, where the item goes round in a circle through both, the way round.
CREATE FUNCTION pub_dependent_requirements(sending text)
    RETURNS TABLE (item_id bigint, to_site text, id text, quantity numeric, due_on date, drafted numeric,
        planned_on date, way text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH open_ones AS (
        SELECT t.id, t.to_site FROM transfer t
        WHERE t.from_site = sending AND t.departed_at IS NULL AND t.cancelled_at IS NULL AND sees_site(sending)
    ), planned AS (
        SELECT p.*, r.started_at, (r.inputs ->> 'today')::date AS planned_on FROM planned_transfer p
        JOIN planning_run r ON r.run_id = p.run_id
        WHERE p.from_site = sending AND sees_site(sending)
    ), since AS (
        SELECT t.id, t.to_site FROM transfer t
        JOIN (SELECT p.site_id, max(p.started_at) AS started_at FROM planned p GROUP BY p.site_id) x ON x.site_id = t.to_site
        WHERE t.from_site = sending AND t.cancelled_at IS NULL AND t.created_at > x.started_at
    ), drafted AS (
        SELECT n.to_site, l.item_id, sum(l.ordered) AS quantity
        FROM document_lines_now(ARRAY[sending], 'transfer', ARRAY(SELECT n.id FROM since n)) l JOIN since n ON n.id = l.id
        GROUP BY n.to_site, l.item_id
    )
    SELECT l.item_id, o.to_site, o.id, l.ordered - l.moved, coalesce(l.due_on, l.registered_at::date), NULL::numeric,
        NULL::date, NULL::text[]
    FROM document_lines_now(ARRAY[sending], 'transfer', ARRAY(SELECT o.id FROM open_ones o)) l
    JOIN open_ones o ON o.id = l.id
    WHERE l.item_id IS NOT NULL AND l.ordered > l.moved AND NOT l.is_ended
    UNION ALL
    SELECT p.item_id, p.site_id, NULL, p.quantity, p.leaves_on, coalesce(d.quantity, 0), p.planned_on, c.way
    FROM planned p
    LEFT JOIN drafted d ON (d.to_site, d.item_id) = (p.site_id, p.item_id)
    LEFT JOIN pub_supply_circles(ARRAY(SELECT DISTINCT x.item_id FROM planned x)) c
        ON c.item_id = p.item_id AND c.site = sending AND p.site_id = ANY (c.way)
    ORDER BY 1, 2, 5, 3
$$;

-- What is still to come to a site by transfer: what was ordered, or has left once the vehicle is on its way.
CREATE FUNCTION pub_open_transfer_lines(receiving text)
    RETURNS TABLE (item_id bigint, id text, line text, from_site text, quantity numeric, due_on date, drafted_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH coming AS (
        SELECT t.id, t.from_site, t.departed_at, t.created_at FROM transfer t
        WHERE t.to_site = receiving AND t.cancelled_at IS NULL AND sees_site(receiving)
    ), here AS (
        SELECT l.* FROM document_lines_now(ARRAY[receiving], 'transfer', ARRAY(SELECT c.id FROM coming c)) l
        WHERE l.item_id IS NOT NULL AND l.ordered > l.moved AND NOT l.is_ended
    ), due AS (
        SELECT h.item_id, h.id, h.line, c.from_site, h.due_on, c.created_at,
            CASE WHEN c.departed_at IS NULL THEN h.ordered ELSE s.moved END - h.moved AS quantity
        FROM here h
        JOIN coming c ON c.id = h.id
        JOIN document_lines_now(NULL, 'transfer', ARRAY(SELECT h.id FROM here h)) s
            ON (s.site, s.id, s.line) = (c.from_site, h.id, h.line)
    )
    SELECT d.item_id, d.id, d.line, d.from_site, d.quantity, coalesce(d.due_on, d.created_at::date), d.created_at
    FROM due d WHERE d.quantity > 0
    ORDER BY d.item_id, d.id, d.line
$$;

REVOKE ALL ON FUNCTION sites_that_supply(bigint[]), sites_supplied(), pub_supply_circles(bigint[]),
    pub_dependent_requirements(text), pub_open_transfer_lines(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sites_supplied(), pub_supply_circles(bigint[]), pub_dependent_requirements(text),
    pub_open_transfer_lines(text) TO dockledger_app;
