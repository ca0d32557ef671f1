-- name: site
SELECT s.site_id FROM site s WHERE s.site_id = %(site)s AND sees_site(s.site_id);

-- name: add
INSERT INTO demand_source AS s (site_id, name, kind, address, settings, secret_from, every_minutes, from_at, due_at,
    recorded_by)
VALUES (%(site)s, %(name)s, %(kind)s, %(address)s, %(settings)s, %(secret_from)s, %(every_minutes)s, %(from_at)s,
    %(now)s, %(actor)s)
ON CONFLICT (site_id, name) DO NOTHING
RETURNING s.source_id, s.site_id AS site, s.name, s.kind, s.address, s.settings, s.secret_from, s.every_minutes, s.state,
    s.stopped_because, s.cursor, s.from_at, s.page_sha256, s.revision, s.due_at, s.failures, s.pulled_at, s.lines,
    s.last_error, s.recorded_at, s.recorded_by;

-- name: sources
SELECT s.source_id, s.site_id AS site, s.name, s.kind, s.address, s.settings, s.secret_from, s.every_minutes, s.state,
    s.stopped_because, s.cursor, s.from_at, s.page_sha256, s.revision, s.due_at, s.failures, s.pulled_at, s.lines,
    s.last_error, s.recorded_at, s.recorded_by
FROM demand_source s
WHERE s.source_id > %(after)s AND (%(site)s::text IS NULL OR s.site_id = %(site)s)
ORDER BY s.source_id
LIMIT %(limit)s;

-- name: source
SELECT s.source_id, s.site_id AS site, s.name, s.kind, s.address, s.settings, s.secret_from, s.every_minutes, s.state,
    s.stopped_because, s.cursor, s.from_at, s.page_sha256, s.revision, s.due_at, s.failures, s.pulled_at, s.lines,
    s.last_error, s.recorded_at, s.recorded_by
FROM demand_source s
WHERE s.source_id = %(source_id)s;

-- name: hold
SELECT s.source_id, s.site_id AS site, s.name, s.kind, s.address, s.settings, s.secret_from, s.every_minutes, s.state,
    s.stopped_because, s.cursor, s.from_at, s.page_sha256, s.revision, s.due_at, s.failures, s.pulled_at, s.lines,
    s.last_error, s.recorded_at, s.recorded_by
FROM demand_source s
WHERE s.source_id = %(source_id)s
FOR UPDATE;

-- name: set_state
UPDATE demand_source s
SET state = %(state)s, stopped_because = NULL, revision = s.revision + 1, due_at = %(now)s, failures = 0,
    last_error = CASE WHEN %(state)s = 'active' THEN NULL ELSE s.last_error END
WHERE s.source_id = %(source_id)s;

-- name: backfill
UPDATE demand_source s
SET cursor = NULL, from_at = %(from_at)s, page_sha256 = NULL, revision = s.revision + 1, due_at = %(now)s
WHERE s.source_id = %(source_id)s;

-- name: pull_soon
UPDATE demand_source s SET due_at = least(s.due_at, %(now)s) WHERE s.source_id = %(source_id)s;

