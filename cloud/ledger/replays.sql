-- name: lock_entry
SELECT site_id, state, settled_by
FROM quarantine
WHERE quarantine_id = %(quarantine_id)s AND (%(sites)s::text[] IS NULL OR site_id = ANY (%(sites)s))
FOR UPDATE;

-- name: ask
INSERT INTO replay_request AS r (quarantine_id, asked_by) VALUES (%(quarantine_id)s, %(asked_by)s)
ON CONFLICT (quarantine_id) DO UPDATE
SET asked_by = excluded.asked_by, asked_at = excluded.asked_at, attempts = 0, refused_at = NULL, refusal = NULL
WHERE r.refused_at IS NOT NULL
RETURNING quarantine_id;
