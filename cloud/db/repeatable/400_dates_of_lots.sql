-- When a lot is no longer good (DOMAIN D6, D8): what people said holds, else what its labels say, else its item's shelf life after its
-- production. Labels are read in the ledger's order, each movement once; what was reversed says nothing.

DROP FUNCTION IF EXISTS note_lot_labels(bigint);
DROP FUNCTION IF EXISTS settle_lot_labels(bigint[], text[]);
DROP FUNCTION IF EXISTS lot_labels_of(bigint[], text[]);

-- Whoever writes a lot says only what was said; which date holds follows, whatever came first.
CREATE OR REPLACE FUNCTION lot_dates_follow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT new.is_production_stated THEN
        new.produced_on := new.label_produced_on;
    END IF;
    IF NOT new.is_expiry_stated THEN
        new.expires_on := coalesce(new.label_expires_on,
            new.produced_on + (SELECT i.shelf_life_days FROM item i WHERE i.item_id = new.item_id));
    END IF;
    RETURN new;
END
$$;
CREATE OR REPLACE TRIGGER dates_follow BEFORE INSERT OR UPDATE ON lot
    FOR EACH ROW EXECUTE FUNCTION lot_dates_follow();

-- A day that a label says. A release before this one kept what it did not know as it came: what is no day, or none that two
-- digits of a year could mean, says nothing.
CREATE OR REPLACE FUNCTION label_day(told text) RETURNS date LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF told !~ '^(19[5-9]|20|21)\d+-\d\d-\d\d$' OR length(told) <> 10 THEN
        RETURN NULL;
    END IF;
    RETURN make_date(left(told, 4)::integer, substr(told, 6, 2)::integer, right(told, 2)::integer);
EXCEPTION WHEN datetime_field_overflow THEN
    RETURN NULL;
END
$$;

