-- name: open_or_add
INSERT INTO ticket (dedup_key, kind, severity, site_id, summary, detail, owner, due_at)
VALUES (%(dedup_key)s, %(kind)s, %(severity)s, %(site)s, %(summary)s, %(detail)s, %(owner)s,
    clock_timestamp() + %(due_after)s)
ON CONFLICT (dedup_key) WHERE resolved_at IS NULL
DO UPDATE SET occurrences = ticket.occurrences + 1, last_at = clock_timestamp(),
    summary = excluded.summary, detail = excluded.detail,
    severity = CASE
        WHEN array_position(ARRAY['info', 'warning', 'critical'], excluded.severity)
            > array_position(ARRAY['info', 'warning', 'critical'], ticket.severity)
        THEN excluded.severity ELSE ticket.severity END,
    due_at = CASE
        WHEN array_position(ARRAY['info', 'warning', 'critical'], excluded.severity)
            > array_position(ARRAY['info', 'warning', 'critical'], ticket.severity)
        THEN least(ticket.due_at, excluded.due_at) ELSE ticket.due_at END,
    state = CASE
        WHEN array_position(ARRAY['info', 'warning', 'critical'], excluded.severity)
            > array_position(ARRAY['info', 'warning', 'critical'], ticket.severity)
        THEN 'open' ELSE ticket.state END;

-- name: open_keys
SELECT dedup_key FROM ticket
WHERE resolved_at IS NULL AND site_id = %(site)s AND kind = ANY (%(kinds)s) AND detail ->> 'document' = %(document)s
ORDER BY dedup_key;

-- name: open_details
SELECT dedup_key, detail FROM ticket WHERE dedup_key = ANY (%(dedup_keys)s) AND resolved_at IS NULL ORDER BY dedup_key FOR UPDATE;

-- name: resolve
UPDATE ticket SET state = 'resolved', resolved_at = clock_timestamp()
WHERE dedup_key = ANY (%(dedup_keys)s) AND resolved_at IS NULL;

-- name: open_tickets
SELECT t.ticket_id, t.dedup_key, t.kind, t.severity, t.site_id AS site, coalesce(s.time_zone, 'UTC') AS time_zone,
    t.summary, t.detail, t.opened_at, t.last_at, t.occurrences, t.state, t.owner, t.due_at, t.escalated_at,
    t.acknowledged_at, t.acknowledged_by, t.resolved_at, t.resolved_by, t.close_reason, t.note
FROM ticket t LEFT JOIN site s ON s.site_id = t.site_id
WHERE t.resolved_at IS NULL AND t.ticket_id > %(after)s
    AND (%(all_sites)s OR t.site_id IS NULL OR t.site_id = ANY (%(sites)s))
ORDER BY t.ticket_id
LIMIT %(limit)s;

-- name: tickets
SELECT t.ticket_id, t.dedup_key, t.kind, t.severity, t.site_id AS site, coalesce(s.time_zone, 'UTC') AS time_zone,
    t.summary, t.detail, t.opened_at, t.last_at, t.occurrences, t.state, t.owner, t.due_at, t.escalated_at,
    t.acknowledged_at, t.acknowledged_by, t.resolved_at, t.resolved_by, t.close_reason, t.note
FROM ticket t LEFT JOIN site s ON s.site_id = t.site_id
WHERE (%(all_sites)s OR t.site_id IS NULL OR t.site_id = ANY (%(sites)s))
    AND (%(states)s::text[] IS NULL OR t.state = ANY (%(states)s))
    AND (%(site)s::text IS NULL OR t.site_id = %(site)s)
    AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
    AND (%(severity)s::text IS NULL OR t.severity = %(severity)s)
    AND (%(owner)s::text IS NULL OR t.owner = %(owner)s)
    AND (%(before)s::bigint IS NULL OR t.ticket_id < %(before)s)
ORDER BY t.ticket_id DESC
LIMIT %(limit)s;

-- name: ticket
SELECT t.ticket_id, t.dedup_key, t.kind, t.severity, t.site_id AS site, coalesce(s.time_zone, 'UTC') AS time_zone,
    t.summary, t.detail, t.opened_at, t.last_at, t.occurrences, t.state, t.owner, t.due_at, t.escalated_at,
    t.acknowledged_at, t.acknowledged_by, t.resolved_at, t.resolved_by, t.close_reason, t.note
FROM ticket t LEFT JOIN site s ON s.site_id = t.site_id
WHERE t.ticket_id = %(ticket_id)s AND (%(all_sites)s OR t.site_id IS NULL OR t.site_id = ANY (%(sites)s));

-- name: urgent
SELECT t.ticket_id, t.dedup_key, t.kind, t.severity, t.site_id AS site, coalesce(s.time_zone, 'UTC') AS time_zone,
    t.summary, t.detail, t.opened_at, t.last_at, t.occurrences, t.state, t.owner, t.due_at, t.escalated_at,
    t.acknowledged_at, t.acknowledged_by, t.resolved_at, t.resolved_by, t.close_reason, t.note
FROM ticket t LEFT JOIN site s ON s.site_id = t.site_id
WHERE t.resolved_at IS NULL AND (%(all_sites)s OR t.site_id IS NULL OR t.site_id = ANY (%(sites)s))
    AND (%(site)s::text IS NULL OR t.site_id = %(site)s)
    AND (%(owner)s::text IS NULL OR t.owner = %(owner)s)
ORDER BY array_position(ARRAY['critical', 'warning', 'info'], t.severity), t.due_at NULLS LAST, t.ticket_id
LIMIT %(limit)s;

-- name: hold
SELECT FROM ticket WHERE ticket_id = %(ticket_id)s FOR UPDATE;

-- name: steps
SELECT step, action, actor, detail, taken_at, audit_id
FROM ticket_step
WHERE ticket_id = %(ticket_id)s
ORDER BY step;

-- name: acknowledge
UPDATE ticket SET state = 'acknowledged', acknowledged_at = clock_timestamp(), acknowledged_by = %(actor)s,
    owner = coalesce(owner, %(actor)s), note = %(note)s
WHERE ticket_id = %(ticket_id)s;

-- name: assign
UPDATE ticket SET owner = %(owner)s, due_at = coalesce(%(due_at)s, due_at), note = %(note)s
WHERE ticket_id = %(ticket_id)s;

-- name: close
UPDATE ticket SET state = 'resolved', resolved_at = clock_timestamp(), resolved_by = %(actor)s,
    close_reason = %(reason)s, note = %(note)s
WHERE ticket_id = %(ticket_id)s;

-- name: escalate
UPDATE ticket SET escalated_at = %(now)s, state = 'open',
    severity = CASE severity WHEN 'info' THEN 'warning' ELSE 'critical' END
WHERE ticket_id IN (
    SELECT late.ticket_id FROM ticket late
    WHERE late.resolved_at IS NULL AND late.due_at <= %(now)s
        AND (late.escalated_at IS NULL OR late.escalated_at < late.due_at)
    ORDER BY late.ticket_id
    LIMIT 500
    FOR UPDATE SKIP LOCKED)
RETURNING ticket_id;
