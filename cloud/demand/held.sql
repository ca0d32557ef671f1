-- name: hold
INSERT INTO demand_held AS h (site_id, source, origin, name, payload, reason, message, held_at, due_at)
VALUES (%(site)s, %(source)s, %(origin)s, %(name)s, %(payload)s, %(reason)s, %(message)s, clock_timestamp(), %(due_at)s)
ON CONFLICT (site_id, source, origin, name) DO UPDATE
SET state = 'held', reason = excluded.reason, message = excluded.message, due_at = excluded.due_at, tries = 0,
    held_at = CASE WHEN h.state = 'replayed' THEN excluded.held_at ELSE h.held_at END, settled_at = NULL, settled_by = NULL, settled_because = NULL
WHERE h.state = 'replayed' OR (h.state = 'held' AND h.reason <> excluded.reason);

-- name: due
WITH longest AS (
    SELECT f.site_id, f.source FROM demand_held f
    WHERE f.state = 'held' AND f.due_at <= %(now)s
    ORDER BY f.due_at, f.held_id
    LIMIT 1
)
SELECT h.held_id, h.site_id AS site, h.source, h.origin, h.name, h.payload, h.reason, h.message, h.held_at, h.due_at,
    h.tries, h.state, h.settled_at, h.settled_by, h.settled_because
FROM longest f
JOIN demand_held h ON (h.site_id, h.source) = (f.site_id, f.source) AND h.state = 'held' AND h.due_at <= %(now)s
ORDER BY h.held_id
LIMIT %(limit)s
FOR UPDATE OF h SKIP LOCKED;

-- name: one
SELECT h.held_id, h.site_id AS site, h.source, h.origin, h.name, h.payload, h.reason, h.message, h.held_at, h.due_at,
    h.tries, h.state, h.settled_at, h.settled_by, h.settled_because
FROM demand_held h
WHERE h.held_id = %(held_id)s
FOR UPDATE;

-- name: held
SELECT h.held_id, h.site_id AS site, h.source, h.origin, h.name, h.payload, h.reason, h.message, h.held_at, h.due_at,
    h.tries, h.state, h.settled_at, h.settled_by, h.settled_because
FROM demand_held h
WHERE h.held_id > %(after)s AND (%(site)s::text IS NULL OR h.site_id = %(site)s)
    AND (%(source)s::text IS NULL OR h.source = %(source)s) AND (%(state)s::text IS NULL OR h.state = %(state)s)
ORDER BY h.held_id
LIMIT %(limit)s;

-- name: settle
UPDATE demand_held h
SET state = %(state)s, settled_at = %(now)s, settled_by = %(actor)s, settled_because = %(because)s
WHERE h.held_id = %(held_id)s AND h.state = 'held';

-- name: named
SELECT h.held_id, h.site_id AS site, h.source, h.origin, h.name, h.payload, h.reason, h.message, h.held_at, h.due_at,
    h.tries, h.state, h.settled_at, h.settled_by, h.settled_because
FROM demand_held h
WHERE (h.site_id, h.source, h.origin, h.name) = (%(site)s, %(source)s, %(origin)s, %(name)s)
FOR UPDATE;

-- name: put_off
UPDATE demand_held h
SET tries = h.tries + 1, reason = %(reason)s, message = %(message)s, due_at = %(due_at)s
WHERE h.held_id = %(held_id)s;

-- name: try_now
UPDATE demand_held h SET due_at = %(now)s, tries = 0 WHERE h.held_id = %(held_id)s AND h.state = 'held';

-- name: source_is_due
UPDATE demand_held h SET due_at = %(now)s, tries = 0
WHERE (h.site_id, h.source) = (%(site)s, %(source)s) AND h.state = 'held' AND h.reason = %(reason)s;

-- name: source_is_busy
UPDATE demand_held h SET due_at = %(due_at)s
WHERE (h.site_id, h.source) = (%(site)s, %(source)s) AND h.state = 'held' AND h.due_at <= %(now)s;

-- name: try_source_now
UPDATE demand_held h SET due_at = %(now)s, tries = 0
WHERE (h.site_id, h.source) = (%(site)s, %(source)s) AND h.state = 'held';

-- name: discard_source
UPDATE demand_held h
SET state = 'discarded', settled_at = %(now)s, settled_by = %(actor)s, settled_because = %(because)s
WHERE (h.site_id, h.source) = (%(site)s, %(source)s) AND h.state = 'held';

-- name: waiting
SELECT count(*), coalesce(sum(octet_length(h.payload)), 0)
FROM demand_held h
WHERE h.site_id = %(site)s AND h.state = 'held' AND (h.source = %(source)s OR (
    NOT EXISTS (SELECT FROM demand_source d WHERE (d.site_id, d.name) = (%(site)s, %(source)s))
    AND NOT EXISTS (SELECT FROM demand_source d WHERE (d.site_id, d.name) = (h.site_id, h.source))));

-- name: how_many
SELECT count(*), min(h.message) FROM demand_held h
WHERE (h.site_id, h.source) = (%(site)s, %(source)s) AND h.state = 'held';
