-- Blocks of serial references, and labels as people read them (DOMAIN D8).

-- Takes the next block of a site's series for a gateway; numbers that anything bears or has been given are passed over.
-- Whoever gives out single SSCCs of the network waits, and the other way round.
CREATE OR REPLACE FUNCTION reserve_sscc_block(of_gateway text, of_shelf bigint, wanted integer, who text) RETURNS SETOF sscc_block
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    place  record;
    series sscc_series;
    room   bigint;
    lowest bigint;
    claimed int8range;
BEGIN
    SELECT g.gateway_id, g.site_id INTO place FROM gateway g
    WHERE g.name = of_gateway AND g.kind = 'edge' AND sees_site(g.site_id);
    IF NOT FOUND OR wanted NOT BETWEEN 1 AND 100000 THEN
        RETURN;
    END IF;
    PERFORM FROM sscc_series s WHERE s.site_id = place.site_id FOR UPDATE;  -- first, as whoever gives out single ones
    PERFORM pg_advisory_xact_lock(1936945000);
    LOOP
        UPDATE sscc_series s SET next_serial = s.next_serial + wanted WHERE s.site_id = place.site_id
        RETURNING s.* INTO series;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        room := rpad('1', 17 - length(series.company_prefix), '0')::bigint;
        IF series.next_serial > room THEN
            UPDATE sscc_series s SET next_serial = s.next_serial - wanted WHERE s.site_id = place.site_id;
            RETURN;
        END IF;
        lowest := (series.extension_digit || series.company_prefix)::bigint * room + series.next_serial - wanted;
        claimed := int8range(lowest, lowest + wanted);
        CONTINUE WHEN EXISTS (SELECT FROM sscc_block b WHERE b.numbers && claimed)
            OR EXISTS (SELECT FROM issued_sscc i
                WHERE i.sscc BETWEEN lpad(lowest::text, 17, '0') AND lpad((lowest + wanted - 1)::text, 17, '0') || '9')
            OR EXISTS (SELECT FROM location l
                WHERE l.kind = 'unit' AND l.code ~ '^[0-9]{18}$'
                    AND l.code BETWEEN lpad(lowest::text, 17, '0') AND lpad((lowest + wanted - 1)::text, 17, '0') || '9');
        RETURN QUERY INSERT INTO sscc_block (site_id, gateway_id, shelf, company_prefix, extension_digit,
            first_serial, last_serial, numbers, reserved_by)
        VALUES (place.site_id, place.gateway_id, of_shelf, series.company_prefix, series.extension_digit,
            series.next_serial - wanted, series.next_serial - 1, claimed, who)
        RETURNING *;
        RETURN;
    END LOOP;
END
$$;

-- A single SSCC that lies in somebody's block is not given out: its insertion is left out, and the next one taken.
CREATE OR REPLACE FUNCTION pass_over_reserved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1936945000);
    IF EXISTS (SELECT FROM sscc_block b WHERE b.numbers @> left(NEW.sscc, 17)::bigint) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER reserved BEFORE INSERT ON issued_sscc FOR EACH ROW EXECUTE FUNCTION pass_over_reserved();

