-- A lot's date that is stated or changed may make goods expire too soon that handhelds received of it (DOMAIN D8): the numbers
-- under which they were scanned are looked at again, if its item ever asked how long they must keep.
CREATE OR REPLACE FUNCTION note_lot_date() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    INSERT INTO scanned_note (site_id, id)
    SELECT DISTINCT m.site_id, d ->> 'id'
    FROM canonical_item n
    JOIN cell t ON t.item_id = n.item_id AND t.lot = new.lot
    JOIN movement m ON m.item_id = n.item_id AND m.to_cell = t.cell_id AND m.detail @? '$.documents[*].line' AND m.reverses_seq IS NULL
    JOIN gateway g ON g.gateway_id = m.gateway_id AND g.name <> '_cloud'
    JOIN cell c ON c.cell_id = m.from_cell
    JOIN location s ON s.location_id = c.location_id AND s.code = '@supplier'
    CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d
    WHERE n.canonical_id = new.item_id AND d ->> 'type' = 'receipt' AND d ->> 'line' IS NOT NULL
        AND EXISTS (SELECT FROM item_life l WHERE l.item_id = new.item_id AND l.minimum_days IS NOT NULL);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER known_to_scans AFTER INSERT OR UPDATE OF expires_on ON lot
    FOR EACH ROW WHEN (new.expires_on IS NOT NULL) EXECUTE FUNCTION note_lot_date();

REVOKE ALL ON FUNCTION note_lot_date() FROM PUBLIC;
