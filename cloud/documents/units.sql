-- name: put_series
INSERT INTO sscc_series AS s (site_id, company_prefix, extension_digit, next_serial, set_by)
VALUES (%(site)s, %(prefix)s, %(extension)s, %(first)s, %(actor)s)
ON CONFLICT (site_id) DO UPDATE
SET company_prefix = excluded.company_prefix, extension_digit = excluded.extension_digit,
    next_serial = excluded.next_serial, set_by = excluded.set_by, set_at = clock_timestamp()
WHERE (s.company_prefix, s.extension_digit) <> (excluded.company_prefix, excluded.extension_digit)
    OR s.next_serial < excluded.next_serial;

-- name: series
SELECT s.site_id AS site, s.company_prefix, s.extension_digit, s.next_serial, s.set_by, s.set_at
FROM sscc_series s WHERE s.site_id = %(site)s;

-- name: next_serials
UPDATE sscc_series SET next_serial = next_serial + %(count)s WHERE site_id = %(site)s
RETURNING company_prefix, extension_digit, next_serial - %(count)s;

-- name: units_known
SELECT l.code FROM location l WHERE l.kind = 'unit' AND l.code = ANY (%(codes)s::text[]);

-- name: add_issued
INSERT INTO issued_sscc (sscc, site_id, receipt, issued_by)
SELECT x.sscc, %(site)s, %(receipt)s, %(actor)s FROM unnest(%(codes)s::text[]) AS x (sscc)
ON CONFLICT DO NOTHING
RETURNING sscc;
