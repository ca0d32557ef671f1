-- name: abandon
UPDATE planning_run SET state = 'failed', finished_at = clock_timestamp(),
    error = 'abandoned: whoever ran it was gone when the slot was run again'
WHERE kind = %(kind)s AND site_id IS NOT DISTINCT FROM %(site)s AND slot = %(slot)s AND state = 'running';

-- name: begin
INSERT INTO planning_run (kind, site_id, slot, started_by, inputs_sha256, inputs, parameters, code_version,
    as_of_position, completeness)
SELECT %(kind)s, %(site)s, %(slot)s, %(actor)s, %(inputs_sha256)s, %(inputs)s::jsonb, %(parameters)s::jsonb,
    %(code_version)s, h.position, (
        SELECT coalesce(jsonb_object_agg(c.site_id, jsonb_build_object(
            'complete_until', nullif(c.complete_until, '-infinity'),
            'active_gateways', c.active_gateways,
            'offline_gateways', to_jsonb(c.offline_gateways))), '{}')
        FROM site_completeness c WHERE %(site)s::text IS NULL OR c.site_id = %(site)s)
FROM ledger_head h WHERE h.shard = 0
RETURNING run_id;

-- name: finish
UPDATE planning_run SET state = 'done', finished_at = clock_timestamp(), outcome = %(outcome)s::jsonb
WHERE run_id = %(run_id)s AND state = 'running';

-- name: fail
UPDATE planning_run SET state = 'failed', finished_at = clock_timestamp(), error = %(error)s
WHERE run_id = %(run_id)s AND state = 'running';

-- name: give_up_lost
UPDATE planning_run SET state = 'failed', finished_at = clock_timestamp(),
    error = 'abandoned: not finished within a day'
WHERE state = 'running' AND started_at < clock_timestamp() - INTERVAL '1 day';

-- name: runs
SELECT r.run_id, r.kind, r.site_id AS site, r.slot, r.started_by, r.inputs_sha256, r.inputs, r.parameters,
    r.code_version, r.as_of_position, r.completeness, r.started_at, r.finished_at, r.outcome, r.error, r.state
FROM planning_run r
WHERE (%(run_id)s::bigint IS NULL OR r.run_id = %(run_id)s)
    AND (%(kind)s::text IS NULL OR r.kind = %(kind)s)
    AND (%(site)s::text IS NULL OR r.site_id = %(site)s)
    AND (%(state)s::text IS NULL OR r.state = %(state)s)
    AND (%(before)s::bigint IS NULL OR r.run_id < %(before)s)
ORDER BY r.run_id DESC
LIMIT %(limit)s;

-- name: latest
SELECT r.run_id, r.kind, r.site_id AS site, r.slot, r.started_by, r.inputs_sha256, r.inputs, r.parameters,
    r.code_version, r.as_of_position, r.completeness, r.started_at, r.finished_at, r.outcome, r.error, r.state
FROM planning_run r
WHERE r.kind = %(kind)s AND r.site_id IS NOT DISTINCT FROM %(site)s AND r.state = 'done'
ORDER BY r.run_id DESC
LIMIT 1;

-- name: of_slot
SELECT r.run_id, r.kind, r.site_id AS site, r.slot, r.started_by, r.inputs_sha256, r.inputs, r.parameters,
    r.code_version, r.as_of_position, r.completeness, r.started_at, r.finished_at, r.outcome, r.error, r.state
FROM planning_run r
WHERE r.kind = %(kind)s AND r.site_id IS NOT DISTINCT FROM %(site)s AND r.slot = %(slot)s AND r.state = 'done';

-- name: jobs
SELECT j.job, j.trigger, j.is_slotted, j.next_at, j.known_since, j.lease_until,
    j.lease_until >= clock_timestamp() AS is_held, j.holder, j.runs, j.failures, j.last_at, j.last_s, j.last_outcome, j.last_error, j.failing_since,
    r.slot, r.state, r.started_at, r.finished_at, r.attempts, r.outcome, r.error
FROM job j
LEFT JOIN LATERAL (
    SELECT l.slot, l.state, l.started_at, l.finished_at, l.attempts, l.outcome, l.error
    FROM job_run l WHERE l.job = j.job AND l.state <> 'missed'
    ORDER BY l.slot DESC LIMIT 1) r ON true
WHERE j.retired_at IS NULL
ORDER BY j.is_slotted, j.job;

-- name: slots
SELECT r.job, r.slot, r.state, r.started_at, r.finished_at, r.attempts, r.scheduler, r.asked_by, r.outcome, r.error
FROM job_run r
WHERE (%(job)s::text IS NULL OR r.job = %(job)s)
    AND (%(state)s::text IS NULL OR r.state = %(state)s)
    AND (%(before_at)s::timestamptz IS NULL
        OR (r.started_at, r.job, r.slot) < (%(before_at)s, %(before_job)s, %(before_slot)s))
ORDER BY r.started_at DESC, r.job DESC, r.slot DESC
LIMIT %(limit)s;