-- Counts what labels say in the next stretch of the ledger's order, of up to so many movements, those of a posting together; gives
-- how many positions are left.
CREATE FUNCTION note_lot_labels(most bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    start_at bigint;
    stop_at  bigint;
    last_at  bigint;
    counted  bigint := 0;
    entry    record;
BEGIN
    SELECT h.position INTO start_at FROM lot_label_head h FOR UPDATE;
    SELECT h.position INTO last_at FROM ledger_head h WHERE h.shard = 0;
    IF last_at <= start_at THEN
        RETURN 0;
    END IF;
    stop_at := start_at;
    FOR entry IN
        SELECT e.position, e.posting_id FROM ledger_entry e
        WHERE e.position > start_at AND e.position <= least(start_at + most, last_at) ORDER BY e.position
    LOOP
        counted := counted + (SELECT count(*) FROM movement m WHERE m.posting_id = entry.posting_id);
        EXIT WHEN counted > most AND stop_at > start_at;
        stop_at := entry.position;
    END LOOP;
    WITH scanned AS MATERIALIZED (
        SELECT m.item_id, m.site_id, m.gateway_id, m.occurred_at, coalesce(o.detail, m.detail) AS detail,
            CASE WHEN m.reverses_seq IS NULL THEN 1 ELSE -1 END AS sign,
            CASE WHEN m.reverses_seq IS NULL THEN coalesce(t.lot, f.lot) ELSE coalesce(f.lot, t.lot) END AS lot
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id
        LEFT JOIN movement o ON m.reverses_seq IS NOT NULL AND NOT m.detail ? 'label_dates'
            AND (o.gateway_id, o.epoch, o.seq) = (m.reverses_gateway, m.reverses_epoch, m.reverses_seq)
        JOIN cell f ON f.cell_id = m.from_cell
        JOIN cell t ON t.cell_id = m.to_cell
        WHERE e.position > start_at AND e.position <= stop_at AND coalesce(o.detail, m.detail) ? 'label_dates'
    ), said AS MATERIALIZED (
        SELECT s.item_id, s.lot, s.sign, s.site_id, s.gateway_id, s.occurred_at, s.detail ->> 'actor' AS actor,
            label_day(d.told ->> 'produced_on') AS produced_on, label_day(d.told ->> 'packed_on') AS packed_on,
            label_day(d.told ->> 'best_before') AS best_before, label_day(d.told ->> 'sell_by') AS sell_by,
            label_day(d.told ->> 'use_by') AS use_by
        FROM scanned s CROSS JOIN LATERAL (SELECT s.detail -> 'label_dates' AS told) d
        WHERE s.lot <> 'unspecified'
    ), counted AS (
        INSERT INTO lot_label AS l (
            item_id, lot, produced_on, packed_on, best_before, sell_by, use_by, said, site_id, gateway, actor, occurred_at)
        SELECT x.item_id, x.lot, x.produced_on, x.packed_on, x.best_before, x.sell_by, x.use_by, sum(x.sign),
            (array_agg(x.site_id ORDER BY x.occurred_at, x.site_id))[1],
            (array_agg(g.name ORDER BY x.occurred_at, x.site_id))[1],
            (array_agg(x.actor ORDER BY x.occurred_at, x.site_id))[1], min(x.occurred_at)
        FROM said x JOIN gateway g ON g.gateway_id = x.gateway_id
        WHERE coalesce(x.produced_on, x.packed_on, x.best_before, x.sell_by, x.use_by) IS NOT NULL
        GROUP BY x.item_id, x.lot, x.produced_on, x.packed_on, x.best_before, x.sell_by, x.use_by
        HAVING sum(x.sign) <> 0
        ORDER BY x.item_id, x.lot
        ON CONFLICT (item_id, lot, produced_on, packed_on, best_before, sell_by, use_by) DO UPDATE
        SET said = l.said + excluded.said,
            noted_at = CASE WHEN l.said <= 0 AND l.said + excluded.said > 0 THEN clock_timestamp() ELSE l.noted_at END,
            (site_id, gateway, actor, occurred_at) = (SELECT k.site_id, k.gateway, k.actor, k.occurred_at
                FROM (VALUES (l.site_id, l.gateway, l.actor, l.occurred_at),
                    (excluded.site_id, excluded.gateway, excluded.actor, excluded.occurred_at)) k (site_id, gateway, actor, occurred_at)
                ORDER BY k.occurred_at, k.site_id LIMIT 1)
        RETURNING l.item_id, l.lot
    )
    INSERT INTO lot_label_due (item_id, lot) SELECT DISTINCT c.item_id, c.lot FROM counted c;
    UPDATE lot_label_head SET position = stop_at;
    RETURN last_at - stop_at;
END
$$;

-- What labels say of lots by now, of their items and of all that read as them.
CREATE FUNCTION lot_labels_of(items bigint[], lots text[])
    RETURNS TABLE (item_id bigint, lot text, produced_on date, packed_on date, best_before date, sell_by date, use_by date,
        said bigint, site text, gateway text, actor text, occurred_at timestamptz, noted_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.item_id, a.lot, l.produced_on, l.packed_on, l.best_before, l.sell_by, l.use_by, l.said,
        CASE WHEN sees_site(l.site_id) THEN l.site_id END, CASE WHEN sees_site(l.site_id) THEN l.gateway END,
        CASE WHEN sees_site(l.site_id) THEN l.actor END, l.occurred_at, l.noted_at
    FROM unnest(items, lots) a (item_id, lot)
    JOIN canonical_item n ON n.canonical_id = a.item_id
    JOIN lot_label l ON l.item_id = n.item_id AND l.lot = a.lot AND l.said > 0
    ORDER BY a.item_id, a.lot, l.noted_at, l.label_id
$$;

-- Keeps with lots what their labels say: of several days the earliest.
CREATE FUNCTION settle_lot_labels(items bigint[], lots text[]) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO lot AS t (item_id, lot, is_expiry_stated, label_expires_on, is_best_before, label_produced_on, stated_by)
    SELECT a.item_id, a.lot, false, coalesce(s.use_by, s.best_before) + 1, s.use_by IS NULL AND s.best_before IS NOT NULL,
        s.produced_on, 'label'
    FROM (SELECT DISTINCT u.item_id, u.lot FROM unnest(items, lots) u (item_id, lot)) a
    LEFT JOIN lot k ON (k.item_id, k.lot) = (a.item_id, a.lot)
    CROSS JOIN LATERAL (
        SELECT min(l.use_by) AS use_by, min(l.best_before) AS best_before, min(l.produced_on) AS produced_on, count(*) AS labels
        FROM lot_labels_of(ARRAY[a.item_id], ARRAY[a.lot]) l) s
    WHERE s.labels > 0 OR k.lot IS NOT NULL
    ORDER BY a.item_id, a.lot
    ON CONFLICT (item_id, lot) DO UPDATE
    SET label_expires_on = excluded.label_expires_on, is_best_before = excluded.is_best_before,
        label_produced_on = excluded.label_produced_on, expires_on = t.expires_on
    WHERE (t.label_expires_on, t.is_best_before, t.label_produced_on)
        IS DISTINCT FROM (excluded.label_expires_on, excluded.is_best_before, excluded.label_produced_on)
$$;

-- Items that read as another from now on, or no more: what labels say of their lots goes along.
CREATE OR REPLACE FUNCTION lot_labels_of_merged() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO lot_label_due (item_id, lot)
    WITH reads_as AS (
        SELECT new.from_item AS item_id
        UNION
        SELECT c.canonical_id FROM item_alias a JOIN canonical_item c ON c.item_id = a.to_item WHERE a.from_item = new.from_item
    )
    SELECT DISTINCT r.item_id, l.lot
    FROM lot_label l
    JOIN canonical_item n ON n.item_id = l.item_id
    CROSS JOIN reads_as r
    WHERE l.item_id = new.from_item OR n.canonical_id IN (SELECT x.item_id FROM reads_as x);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER lot_labels_go_along AFTER INSERT ON item_alias
    FOR EACH ROW EXECUTE FUNCTION lot_labels_of_merged();

REVOKE ALL ON FUNCTION lot_dates_follow(), note_lot_labels(bigint), lot_labels_of(bigint[], text[]), settle_lot_labels(bigint[], text[]),
    lot_labels_of_merged() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_lot_labels(bigint), lot_labels_of(bigint[], text[]), settle_lot_labels(bigint[], text[])
    TO dockledger_app;
