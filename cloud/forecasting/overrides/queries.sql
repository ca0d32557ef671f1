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
WHERE o.site_id = %(site)s
    AND (SELECT c.canonical_id FROM canonical_item c WHERE c.item_id = o.item_id) IS NOT DISTINCT FROM (
        SELECT c.canonical_id FROM canonical_item c JOIN item i ON i.item_id = c.item_id WHERE i.code = %(item)s::text)
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
SELECT x.item_id, x.override_id, x.is_of_item, x.from_day, x.until_day, x.mode, x.amount, x.per_days
FROM (
    SELECT c.canonical_id AS item_id, o.override_id, true AS is_of_item, o.from_day, o.expires_on AS until_day, o.mode,
        (CASE WHEN o.mode = 'percent' THEN o.amount ELSE o.amount * c.numerator / c.denominator END)::double precision AS amount,
        o.per_days
    FROM forecast_override o JOIN canonical_item c ON c.item_id = o.item_id
    WHERE o.site_id = %(site)s AND o.applied_at IS NOT NULL AND o.ended_at IS NULL AND o.expires_on >= %(first_day)s
    UNION ALL
    SELECT i.item_id, o.override_id, false, o.from_day, o.expires_on, o.mode, o.amount::double precision, o.per_days
    FROM forecast_override o JOIN item i ON i.category = o.category
    WHERE o.item_id IS NULL AND o.site_id = %(site)s AND o.applied_at IS NOT NULL AND o.ended_at IS NULL
        AND o.expires_on >= %(first_day)s) x
ORDER BY x.item_id, x.override_id;

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

-- name: add_outcome
INSERT INTO forecast_override_outcome (override_id, item_id, site_id, block_day, days, came, system, overridden, naive)
VALUES (%(override_id)s, %(item_id)s, %(site)s, %(block_day)s, %(days)s, %(came)s, %(system)s, %(overridden)s, %(naive)s)
ON CONFLICT DO NOTHING;

-- name: blocks
SELECT i.code AS item, i.base_unit, b.block_day, b.days, b.came::double precision AS came, b.system::double precision AS system,
    b.overridden::double precision AS overridden, b.naive::double precision AS naive
FROM forecast_override_outcome b
JOIN item i ON i.item_id = b.item_id
WHERE b.override_id = %(override_id)s AND b.block_day >= %(since)s AND b.came IS NOT NULL
ORDER BY i.code, b.block_day
LIMIT %(limit)s;

-- name: worths
SELECT x.name, count(DISTINCT x.override_id) AS overrides, count(*) AS blocks, sum(x.came) AS came,
    sum(abs(x.system - x.came)) AS system_error, sum(abs(x.overridden - x.came)) AS override_error,
    count(x.naive) AS naive_blocks, sum(abs(x.naive - x.came)) AS naive_error,
    sum(abs(x.naive - x.came) - abs(x.overridden - x.came)) AS over_naive,
    CASE WHEN count(DISTINCT x.currency) = 1 THEN sum(x.held * (
        CASE WHEN x.system >= x.came THEN x.system - x.came ELSE %(short)s * (x.came - x.system) END
        - CASE WHEN x.overridden >= x.came THEN x.overridden - x.came ELSE %(short)s * (x.came - x.overridden) END)) END AS cost_saved,
    CASE WHEN count(DISTINCT x.currency) = 1 THEN min(x.currency) END AS currency
FROM (
    SELECT b.override_id, b.came::double precision AS came, b.system::double precision AS system,
        b.overridden::double precision AS overridden, b.naive::double precision AS naive, k.currency,
        k.cost::double precision * %(holding)s * b.days AS held,
        CASE %(by)s WHEN 'override' THEN b.override_id::text WHEN 'author' THEN o.author WHEN 'reason' THEN o.reason
            WHEN 'item' THEN i.code ELSE 'all' END AS name
    FROM forecast_override_outcome b
    JOIN forecast_override o ON o.override_id = b.override_id
    JOIN item i ON i.item_id = b.item_id
    LEFT JOIN LATERAL (
        SELECT c.cost, c.currency FROM item_cost c
        WHERE c.item_id = b.item_id AND c.site_id = b.site_id AND c.valid_from <= %(now)s
        ORDER BY c.valid_from DESC LIMIT 1) k ON true
    WHERE (%(site)s::text IS NULL OR b.site_id = %(site)s)
        AND (%(override_id)s::bigint IS NULL OR b.override_id = %(override_id)s)
        AND b.block_day >= %(since)s AND b.came IS NOT NULL) x
GROUP BY x.name
ORDER BY sum(abs(x.overridden - x.came)) - sum(abs(x.system - x.came)), x.name;
