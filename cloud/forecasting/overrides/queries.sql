-- name: hold_scope
SELECT pg_advisory_xact_lock(hashtextextended(
    jsonb_build_array('forecast_override', %(site)s::text, %(item)s::text, %(category)s::text)::text, 0));

-- name: hold_override
SELECT FROM forecast_override o WHERE o.override_id = %(override_id)s FOR UPDATE;

-- name: base_forecasts
SELECT x.item_id, x.code AS item, x.base_unit, f.run_id, f.first_day, coalesce(f.mean_system, f.mean) AS mean, f.horizons,
    coalesce(f.cum_q_system, f.cum_q) AS cum_q, k.cost, k.currency
FROM item x
JOIN LATERAL (
    SELECT p.run_id FROM planning_run p
    WHERE p.kind = 'forecast' AND p.state = 'done' AND p.site_id = %(site)s
    ORDER BY p.run_id DESC LIMIT 1) r ON true
JOIN forecast f ON f.run_id = r.run_id AND f.site_id = %(site)s AND f.item_id = x.item_id
LEFT JOIN LATERAL (
    SELECT c.cost, c.currency FROM item_cost c
    WHERE c.item_id = x.item_id AND c.site_id = %(site)s AND c.valid_from <= %(now)s
    ORDER BY c.valid_from DESC LIMIT 1) k ON true
WHERE (%(item)s::text IS NULL OR x.code = %(item)s) AND (%(category)s::text IS NULL OR x.category = %(category)s)
    AND (%(item)s::text IS NOT NULL OR %(category)s::text IS NOT NULL)
ORDER BY x.code;

-- name: site_of
SELECT s.currency, ((%(now)s::timestamptz AT TIME ZONE s.time_zone) - s.business_day_start::interval)::date AS today
FROM site s WHERE s.site_id = %(site)s AND sees_site(s.site_id);

-- name: overlapping
SELECT o.override_id, o.from_day, o.expires_on
FROM forecast_override o
LEFT JOIN decision d ON d.decision_id = o.decision_id
LEFT JOIN item i ON i.item_id = o.item_id
WHERE o.site_id = %(site)s AND i.code IS NOT DISTINCT FROM %(item)s::text
    AND o.category IS NOT DISTINCT FROM %(category)s::text
    AND o.from_day <= %(last_day)s AND o.expires_on >= %(from_day)s
    AND o.ended_at IS NULL AND d.state NOT IN ('rejected', 'reversed')
ORDER BY o.override_id
LIMIT 1;

-- name: add_override
INSERT INTO forecast_override (site_id, item_id, category, from_day, to_day, expires_on, mode, amount, per_days, reason,
    evidence, note, is_small, basis, author)
VALUES (%(site)s, %(item_id)s, %(category)s, %(from_day)s, %(to_day)s, %(expires_on)s, %(mode)s, %(amount)s, %(per_days)s,
    %(reason)s, %(evidence)s, %(note)s, %(is_small)s, %(basis)s, %(author)s)
RETURNING override_id;

-- name: set_decision
UPDATE forecast_override SET decision_id = %(decision_id)s WHERE override_id = %(override_id)s;

-- name: set_applied
UPDATE forecast_override SET applied_at = clock_timestamp() WHERE override_id = %(override_id)s;

-- name: end_override
UPDATE forecast_override SET ended_at = clock_timestamp(), ended_by = %(actor)s, end_reason = %(reason)s
WHERE override_id = %(override_id)s;

-- name: overrides
SELECT x.* FROM (
    SELECT o.override_id, o.site_id AS site, s.time_zone, i.code AS item, i.name AS item_name, o.item_id, i.base_unit,
        o.category, o.from_day, o.to_day, o.expires_on, o.mode, o.amount, o.per_days, o.reason, o.evidence, o.note, o.is_small,
        o.basis, o.author, o.created_at, o.decision_id, d.revision, d.value, d.currency, d.approver, d.decided_at,
        d.verdict_note, o.applied_at, o.ended_at, o.ended_by, o.end_reason,
        CASE
            WHEN d.state = 'rejected' AND d.verdict_reason = 'withdrawn' THEN 'withdrawn'
            WHEN d.state = 'rejected' THEN 'rejected'
            WHEN o.ended_at IS NOT NULL THEN 'ended'
            WHEN o.applied_at IS NULL THEN CASE WHEN o.expires_on < t.today THEN 'lapsed' ELSE 'waiting' END
            WHEN o.expires_on < t.today THEN 'expired'
            WHEN o.from_day > t.today THEN 'planned'
            ELSE 'active'
        END AS standing,
        (SELECT max(e.run_id) FROM forecast_override_effect e WHERE e.override_id = o.override_id) AS run_id
    FROM forecast_override o
    JOIN site s ON s.site_id = o.site_id
    LEFT JOIN item i ON i.item_id = o.item_id
    LEFT JOIN decision d ON d.decision_id = o.decision_id
    CROSS JOIN LATERAL (
        SELECT ((%(now)s::timestamptz AT TIME ZONE s.time_zone) - s.business_day_start::interval)::date AS today) t
    WHERE (%(override_id)s::bigint IS NULL OR o.override_id = %(override_id)s)
        AND (%(site)s::text IS NULL OR o.site_id = %(site)s)
        AND (%(before)s::bigint IS NULL OR o.override_id < %(before)s)
        AND (%(author)s::text IS NULL OR o.author = %(author)s)
        AND (%(item)s::text IS NULL OR i.code = %(item)s
            OR o.category = (SELECT c.category FROM item c WHERE c.code = %(item)s))
) x
WHERE %(standings)s::text[] IS NULL OR x.standing = ANY (%(standings)s)
ORDER BY x.override_id DESC
LIMIT %(limit)s;