-- name: claim
WITH due AS (
    SELECT d.source_id
    FROM demand_source d
    WHERE d.state = 'active' AND d.kind NOT IN ('push', 'mqtt') AND (d.due_at <= %(now)s OR d.source_id = %(only)s)
        AND (d.leased_until IS NULL OR d.leased_until <= %(now)s)
        AND (%(only)s::bigint IS NULL OR d.source_id = %(only)s)
    ORDER BY d.due_at, d.source_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE demand_source s
SET leased_until = %(until)s
FROM due
WHERE s.source_id = due.source_id
RETURNING s.source_id, s.site_id AS site, s.name, s.kind, s.address, s.settings, s.secret_from, s.every_minutes, s.state,
    s.stopped_because, s.cursor, s.from_at, s.page_sha256, s.revision, s.due_at, s.failures, s.pulled_at, s.lines,
    s.last_error, s.recorded_at, s.recorded_by;

-- name: advance
UPDATE demand_source s
SET cursor = coalesce(%(cursor)s, s.cursor), page_sha256 = %(sha256)s, lines = s.lines + %(lines)s,
    pulled_at = %(now)s, leased_until = clock_timestamp() + %(lease)s
WHERE s.source_id = %(source_id)s;

-- name: done
UPDATE demand_source s
SET leased_until = NULL, failures = 0, last_error = NULL, pulled_at = %(now)s,
    due_at = CASE WHEN s.revision = %(revision)s THEN %(due_at)s ELSE s.due_at END
WHERE s.source_id = %(source_id)s;

-- name: later
UPDATE demand_source s
SET leased_until = NULL, failures = s.failures + 1, last_error = %(error)s,
    due_at = CASE WHEN s.revision = %(revision)s THEN %(due_at)s ELSE s.due_at END
WHERE s.source_id = %(source_id)s;

-- name: stop
UPDATE demand_source s
SET leased_until = NULL, failures = s.failures + 1, last_error = %(error)s, state = 'stopped',
    stopped_because = %(error)s
WHERE s.source_id = %(source_id)s AND s.revision = %(revision)s AND s.state = 'active';

-- name: release
UPDATE demand_source s SET leased_until = NULL WHERE s.source_id = %(source_id)s;

-- name: take_long
SELECT set_config('statement_timeout', '0', true);

-- name: take_event
INSERT INTO demand_event (source_id, site_id, event_id, sha256, lines, received_at)
VALUES (%(source_id)s, %(site)s, %(event_id)s, %(sha256)s, 0, %(now)s)
ON CONFLICT (source_id, event_id) DO NOTHING;

-- name: taken_event
SELECT e.sha256, e.lines FROM demand_event e
WHERE e.source_id = %(source_id)s AND e.event_id = %(event_id)s;

-- name: count_event
UPDATE demand_event e SET lines = %(lines)s WHERE e.source_id = %(source_id)s AND e.event_id = %(event_id)s;

-- name: count_push
UPDATE demand_source s
SET lines = s.lines + %(lines)s, pulled_at = %(now)s, last_error = NULL
WHERE s.source_id = %(source_id)s;

-- name: forget_events
DELETE FROM demand_event e WHERE e.received_at < %(before)s;

-- name: outbound_lines
SELECT o.site, o.document, o.line, o.item, o.identifier_scheme, o.identifier, o.quantity, o.ordered_at, o.has_left, o.short_at,
    EXISTS (SELECT FROM demand_held h
        WHERE (h.site_id, h.source, h.origin, h.name) = (o.site, %(source)s, 'order_line', o.document || '/' || o.line)
            AND h.state = 'discarded') AS is_discarded
FROM pub_outbound_lines(%(sites)s::text[], %(from_at)s, %(after_id)s, %(until_at)s, %(most)s) o;

-- name: outbound_lines_of
SELECT %(site)s AS site, o.document, o.line, o.item, o.identifier_scheme, o.identifier, o.quantity, o.ordered_at, o.has_left,
    o.short_at, false AS is_discarded
FROM outbound_lines_of(%(site)s, %(documents)s::text[]) o
ORDER BY o.ordered_at, o.document, o.ordinal;

-- name: source_named
SELECT s.source_id, s.site_id AS site, s.name, s.kind, s.address, s.settings, s.secret_from, s.every_minutes, s.state,
    s.stopped_because, s.cursor, s.from_at, s.page_sha256, s.revision, s.due_at, s.failures, s.pulled_at, s.lines,
    s.last_error, s.recorded_at, s.recorded_by
FROM demand_source s
WHERE (s.site_id, s.name) = (%(site)s, %(name)s);

-- name: told_later
SELECT l.document, l.line
FROM unnest(%(documents)s::text[], %(lines)s::text[]) AS x (document, line)
JOIN demand_line l ON (l.site_id, l.source, l.document, l.line) = (%(site)s, %(source)s, x.document, x.line)
WHERE CASE WHEN l.recorded_by ~ '^job:demand_held:[0-9]+$' THEN split_part(l.recorded_by, ':', 3)::bigint > %(held_id)s
    ELSE l.recorded_at > %(held_at)s END
ORDER BY l.document, l.line;

-- name: shorts
SELECT o.item, count(*) AS lines, sum(o.quantity) AS requested,
    trim_scale(sum(o.departed)) AS left_with, trim_scale(sum(o.short)) AS short,
    count(*) FILTER (WHERE o.short_at IS NOT NULL) AS short_lines
FROM pub_outbound_lines(%(sites)s::text[], %(from_at)s, '', %(until_at)s, NULL) o
WHERE o.item IS NOT NULL AND o.quantity IS NOT NULL
GROUP BY o.item
ORDER BY short DESC, o.item;