-- Labels printed at a site, by the cloud and by its gateways, the latest first.
CREATE OR REPLACE FUNCTION read_label_prints(of_site text, before_at timestamptz, before_key text, most integer)
    RETURNS TABLE (key text, site text, printed_at timestamptz, kind text, subject text, copies integer, way text,
        printer text, is_reprint boolean, reason text, printed_by text, gateway text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH printed AS (
        (SELECT 'c' || p.print_id AS key, p.site_id AS site, p.printed_at, p.kind, p.subject, p.copies, p.way,
            NULL AS printer, p.reason IS NOT NULL AS is_reprint, p.reason, p.printed_by, NULL AS gateway
        FROM label_print p
        WHERE p.site_id = of_site AND sees_site(p.site_id) AND p.printed_at <= before_at
        ORDER BY p.printed_at DESC LIMIT most + 1000)
        UNION ALL
        (SELECT concat_ws('/', 'g' || w.gateway_id, w.epoch, w.seq), w.site_id, w.occurred_at, w.step,
            coalesce(w.detail ->> 'subject', w.detail ->> 'note', ''), coalesce((w.detail ->> 'copies')::integer, 1), 'printer', w.detail ->> 'printer',
            w.outcome = 'reprinted', w.detail ->> 'reason', coalesce(w.detail ->> 'actor', ''), g.name
        FROM workflow_event w JOIN gateway g ON g.gateway_id = w.gateway_id
        WHERE w.workflow = 'label' AND w.site_id = of_site AND sees_site(w.site_id) AND w.occurred_at <= before_at
        ORDER BY w.occurred_at DESC LIMIT most + 1000)
    )
    SELECT * FROM printed p WHERE (p.printed_at, p.key) < (before_at, before_key)
    ORDER BY p.printed_at DESC, p.key DESC LIMIT most
$$;

-- A counter as a heartbeat says it; null if it is no count, for one gateway's nonsense must not stop what others get.
CREATE OR REPLACE FUNCTION count_said(health jsonb, counter text) RETURNS bigint
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN jsonb_typeof(said) = 'number' THEN
        CASE WHEN said::numeric BETWEEN 0 AND 9007199254740992 AND said::numeric = trunc(said::numeric)
            THEN said::numeric::bigint END
        END
    FROM (SELECT health -> 'counters' -> counter) AS x (said)
$$;

-- Gateways that print, with what each says that it has left, on which shelf, and of which message.
CREATE OR REPLACE VIEW printing_gateway WITH (security_invoker = true) AS
    SELECT g.gateway_id, g.name AS gateway, g.site_id AS site, s.health_at,
        said.shelf, said.sscc_left, said.revision,
        (SELECT max(m.revision) FROM gateway_message m
            WHERE m.gateway_id = g.gateway_id AND m.channel = 'reference') AS sent_revision,
        (SELECT b.shelf FROM sscc_block b WHERE b.gateway_id = g.gateway_id ORDER BY b.block_id DESC LIMIT 1)
            AS last_shelf
    FROM gateway g JOIN gateway_status s ON s.gateway_id = g.gateway_id
    CROSS JOIN LATERAL (SELECT count_said(s.health, 'label_shelf') AS shelf, count_said(s.health, 'sscc_left') AS sscc_left,
        count_said(s.health, 'reference_revision') AS revision) said
    WHERE g.kind = 'edge' AND g.state IN ('active', 'paused') AND s.health -> 'counters' ? 'label_shelf'
        AND said.shelf IS NOT NULL AND said.sscc_left IS NOT NULL AND said.revision IS NOT NULL;
GRANT SELECT ON printing_gateway TO dockledger_app, dockledger_auditor;

-- Units that stand somewhere at a site, those that moved last first; before them those of open visits.
CREATE OR REPLACE FUNCTION units_known_at(of_site text, at_most integer) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(k.unit ORDER BY k.moved_at DESC, k.unit), '{}')
    FROM (
        SELECT x.unit, max(x.moved_at) AS moved_at
        FROM (
            SELECT l.code AS unit, last.occurred_at AS moved_at
            FROM (
                SELECT DISTINCT ON (p.unit_id) p.unit_id, p.site_id, p.location_id, p.occurred_at
                FROM unit_position p JOIN ledger_entry e ON e.posting_id = p.posting_id
                WHERE NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) v
                    WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))
                ORDER BY p.unit_id, p.occurred_at DESC, e.position DESC, p.seq DESC) last
            JOIN location l ON l.location_id = last.unit_id
            JOIN location place ON place.location_id = last.location_id AND place.kind <> 'virtual'
            WHERE last.site_id = of_site
            UNION ALL
            SELECT d.unit, 'infinity' FROM visit v
            JOIN visit_document h ON (h.site_id, h.visit) = (v.site_id, v.visit)
            JOIN document_line d ON (d.site_id, d.type, d.id) = (h.site_id, h.type, h.id)
            WHERE v.site_id = of_site AND v.state = 'open' AND d.unit IS NOT NULL) x
        WHERE sees_site(of_site)
        GROUP BY x.unit
        ORDER BY moved_at DESC, x.unit
        LIMIT at_most) k
$$;

REVOKE ALL ON FUNCTION reserve_sscc_block(text, bigint, integer, text), pass_over_reserved(), count_said(jsonb, text),
    units_known_at(text, integer), read_label_prints(text, timestamptz, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reserve_sscc_block(text, bigint, integer, text), count_said(jsonb, text),
    units_known_at(text, integer), read_label_prints(text, timestamptz, text, integer) TO dockledger_app;
GRANT EXECUTE ON FUNCTION count_said(jsonb, text), read_label_prints(text, timestamptz, text, integer) TO dockledger_auditor;
