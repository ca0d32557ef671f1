-- Crossings as people read them, the cards that need a person, and what settles these (DOMAIN D2). All functions
-- run with the owner's rights; those that take `sites` show these (NULL: all), the others the session's.

DROP FUNCTION IF EXISTS read_crossings(text, bigint, bigint, text, text, text, text, text, text, text, timestamptz,
    timestamptz, timestamptz, integer, bigint, bigint, integer);
DROP FUNCTION IF EXISTS read_doors(text, text, text, integer);
DROP FUNCTION IF EXISTS read_open_cards(text, timestamptz, integer, bigint, bigint, integer);
DROP FUNCTION IF EXISTS read_answered_cards(text, timestamptz, integer, bigint, bigint, integer);
DROP FUNCTION IF EXISTS count_open_cards(integer);
DROP FUNCTION IF EXISTS crossing_within(text[], text, bigint, bigint);
DROP FUNCTION IF EXISTS crossing_records(text[], text, bigint, bigint);
DROP FUNCTION IF EXISTS crossing_observations(text[], text, bigint, bigint);
DROP FUNCTION IF EXISTS crossing_answers(text[], text, bigint, bigint);
DROP FUNCTION IF EXISTS open_cards(text[], text);
DROP FUNCTION IF EXISTS visit_crossings(text[], text);
DROP VIEW IF EXISTS crossing_told;
DROP VIEW IF EXISTS open_card_key;

-- Identities of the crossings that need a person: held, or posted without one visit, and not answered; or taken back.
CREATE VIEW open_card_key AS
SELECT x.gateway_id, x.epoch, x.seq, x.occurred_at, x.site_id
FROM crossing x
WHERE (x.posted = 'held' OR (x.posted = 'posted' AND x.detail ->> 'because' IN ('no_visit', 'several_visits')))
    AND NOT EXISTS (
        SELECT FROM crossing_answer a WHERE (a.gateway_id, a.epoch, a.seq) = (x.gateway_id, x.epoch, x.seq))
UNION ALL
SELECT a.gateway_id, a.epoch, a.seq, a.crossing_at, a.site_id
FROM crossing_answer a
WHERE a.answer = 'misread' AND NOT EXISTS (
    SELECT FROM crossing_answer later
    WHERE (later.gateway_id, later.epoch, later.seq) = (a.gateway_id, a.epoch, a.seq) AND later.step > a.step);

-- `stands` is the direction that is posted now; `evidence` what its movement or position carries.
CREATE VIEW crossing_told AS
SELECT g.name AS gateway, x.epoch, x.seq, x.gateway_id AS gateway_key, x.site_id AS site, s.time_zone,
    x.occurred_at, x.occurred_at_claimed, x.time_basis, x.first_seen_at, e.position, e.recorded_at,
    e.actor AS posted_by, x.portal, x.epc, x.direction, x.reads, x.posted, x.detail ->> 'because' AS because,
    x.visit, (x.detail ->> 'confidence')::double precision AS confidence, x.detail ->> 'unit' AS unit,
    x.detail -> 'identifier' ->> 'scheme' AS identifier_scheme, x.detail -> 'identifier' ->> 'value' AS identifier,
    x.detail ->> 'unit_seen' AS unit_seen, x.detail ->> 'inside_location' AS inside_location,
    x.detail ->> 'outside_location' AS outside_location, x.detail ->> 'device' AS device,
    coalesce(x.detail ->> 'evidence_id', g.name || '/' || lpad(to_hex(x.epoch), 16, '0') || '/' || x.seq) AS evidence,
    coalesce(x.detail -> 'antennas', '[]') AS antennas, coalesce(x.detail -> 'trace', '[]') AS trace,
    x.detail - ARRAY['trace', 'antennas'] AS detail,
    coalesce(a.step, 0) AS step, a.answer, a.visit AS answer_visit, a.answered_by, a.answered_at,
    coalesce(a.visit, x.visit) AS visit_now,
    CASE
        WHEN a.answer IN ('in', 'out') THEN a.answer
        WHEN a.answer IN ('did_not_move', 'misread') THEN NULL
        WHEN x.posted = 'posted' THEN x.direction
    END AS stands,
    CASE
        WHEN a.answer = 'misread' THEN 'open'
        WHEN a.answer IS NOT NULL THEN 'answered'
        WHEN x.posted = 'held' OR (x.posted = 'posted' AND x.detail ->> 'because' IN ('no_visit', 'several_visits'))
            THEN 'open'
    END AS card
