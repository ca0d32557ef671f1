-- name: versions
SELECT v.version_id, v.site_id AS site, s.time_zone, v.name, v.role, v.parent_id, v.run_id, v.trained_from, v.trained_until, v.series,
    v.because, v.parameters, v.weights, v.state IS NOT NULL AS has_state, v.state_sha256, v.state_bytes, v.inputs_sha256,
    v.code_version, v.registered_at, v.retired_at
FROM model_version v JOIN site s ON s.site_id = v.site_id
WHERE (%(site)s::text IS NULL OR v.site_id = %(site)s) AND (%(role)s::text IS NULL OR v.role = %(role)s)
    AND (%(version_id)s::bigint IS NULL OR v.version_id = %(version_id)s)
    AND (%(before)s::bigint IS NULL OR v.version_id < %(before)s)
ORDER BY v.version_id DESC
LIMIT %(limit)s;

-- name: hold_site
SELECT pg_advisory_xact_lock(hashtextextended('model_version/' || %(site)s::text, 0));

-- name: retire
UPDATE model_version SET role = 'retired', retired_at = clock_timestamp()
WHERE site_id = %(site)s AND role = %(role)s;

-- name: add_version
INSERT INTO model_version (site_id, name, role, parent_id, run_id, trained_from, trained_until, series, because, parameters,
    weights, state, state_sha256, state_bytes, inputs_sha256, code_version)
VALUES (%(site)s, %(name)s, %(role)s, %(parent_id)s, %(run_id)s, %(trained_from)s, %(trained_until)s, %(series)s, %(because)s,
    %(parameters)s::jsonb, %(weights)s::jsonb, %(state)s, %(state_sha256)s, %(state_bytes)s, %(inputs_sha256)s, %(code_version)s)
RETURNING version_id;

-- name: promote
UPDATE model_version SET role = 'champion' WHERE version_id = %(version_id)s;

-- name: withdraw_version
UPDATE model_version SET role = 'retired', retired_at = clock_timestamp() WHERE version_id = %(version_id)s;

-- name: forget_states
UPDATE model_version v SET state = NULL
WHERE v.site_id = %(site)s AND v.state IS NOT NULL AND v.role = 'retired' AND v.version_id < (
    SELECT min(k.version_id) FROM (
        SELECT l.version_id FROM model_version l WHERE l.site_id = %(site)s ORDER BY l.version_id DESC LIMIT %(keep)s) k);

-- name: state
SELECT v.state FROM model_version v WHERE v.version_id = %(version_id)s;

-- name: drifted_since
SELECT r.review_id FROM forecast_review r
WHERE r.site_id = %(site)s AND r.last_day > %(since)s AND r.is_drifting
ORDER BY r.review_id DESC
LIMIT 1;

-- name: add_event
INSERT INTO model_event (site_id, version_id, run_id, kind, because, evidence, actor)
VALUES (%(site)s, %(version_id)s, %(run_id)s, %(kind)s, %(because)s, %(evidence)s::jsonb, %(actor)s);

-- name: events
SELECT e.event_id, e.site_id AS site, s.time_zone, e.version_id, v.name, e.run_id, e.kind, e.because, e.evidence, e.actor, e.happened_at
FROM model_event e
JOIN site s ON s.site_id = e.site_id
LEFT JOIN model_version v ON v.version_id = e.version_id
WHERE (%(site)s::text IS NULL OR e.site_id = %(site)s) AND (%(before)s::bigint IS NULL OR e.event_id < %(before)s)
    AND (%(kind)s::text IS NULL OR e.kind = %(kind)s)
ORDER BY e.event_id DESC
LIMIT %(limit)s;

-- name: put_setting
INSERT INTO model_setting AS m (site_id, challengers, every_days, series_by_value, budget_s, set_by)
SELECT s.site_id, %(challengers)s, %(every_days)s, %(series_by_value)s, %(budget_s)s, %(actor)s
FROM site s WHERE s.site_id = %(site)s AND sees_site(s.site_id)
ON CONFLICT (site_id) DO UPDATE
SET challengers = excluded.challengers, every_days = excluded.every_days, series_by_value = excluded.series_by_value,
    budget_s = excluded.budget_s, set_by = excluded.set_by, set_at = clock_timestamp();

-- name: setting
SELECT m.site_id, m.challengers, m.every_days, m.series_by_value, m.budget_s, m.set_by, m.set_at
FROM model_setting m WHERE m.site_id = %(site)s;

-- name: last_contests
SELECT x.name, max(x.day) AS day
FROM (
    SELECT coalesce(v.name, e.evidence ->> 'challenger', 'series') AS name, e.happened_at::date AS day
    FROM model_event e LEFT JOIN model_version v ON v.version_id = e.version_id
    WHERE e.site_id = %(site)s AND e.kind IN ('promoted', 'kept', 'not_held', 'series_judged')
        AND e.because <> 'champion_changed') x
GROUP BY x.name
ORDER BY x.name;
