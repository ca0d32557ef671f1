-- name: site_exists
SELECT site_id FROM site WHERE site_id = %(site)s;

-- name: location_id
SELECT location_id FROM location WHERE site_id = %(site)s AND code = %(code)s AND kind IN ('site', 'zone', 'bin');

-- name: confirm_location
UPDATE location SET is_provisional = false, parent_id = %(parent_id)s
WHERE site_id = %(site)s AND code = %(code)s AND kind = %(kind)s AND is_provisional;

-- name: insert_location
INSERT INTO location (site_id, code, kind, parent_id)
VALUES (%(site)s, %(code)s, %(kind)s, %(parent_id)s)
ON CONFLICT DO NOTHING;