FROM crossing x
JOIN ledger_entry e ON e.posting_id = x.posting_id
JOIN gateway g ON g.gateway_id = x.gateway_id
JOIN site s ON s.site_id = x.site_id
LEFT JOIN LATERAL (
    SELECT l.* FROM crossing_answer l
    WHERE l.gateway_id = x.gateway_id AND l.epoch = x.epoch AND l.seq = x.seq
    ORDER BY l.step DESC LIMIT 1
) a ON true;

-- The latest occurrence first; below a row's place for the next page.
CREATE FUNCTION read_crossings(
    of_gateway text, of_epoch bigint, only_seq bigint, in_site text, at_portal text, of_epc text, of_visit text,
    with_direction text, with_posted text, with_card text, occurred_from timestamptz, occurred_until timestamptz,
    below_at timestamptz, below_gateway integer, below_epoch bigint, below_seq bigint, at_most integer)
    RETURNS SETOF crossing_told LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    IF of_visit IS NOT NULL OR with_card IS NOT NULL THEN -- few rows of one time, which an index finds
        SELECT greatest(occurred_from, min(k.at)), least(occurred_until, max(k.at)) INTO occurred_from, occurred_until
        FROM (
            SELECT x.occurred_at FROM crossing x WHERE x.visit = of_visit
            UNION ALL SELECT a.crossing_at FROM crossing_answer a WHERE a.visit = of_visit
            UNION ALL SELECT o.occurred_at FROM open_card_key o WHERE of_visit IS NULL AND with_card = 'open'
            UNION ALL SELECT a.crossing_at FROM crossing_answer a WHERE of_visit IS NULL AND with_card = 'answered'
        ) k (at)
        HAVING count(*) > 0;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
    SELECT t.* FROM crossing_told t
    WHERE sees_site(t.site)
        AND (below_at IS NULL OR (t.occurred_at <= below_at
            AND (t.occurred_at, t.gateway_key, t.epoch, t.seq) < (below_at, below_gateway, below_epoch, below_seq)))
        AND (of_gateway IS NULL OR t.gateway = of_gateway)
        AND (of_epoch IS NULL OR t.epoch = of_epoch)
        AND (only_seq IS NULL OR t.seq = only_seq)
        AND (in_site IS NULL OR t.site = in_site)
        AND (at_portal IS NULL OR t.portal = at_portal)
        AND (of_epc IS NULL OR t.epc = of_epc)
        AND (of_visit IS NULL OR t.visit_now = of_visit)
        AND (with_direction IS NULL OR t.direction = with_direction)
        AND (with_posted IS NULL OR t.posted = with_posted)
        AND (with_card IS NULL OR t.card = with_card)
        AND (occurred_from IS NULL OR t.occurred_at >= occurred_from)
        AND (occurred_until IS NULL OR t.occurred_at <= occurred_until)
    ORDER BY t.occurred_at DESC, t.gateway_key DESC, t.epoch DESC, t.seq DESC
    LIMIT at_most;
END
$$;

-- The last crossings of every portal; portals are found by skipping along the index, whatever the history's length.
-- `decisive` is whatever is not evidence only: a pallet's cases would fill a door that they cross inside it.
CREATE FUNCTION read_doors(in_site text, at_portal text, with_posted text, per_portal integer)
    RETURNS SETOF crossing_told LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE door AS (
        (SELECT x.site_id, x.portal FROM crossing x ORDER BY x.site_id, x.portal LIMIT 1)
        UNION ALL
        SELECT n.site_id, n.portal FROM door d CROSS JOIN LATERAL (
            SELECT x.site_id, x.portal FROM crossing x
            WHERE (x.site_id, x.portal) > (d.site_id, d.portal)
            ORDER BY x.site_id, x.portal LIMIT 1) n
    ), seen AS MATERIALIZED (
        SELECT d.* FROM door d
        WHERE sees_site(d.site_id) AND (in_site IS NULL OR d.site_id = in_site)
            AND (at_portal IS NULL OR d.portal = at_portal)
        ORDER BY d.site_id, d.portal LIMIT 100
    )
    SELECT c.* FROM seen d CROSS JOIN LATERAL (
        SELECT t.* FROM crossing_told t
        WHERE t.site = d.site_id AND t.portal = d.portal
            AND (with_posted IS NULL OR t.posted = with_posted
                OR (with_posted = 'decisive' AND t.posted <> 'evidence'))
        ORDER BY t.occurred_at DESC, t.gateway_key DESC, t.epoch DESC, t.seq DESC
        LIMIT per_portal) c
    ORDER BY d.site_id, d.portal, c.occurred_at DESC, c.gateway_key DESC, c.epoch DESC, c.seq DESC;