-- name: in_force
SELECT i.item_id, o.override_id, o.item_id IS NOT NULL AS is_of_item, o.from_day, o.expires_on AS until_day, o.mode,
    o.amount::double precision AS amount, o.per_days
FROM forecast_override o
JOIN item i ON i.item_id = o.item_id OR (o.item_id IS NULL AND i.category = o.category)
WHERE o.site_id = %(site)s AND o.applied_at IS NOT NULL AND o.ended_at IS NULL AND o.expires_on >= %(first_day)s
ORDER BY i.item_id, o.override_id;

-- name: add_effect
INSERT INTO forecast_override_effect AS e (override_id, item_id, site_id, run_id, first_day, from_day, system, overridden, naive)
VALUES (%(override_id)s, %(item_id)s, %(site)s, %(run_id)s, %(first_day)s, %(from_day)s, %(system)s::real[], %(overridden)s::real[],
    %(naive)s::real[])
ON CONFLICT (override_id, item_id) DO UPDATE
SET run_id = excluded.run_id, first_day = excluded.first_day, from_day = excluded.from_day, system = excluded.system,
    overridden = excluded.overridden, naive = excluded.naive
WHERE e.first_day < excluded.first_day
    AND excluded.first_day <= (SELECT o.from_day FROM forecast_override o WHERE o.override_id = excluded.override_id);

-- name: unjudged
SELECT e.override_id, e.item_id, e.first_day, e.from_day, u.until_day, e.system, e.overridden, e.naive,
    (SELECT max(b.block_day) FROM forecast_override_outcome b
        WHERE b.override_id = e.override_id AND b.item_id = e.item_id) AS judged_day
FROM forecast_override_effect e
JOIN forecast_override o ON o.override_id = e.override_id
JOIN site s ON s.site_id = e.site_id
CROSS JOIN LATERAL (
    SELECT least(
        coalesce((o.ended_at AT TIME ZONE s.time_zone)::date - 1, o.expires_on),
        e.from_day + cardinality(e.system) - 1) AS until_day) u
WHERE e.site_id = %(site)s AND e.from_day <= u.until_day AND NOT EXISTS (
    SELECT FROM forecast_override_outcome b
    WHERE b.override_id = e.override_id AND b.item_id = e.item_id AND b.block_day + b.days > u.until_day)
ORDER BY e.override_id, e.item_id;

-- name: came
SELECT d.item_id, d.day, d.quantity::double precision AS quantity
FROM pub_demand_days(ARRAY[%(site)s::text], %(from_day)s, %(until_day)s) d
WHERE d.item_id = ANY (%(item_ids)s::bigint[]);

-- name: hidden
SELECT DISTINCT o.item_id, %(from_day)s::date + n - 1
FROM site_days(ARRAY[%(site)s::text], %(from_day)s::date, %(until_day)s::date) d
CROSS JOIN LATERAL pub_stockout_interval(ARRAY[d.site_id], d.begins[1], least(d.ends_at, now())) o
CROSS JOIN LATERAL generate_series(
    width_bucket(o.from_at, d.begins), width_bucket(o.until_at - INTERVAL '1 microsecond', d.begins)) n
WHERE o.item_id = ANY (%(item_ids)s::bigint[]);

-- name: add_outcome
INSERT INTO forecast_override_outcome (override_id, item_id, site_id, block_day, days, came, system, overridden, naive)
VALUES (%(override_id)s, %(item_id)s, %(site)s, %(block_day)s, %(days)s, %(came)s, %(system)s, %(overridden)s, %(naive)s)
ON CONFLICT DO NOTHING;

-- name: outcomes
SELECT b.override_id, b.site_id AS site, i.code AS item, i.base_unit, o.author, o.reason, b.block_day, b.days,
    b.came::double precision AS came, b.system::double precision AS system, b.overridden::double precision AS overridden,
    b.naive::double precision AS naive, k.cost, k.currency
FROM forecast_override_outcome b
JOIN forecast_override o ON o.override_id = b.override_id
JOIN item i ON i.item_id = b.item_id
LEFT JOIN LATERAL (
    SELECT c.cost, c.currency FROM item_cost c
    WHERE c.item_id = b.item_id AND c.site_id = b.site_id AND c.valid_from <= %(now)s
    ORDER BY c.valid_from DESC LIMIT 1) k ON true
WHERE (%(site)s::text IS NULL OR b.site_id = %(site)s)
    AND (%(override_id)s::bigint IS NULL OR b.override_id = %(override_id)s)
    AND b.block_day >= %(since)s AND b.came IS NOT NULL
ORDER BY b.site_id, b.override_id, b.item_id, b.block_day
LIMIT %(limit)s;
