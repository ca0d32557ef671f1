-- A year and a half of one site, stated in one go: the same text on plain PostgreSQL and on TimescaleDB.
INSERT INTO site (site_id, name) VALUES ('leeds', 'Leeds');
INSERT INTO gateway (name, kind, site_id) VALUES ('gw-1', 'edge', 'leeds');
SELECT begin_posting();
INSERT INTO item (code) SELECT 'item-' || i FROM generate_series(1, 5) i;
INSERT INTO location (site_id, code, kind)
SELECT 'leeds', code, CASE WHEN code LIKE '@%' THEN 'virtual' ELSE 'bin' END
FROM unnest(ARRAY['@supplier', '@customer', 'A-01', 'A-02']) WITH ORDINALITY AS known (code, nth) ORDER BY nth;
INSERT INTO cell (item_id, location_id, site_id, posting_id)
SELECT i.item_id, l.location_id, 'leeds', currval('posting_id_seq')
FROM item i, location l ORDER BY i.item_id, l.location_id;
INSERT INTO movement (
    gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell, to_cell, quantity, site_id,
    identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis, detail)
SELECT g.gateway_id, 7, n, t.occurred_at, currval('posting_id_seq'), i.item_id, f.cell_id, d.cell_id,
    1 + n % 9, 'leeds', 'sku', i.code, 1 + n % 9, 'base', t.occurred_at, 'claimed', '{}'
FROM generate_series(1, 2000) n
CROSS JOIN LATERAL (SELECT timestamptz '2024-05-01 00:00Z' + n * interval '6 hours' AS occurred_at) t
JOIN gateway g ON g.name = 'gw-1'
JOIN item i ON i.code = 'item-' || 1 + n % 5
JOIN location lf ON lf.code = CASE WHEN n % 3 = 0 THEN 'A-01' ELSE '@supplier' END
JOIN location ld ON ld.code = CASE WHEN n % 3 = 0 THEN '@customer' ELSE 'A-0' || 1 + n % 2 END
JOIN cell f ON f.item_id = i.item_id AND f.location_id = lf.location_id
JOIN cell d ON d.item_id = i.item_id AND d.location_id = ld.location_id
WHERE lf.code <> ld.code;
SELECT close_posting(currval('posting_id_seq'), 'batch', 'device:gw-1');