END
$$;

-- Cards that wait, the oldest first.
CREATE FUNCTION read_open_cards(
    in_site text, above_at timestamptz, above_gateway integer, above_epoch bigint, above_seq bigint, at_most integer)
    RETURNS SETOF crossing_told LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    WITH waiting AS MATERIALIZED (
        SELECT k.* FROM open_card_key k
        WHERE sees_site(k.site_id) AND (in_site IS NULL OR k.site_id = in_site)
            AND (above_at IS NULL
                OR (k.occurred_at, k.gateway_id, k.epoch, k.seq) > (above_at, above_gateway, above_epoch, above_seq))
        ORDER BY k.occurred_at, k.gateway_id, k.epoch, k.seq
        LIMIT at_most
    )
    SELECT t.* FROM waiting w
    JOIN crossing_told t ON t.gateway_key = w.gateway_id AND t.epoch = w.epoch AND t.seq = w.seq
        AND t.occurred_at = w.occurred_at
    ORDER BY t.occurred_at, t.gateway_key, t.epoch, t.seq;
END
$$;

-- Cards that were answered, the latest answer first.
CREATE FUNCTION read_answered_cards(
    in_site text, below_at timestamptz, below_gateway integer, below_epoch bigint, below_seq bigint, at_most integer)
    RETURNS SETOF crossing_told LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    WITH settled AS MATERIALIZED (
        SELECT a.* FROM crossing_answer a
        WHERE sees_site(a.site_id) AND (in_site IS NULL OR a.site_id = in_site) AND a.answer <> 'misread'
            AND (below_at IS NULL OR (a.answered_at <= below_at
                AND (a.answered_at, a.gateway_id, a.epoch, a.seq) < (below_at, below_gateway, below_epoch, below_seq)))
            AND NOT EXISTS (
                SELECT FROM crossing_answer later
                WHERE (later.gateway_id, later.epoch, later.seq) = (a.gateway_id, a.epoch, a.seq)
                    AND later.step > a.step)
        ORDER BY a.answered_at DESC, a.gateway_id DESC, a.epoch DESC, a.seq DESC
        LIMIT at_most
    )
    SELECT t.* FROM settled a
    JOIN crossing_told t ON t.gateway_key = a.gateway_id AND t.epoch = a.epoch AND t.seq = a.seq
        AND t.occurred_at = a.crossing_at
    ORDER BY a.answered_at DESC, a.gateway_id DESC, a.epoch DESC, a.seq DESC;
END
$$;

CREATE FUNCTION count_open_cards(at_most integer) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*)::integer FROM (SELECT FROM open_card_key k WHERE sees_site(k.site_id) LIMIT at_most) waiting
$$;

-- A crossing of the sites; no row does not tell whether another site has it.
CREATE FUNCTION crossing_within(sites text[], of_gateway text, of_epoch bigint, of_seq bigint)
    RETURNS SETOF crossing_told
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.* FROM crossing_told t
    WHERE t.gateway = of_gateway AND t.epoch = of_epoch AND t.seq = of_seq
        AND (sites IS NULL OR t.site = ANY (sites))
    ORDER BY t.occurred_at LIMIT 1
$$;

