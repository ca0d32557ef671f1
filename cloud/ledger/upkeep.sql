-- name: forget_answers
DELETE FROM idempotency_key
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_key
    WHERE created_at < clock_timestamp() - %(kept)s::interval
    ORDER BY created_at
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED));
