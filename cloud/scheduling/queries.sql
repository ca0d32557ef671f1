-- name: register
INSERT INTO job (job, trigger, is_slotted, next_at, known_since)
VALUES (%(job)s, %(trigger)s, %(is_slotted)s, %(next_at)s, %(now)s)
ON CONFLICT (job) DO UPDATE SET trigger = excluded.trigger, is_slotted = excluded.is_slotted,
    next_at = excluded.next_at, retired_at = NULL,
    known_since = CASE WHEN job.retired_at IS NULL THEN job.known_since ELSE excluded.known_since END
RETURNING known_since;

-- name: retire
UPDATE job SET retired_at = %(now)s, next_at = NULL
WHERE job <> ALL (%(jobs)s::text[]) AND retired_at IS NULL;

-- name: slot_state
SELECT r.state, r.lease_until < clock_timestamp() AS is_free, r.attempts
FROM job_run r WHERE r.job = %(job)s AND r.slot = %(slot)s
UNION ALL
SELECT 'missed', false, 0
WHERE NOT EXISTS (SELECT FROM job_run r WHERE r.job = %(job)s AND r.slot = %(slot)s)
    AND EXISTS (SELECT FROM job_run l WHERE l.job = %(job)s AND l.slot > %(slot)s AND l.asked_by IS NULL);

-- name: open_before
SELECT EXISTS (
    SELECT FROM job j
    LEFT JOIN job_run r ON r.job = j.job AND r.slot = %(slot)s
    WHERE j.job = %(after)s AND j.retired_at IS NULL AND j.known_since <= %(slot)s AND r.finished_at IS NULL);

-- name: claim
INSERT INTO job_run (job, slot, scheduler, claim, lease_until, attempts, state, asked_by)
VALUES (%(job)s, %(slot)s, %(scheduler)s, %(claim)s, clock_timestamp() + %(lease)s, 1, 'running', %(asked_by)s)
ON CONFLICT (job, slot) DO UPDATE
SET scheduler = excluded.scheduler, claim = excluded.claim, lease_until = excluded.lease_until,
    attempts = job_run.attempts + 1, state = 'running', started_at = clock_timestamp()
WHERE job_run.finished_at IS NULL AND job_run.lease_until < clock_timestamp() AND job_run.attempts < %(attempts)s
RETURNING attempts;

-- name: last_slot_before
SELECT max(r.slot) FROM job_run r WHERE r.job = %(job)s AND r.slot < %(slot)s;

-- name: miss
INSERT INTO job_run (job, slot, state, finished_at, outcome)
SELECT %(job)s, s.slot, 'missed', clock_timestamp(), jsonb_build_object('caught_up_by', %(slot)s::timestamptz)
FROM unnest(%(missed)s::timestamptz[]) AS s (slot)
ON CONFLICT (job, slot) DO NOTHING;

-- name: renew
UPDATE job_run SET lease_until = clock_timestamp() + %(lease)s
WHERE claim = ANY (%(claims)s::uuid[]) AND state = 'running' AND (job, slot) IN (
    SELECT * FROM unnest(%(jobs)s::text[], %(slots)s::timestamptz[]));

-- name: finish
UPDATE job_run SET state = 'done', finished_at = clock_timestamp(), outcome = %(outcome)s::jsonb, error = NULL
WHERE job = %(job)s AND slot = %(slot)s AND claim = %(claim)s AND state = 'running';

-- name: is_finished
SELECT r.state = 'done' FROM job_run r
WHERE r.job = %(job)s AND r.slot = %(slot)s AND r.claim = %(claim)s;

-- name: put_off
UPDATE job_run SET state = 'retrying', error = %(error)s, lease_until = clock_timestamp() + %(pause)s
WHERE job = %(job)s AND slot = %(slot)s AND claim = %(claim)s AND state = 'running';

-- name: release
UPDATE job_run SET state = 'retrying', attempts = attempts - 1, lease_until = clock_timestamp(),
    error = 'interrupted: its scheduler was told to stop'
WHERE claim = ANY (%(claims)s::uuid[]) AND state = 'running';

-- name: give_up
UPDATE job_run SET state = 'failed', finished_at = clock_timestamp(), error = coalesce(%(error)s, error,
    'its scheduler was gone each time')
WHERE job = %(job)s AND slot = %(slot)s AND finished_at IS NULL
    AND (claim = %(claim)s OR (lease_until < clock_timestamp() AND attempts >= %(attempts)s))
RETURNING error;

-- name: hold
UPDATE job SET holder = %(scheduler)s, lease_until = clock_timestamp() + %(lease)s
WHERE job = %(job)s AND (holder = %(scheduler)s OR holder IS NULL OR lease_until < clock_timestamp());

-- name: let_go
UPDATE job SET holder = NULL, lease_until = NULL WHERE holder = %(scheduler)s;

-- name: tell
UPDATE job SET runs = runs + %(runs)s, failures = failures + %(failures)s, last_at = %(last_at)s,
    last_s = %(last_s)s, last_outcome = coalesce(%(last_outcome)s::jsonb, last_outcome), last_error = %(last_error)s,
    failing_since = CASE WHEN %(last_error)s::text IS NULL THEN NULL ELSE coalesce(failing_since, %(last_at)s) END
WHERE job = %(job)s;

-- name: zones
SELECT s.time_zone, array_agg(s.site_id ORDER BY s.site_id) FROM site s GROUP BY s.time_zone ORDER BY s.time_zone;

-- name: sweep
UPDATE job_run SET state = 'failed', finished_at = clock_timestamp(), error = coalesce(error, 'its process was gone')
WHERE finished_at IS NULL
    AND lease_until < clock_timestamp() - CASE WHEN asked_by IS NULL THEN INTERVAL '1 day' ELSE INTERVAL '0' END;

-- name: supersede
UPDATE job_run SET state = 'failed', finished_at = clock_timestamp(),
    error = coalesce(error || '; ', '') || 'a later slot was due before it was tried again'
WHERE job = %(job)s AND slot < %(slot)s AND finished_at IS NULL AND asked_by IS NULL AND lease_until < clock_timestamp();
