-- name: is_any_due
SELECT EXISTS (SELECT FROM replay_request WHERE refused_at IS NULL);

-- name: take_up_oldest
UPDATE replay_request
SET attempts = attempts + 1
WHERE quarantine_id = (
    SELECT quarantine_id FROM replay_request
    WHERE refused_at IS NULL
    ORDER BY asked_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING quarantine_id, attempts;

-- name: finish
DELETE FROM replay_request AS r USING quarantine AS q
WHERE r.quarantine_id = %(quarantine_id)s AND r.refused_at IS NULL AND q.quarantine_id = r.quarantine_id
RETURNING r.asked_by, q.site_id;

-- name: refuse
UPDATE replay_request
SET refused_at = clock_timestamp(), refusal = %(refusal)s
WHERE quarantine_id = %(quarantine_id)s AND refused_at IS NULL;
