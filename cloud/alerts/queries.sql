-- name: open_or_add
INSERT INTO ticket (dedup_key, kind, severity, site_id, summary, detail)
VALUES (%(dedup_key)s, %(kind)s, %(severity)s, %(site)s, %(summary)s, %(detail)s)
ON CONFLICT (dedup_key) WHERE resolved_at IS NULL
DO UPDATE SET occurrences = ticket.occurrences + 1, last_at = clock_timestamp(),
    summary = excluded.summary, detail = excluded.detail;

-- name: resolve
UPDATE ticket SET resolved_at = clock_timestamp()
WHERE dedup_key = ANY (%(dedup_keys)s) AND resolved_at IS NULL;

-- name: open_tickets
SELECT ticket_id, dedup_key, kind, severity, site_id AS site, summary, detail, opened_at, last_at, occurrences
FROM ticket
WHERE resolved_at IS NULL AND ticket_id > %(after)s
    AND (%(all_sites)s OR site_id IS NULL OR site_id = ANY (%(sites)s))
ORDER BY ticket_id
LIMIT %(limit)s;