-- What the crossing and its answers moved: rows that carry its evidence, of its instant or (where the gateway's
-- clocks were not believed) stated right after it, in the ledger's order.
CREATE FUNCTION crossing_records(sites text[], of_gateway text, of_epoch bigint, of_seq bigint)
    RETURNS TABLE (kind text, gateway text, epoch bigint, seq bigint, "position" bigint, recorded_at timestamptz,
        occurred_at timestamptz, item text, quantity numeric, unit text, from_place text, to_place text, reason text, actor text,
        is_reversal boolean, is_reversed boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH c AS MATERIALIZED (SELECT * FROM crossing_within(sites, of_gateway, of_epoch, of_seq))
    SELECT r.* FROM (
        SELECT 'movement' AS kind, g.name, m.epoch, m.seq, e.position, e.recorded_at, m.occurred_at, i.code, m.quantity,
            NULL::text AS unit, fl.code AS from_place, tl.code AS to_place, m.reason, m.detail ->> 'actor',
            m.reverses_seq IS NOT NULL AS is_reversal,
            EXISTS (SELECT FROM claim k WHERE k.kind = 'reversal'
                AND k.target = g.name || '/' || lpad(to_hex(m.epoch), 16, '0') || '/' || m.seq) AS is_reversed
        FROM c
        CROSS JOIN LATERAL (
            SELECT x.* FROM movement x WHERE x.occurred_at = c.occurred_at
            UNION
            SELECT x.* FROM movement x
            WHERE x.gateway_id = c.gateway_key AND x.epoch = c.epoch AND x.seq BETWEEN c.seq + 1 AND c.seq + 2
        ) m
        JOIN ledger_entry e ON e.posting_id = m.posting_id
        JOIN gateway g ON g.gateway_id = m.gateway_id
        JOIN item i ON i.item_id = m.item_id
        JOIN cell fc ON fc.cell_id = m.from_cell
        JOIN location fl ON fl.location_id = fc.location_id
        JOIN cell tc ON tc.cell_id = m.to_cell
        JOIN location tl ON tl.location_id = tc.location_id
        WHERE m.site_id = c.site AND m.detail ->> 'evidence_id' = c.evidence
        UNION ALL
        SELECT 'unit_position', g.name, p.epoch, p.seq, e.position, e.recorded_at, p.occurred_at, NULL, NULL, u.code, f.code,
            coalesce(l.code, h.code), p.detail ->> 'reason', p.detail ->> 'actor',
            p.detail ->> 'reason' = 'misread', false
        FROM c
        JOIN location u ON u.code = c.unit AND u.kind = 'unit'
        CROSS JOIN LATERAL (
            SELECT x.* FROM unit_position x WHERE x.unit_id = u.location_id AND x.occurred_at = c.occurred_at
            UNION
            SELECT x.* FROM unit_position x
            WHERE x.gateway_id = c.gateway_key AND x.epoch = c.epoch AND x.seq BETWEEN c.seq + 1 AND c.seq + 2
                AND x.unit_id = u.location_id
        ) p
        JOIN ledger_entry e ON e.posting_id = p.posting_id
        JOIN gateway g ON g.gateway_id = p.gateway_id
        LEFT JOIN location l ON l.location_id = p.location_id
        LEFT JOIN location h ON h.location_id = p.parent_id
        LEFT JOIN location f ON f.location_id = p.from_location_id
        WHERE p.site_id = c.site AND p.detail ->> 'evidence_id' = c.evidence
    ) r (kind, gateway, epoch, seq, "position", recorded_at, occurred_at, item, quantity, unit, from_place, to_place, reason,
        actor, is_reversal, is_reversed)
    ORDER BY r.position, r.gateway, r.seq
$$;

-- What was surely seen of the same tag or unit next before and next after, by other evidence: places say whether
-- it was inside. Accounts (`@…`) are outside.
CREATE FUNCTION crossing_observations(sites text[], of_gateway text, of_epoch bigint, of_seq bigint)
    RETURNS TABLE (is_later boolean, kind text, gateway text, epoch bigint, seq bigint, observed_at timestamptz,
        from_place text, to_place text, direction text, actor text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH c AS MATERIALIZED (SELECT * FROM crossing_within(sites, of_gateway, of_epoch, of_seq)),
    side (is_later) AS (VALUES (false), (true))
    SELECT s.is_later, o.*
    FROM c CROSS JOIN side s CROSS JOIN LATERAL (
        (SELECT 'crossing', t.gateway, t.epoch, t.seq, t.occurred_at, t.portal, NULL::text, t.stands, t.answered_by
        FROM crossing_told t
        WHERE t.epc = c.epc AND t.site = c.site AND t.stands IN ('in', 'out') AND t.evidence <> c.evidence
            AND CASE WHEN s.is_later THEN t.occurred_at > c.occurred_at ELSE t.occurred_at < c.occurred_at END
        ORDER BY CASE WHEN s.is_later THEN t.occurred_at - c.occurred_at ELSE c.occurred_at - t.occurred_at END
        LIMIT 1)
        UNION ALL
        (SELECT 'unit_position', g.name, p.epoch, p.seq, p.occurred_at, f.code, l.code, NULL, p.detail ->> 'actor'
        FROM location u
        JOIN unit_position p ON p.unit_id = u.location_id
        JOIN location l ON l.location_id = p.location_id
        LEFT JOIN location f ON f.location_id = p.from_location_id
        JOIN gateway g ON g.gateway_id = p.gateway_id
        WHERE u.code = c.unit AND u.kind = 'unit' AND p.site_id = c.site
            AND coalesce(p.detail ->> 'evidence_id', '') <> c.evidence
            AND CASE WHEN s.is_later THEN p.occurred_at > c.occurred_at ELSE p.occurred_at < c.occurred_at END
        ORDER BY CASE WHEN s.is_later THEN p.occurred_at - c.occurred_at ELSE c.occurred_at - p.occurred_at END
        LIMIT 1)
        UNION ALL
        (SELECT 'movement', g.name, m.epoch, m.seq, m.occurred_at, fl.code, tl.code, NULL, m.detail ->> 'actor'
        FROM identifier i
        JOIN movement m ON m.item_id = i.item_id
            AND m.occurred_at BETWEEN c.occurred_at - INTERVAL '1 day' AND c.occurred_at + INTERVAL '1 day'
        JOIN gateway g ON g.gateway_id = m.gateway_id
        JOIN cell fc ON fc.cell_id = m.from_cell
        JOIN location fl ON fl.location_id = fc.location_id
        JOIN cell tc ON tc.cell_id = m.to_cell
        JOIN location tl ON tl.location_id = tc.location_id
        WHERE i.scheme = 'gtin' AND i.value = c.unit_seen AND m.site_id = c.site AND m.reverses_seq IS NULL
            AND m.detail -> 'epcs' ?| ARRAY[c.epc, c.identifier]
            AND coalesce(m.detail ->> 'evidence_id', '') <> c.evidence
            AND CASE WHEN s.is_later THEN m.occurred_at > c.occurred_at ELSE m.occurred_at < c.occurred_at END
        ORDER BY CASE WHEN s.is_later THEN m.occurred_at - c.occurred_at ELSE c.occurred_at - m.occurred_at END
        LIMIT 1)
    ) o (kind, gateway, epoch, seq, observed_at, from_place, to_place, direction, actor)
$$;

-- Every step that people took with a crossing, in order.
CREATE FUNCTION crossing_answers(sites text[], of_gateway text, of_epoch bigint, of_seq bigint)
    RETURNS TABLE (step integer, answer text, visit text, answered_by text, answered_at timestamptz, "position" bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.step, a.answer, a.visit, a.answered_by, a.answered_at, e.position
    FROM crossing_answer a
    JOIN gateway g ON g.gateway_id = a.gateway_id
    JOIN ledger_entry e ON e.posting_id = a.posting_id
    WHERE g.name = of_gateway AND a.epoch = of_epoch AND a.seq = of_seq
        AND (sites IS NULL OR a.site_id = ANY (sites))
    ORDER BY a.step
$$;

-- Writes a step inside the open posting, which has claimed it.
CREATE OR REPLACE FUNCTION add_crossing_answer(
    of_gateway text, of_epoch bigint, of_seq bigint, of_crossing_at timestamptz, next_step integer, said text,
    chosen_visit text, actor text)
    RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO crossing_answer (
        gateway_id, epoch, seq, step, crossing_at, site_id, answer, visit, answered_by, posting_id)
    SELECT x.gateway_id, x.epoch, x.seq, next_step, x.occurred_at, x.site_id, said, chosen_visit, actor, open_posting()
    FROM crossing x JOIN gateway g ON g.gateway_id = x.gateway_id
    WHERE g.name = of_gateway AND x.epoch = of_epoch AND x.seq = of_seq AND x.occurred_at = of_crossing_at
        AND sees_site(x.site_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no crossing % of gateway % at your sites', of_seq, of_gateway USING ERRCODE = 'no_data_found';
    END IF;
    RETURN next_step;
END
$$;

-- Visits that an answer may choose, as the documents publish them.
CREATE OR REPLACE FUNCTION choosable_visits(sites text[])
    RETURNS TABLE (visit text, site text, door text, direction text, from_at timestamptz, clearing_account text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF to_regprocedure('pub_open_visits(text[])') IS NOT NULL THEN
        RETURN QUERY EXECUTE
            'SELECT v.visit, v.site, v.door, v.direction, v.from_at, v.clearing_account '
            'FROM pub_open_visits($1) v ORDER BY v.from_at, v.visit'
        USING sites;
    END IF;
END
$$;

-- For those who close visits: cards that wait, and what stands as having crossed for a visit.
CREATE FUNCTION open_cards(sites text[], of_visit text)
    RETURNS TABLE (gateway text, epoch bigint, seq bigint, site text, portal text, occurred_at timestamptz, epc text,
        direction text, posted text, because text, visit text, unit text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.gateway, t.epoch, t.seq, t.site, t.portal, t.occurred_at, t.epc, t.direction, t.posted, t.because,
        t.visit_now, t.unit
    FROM open_card_key k
    JOIN crossing_told t ON t.gateway_key = k.gateway_id AND t.epoch = k.epoch AND t.seq = k.seq
        AND t.occurred_at = k.occurred_at
    WHERE (sites IS NULL OR k.site_id = ANY (sites)) AND (of_visit IS NULL OR t.visit_now = of_visit)
    ORDER BY t.occurred_at, t.gateway, t.epoch, t.seq
$$;

CREATE FUNCTION visit_crossings(sites text[], of_visit text)
    RETURNS TABLE (gateway text, epoch bigint, seq bigint, site text, portal text, occurred_at timestamptz,
        direction text, epc text, unit text, identifier_scheme text, identifier text, unit_seen text,
        outside_location text, evidence_id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH candidate AS (
        SELECT x.gateway_id, x.epoch, x.seq, x.occurred_at FROM crossing x WHERE x.visit = of_visit
        UNION
        SELECT a.gateway_id, a.epoch, a.seq, a.crossing_at FROM crossing_answer a WHERE a.visit = of_visit
    )
    SELECT t.gateway, t.epoch, t.seq, t.site, t.portal, t.occurred_at, t.stands, t.epc, t.unit, t.identifier_scheme,
        t.identifier, t.unit_seen, t.outside_location, t.evidence
    FROM candidate k
    JOIN crossing_told t ON t.gateway_key = k.gateway_id AND t.epoch = k.epoch AND t.seq = k.seq
        AND t.occurred_at = k.occurred_at
    WHERE (sites IS NULL OR t.site = ANY (sites)) AND t.stands IN ('in', 'out') AND t.visit_now = of_visit
    ORDER BY t.occurred_at, t.gateway, t.epoch, t.seq
$$;

REVOKE ALL ON FUNCTION
    read_crossings(text, bigint, bigint, text, text, text, text, text, text, text, timestamptz, timestamptz,
        timestamptz, integer, bigint, bigint, integer),
    read_doors(text, text, text, integer),
    read_open_cards(text, timestamptz, integer, bigint, bigint, integer),
    read_answered_cards(text, timestamptz, integer, bigint, bigint, integer), count_open_cards(integer),
    crossing_within(text[], text, bigint, bigint), crossing_records(text[], text, bigint, bigint),
    crossing_observations(text[], text, bigint, bigint), crossing_answers(text[], text, bigint, bigint),
    add_crossing_answer(text, bigint, bigint, timestamptz, integer, text, text, text),
    choosable_visits(text[]), open_cards(text[], text), visit_crossings(text[], text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    read_crossings(text, bigint, bigint, text, text, text, text, text, text, text, timestamptz, timestamptz,
        timestamptz, integer, bigint, bigint, integer),
    read_doors(text, text, text, integer),
    read_open_cards(text, timestamptz, integer, bigint, bigint, integer),
    read_answered_cards(text, timestamptz, integer, bigint, bigint, integer), count_open_cards(integer),
    crossing_within(text[], text, bigint, bigint), crossing_records(text[], text, bigint, bigint),
    crossing_observations(text[], text, bigint, bigint), crossing_answers(text[], text, bigint, bigint),
    add_crossing_answer(text, bigint, bigint, timestamptz, integer, text, text, text),
    choosable_visits(text[]), open_cards(text[], text), visit_crossings(text[], text)
    TO dockledger_app;
GRANT EXECUTE ON FUNCTION open_cards(text[], text) TO dockledger_ingest;
