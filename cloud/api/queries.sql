-- name: lock_key
SELECT pg_advisory_xact_lock(hashtextextended(%(actor)s || ' ' || %(key)s, 0));

-- name: remembered_answer
SELECT request_sha256, status, response
FROM idempotency_key
WHERE actor = %(actor)s AND key = %(key)s;

-- name: remember_answer
INSERT INTO idempotency_key (actor, key, request_sha256, status, response)
VALUES (%(actor)s, %(key)s, %(request_sha256)s, %(status)s, %(response)s);
