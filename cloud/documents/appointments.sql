-- name: at_doors
SELECT v.site_id AS site, v.visit, v.door, v.direction, v.from_at, v.to_at, v.arrived_at, v.carrier, s.time_zone,
    ARRAY(SELECT d.type || '/' || d.id FROM visit_document d
          WHERE (d.site_id, d.visit) = (v.site_id, v.visit) ORDER BY d.type, d.id) AS documents,
    ARRAY(SELECT o.visit FROM visit o
          WHERE (o.site_id, o.door) = (v.site_id, v.door) AND o.state = 'open' AND o.visit <> v.visit
              AND tstzrange(o.from_at, o.to_at) && tstzrange(v.from_at, v.to_at)
          ORDER BY o.from_at, o.visit) AS overlaps
FROM visit v JOIN site s ON s.site_id = v.site_id
WHERE v.state = 'open' AND (%(site)s::text IS NULL OR v.site_id = %(site)s)
    AND (%(direction)s::text IS NULL OR v.direction = %(direction)s)
    AND (%(visit)s::text IS NULL OR v.visit = %(visit)s)
    AND (%(until_at)s::timestamptz IS NULL OR v.from_at < %(until_at)s)
ORDER BY v.from_at, v.site_id, v.door, v.visit
LIMIT %(limit)s;

-- name: move_window
UPDATE visit SET door = %(door)s, from_at = %(from_at)s, to_at = %(to_at)s, carrier = %(carrier)s
WHERE site_id = %(site)s AND visit = %(visit)s AND state = 'open';

-- name: arrive
UPDATE visit SET arrived_at = %(at)s
WHERE site_id = %(site)s AND visit = %(visit)s AND state = 'open' AND arrived_at IS NULL;
