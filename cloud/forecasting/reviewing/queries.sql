-- name: setting
SELECT s.site_id AS site, r.nominal, r.most_per_week, r.owner, r.due_days, r.set_by, r.set_at
FROM site s JOIN forecast_review_setting r ON r.site_id = s.site_id
WHERE s.site_id = %(site)s;

-- name: put_setting
INSERT INTO forecast_review_setting AS r (site_id, nominal, most_per_week, owner, due_days, set_by)
SELECT s.site_id, %(nominal)s, %(most_per_week)s, %(owner)s, %(due_days)s, %(actor)s FROM site s WHERE s.site_id = %(site)s
ON CONFLICT (site_id) DO UPDATE SET nominal = excluded.nominal, most_per_week = excluded.most_per_week,
    owner = excluded.owner, due_days = excluded.due_days, set_by = excluded.set_by, set_at = clock_timestamp();

-- name: last_review
SELECT r.last_day FROM forecast_review r WHERE r.site_id = %(site)s ORDER BY r.last_day DESC LIMIT 1;

-- name: names
SELECT i.item_id, i.code, i.base_unit FROM item i WHERE i.item_id = ANY (%(item_ids)s::bigint[]);

-- name: open_keys
SELECT t.dedup_key FROM ticket t WHERE t.dedup_key = ANY (%(keys)s::text[]) AND t.resolved_at IS NULL;

-- name: add_review
INSERT INTO forecast_review (site_id, run_id, last_day, horizon_days, items, judged, nominal, level, expected, flagged,
    opened, past_shares, is_drifting)
VALUES (%(site)s, %(run_id)s, %(last_day)s, %(horizon_days)s, %(items)s, %(judged)s, %(nominal)s, %(level)s, %(expected)s,
    %(flagged)s, %(opened)s, %(past_shares)s::real[], %(is_drifting)s)
RETURNING review_id;

-- name: add_items
INSERT INTO forecast_review_item (review_id, item_id, site_id, trigger, statistic, limit_at, chance, error)
SELECT %(review_id)s, x.item_id, %(site)s, x.trigger, x.statistic, x.limit_at, x.chance, x.error
FROM unnest(
    %(item_ids)s::bigint[], %(triggers)s::text[], %(statistics)s::double precision[], %(limits)s::double precision[],
    %(chances)s::double precision[], %(errors)s::real[]
) AS x (item_id, trigger, statistic, limit_at, chance, error);

-- name: reviews
SELECT r.review_id, r.site_id AS site, s.time_zone, r.run_id, r.last_day, r.horizon_days, r.items, r.judged, r.nominal, r.level,
    r.expected, r.flagged, r.opened, r.past_shares, r.is_drifting, r.reviewed_at,
    (SELECT count(*) FROM ticket t
        WHERE t.site_id = r.site_id AND t.kind = 'policy_review' AND t.resolved_at IS NULL) AS still_open
FROM forecast_review r JOIN site s ON s.site_id = r.site_id
WHERE (%(site)s::text IS NULL OR r.site_id = %(site)s) AND (%(before)s::bigint IS NULL OR r.review_id < %(before)s)
ORDER BY r.review_id DESC
LIMIT %(limit)s;

-- name: flagged
SELECT f.review_id, f.site_id AS site, r.last_day, i.code AS item, i.name AS item_name, f.item_id, f.trigger, f.statistic, f.limit_at,
    f.chance, f.error, t.ticket_id, t.state, t.owner, t.due_at, s.time_zone
FROM forecast_review_item f
JOIN forecast_review r ON r.review_id = f.review_id
JOIN item i ON i.item_id = f.item_id
JOIN site s ON s.site_id = f.site_id
LEFT JOIN LATERAL (
    SELECT k.ticket_id, k.state, k.owner, k.due_at FROM ticket k
    WHERE k.dedup_key = 'policy_review/' || f.site_id || '/' || f.item_id AND k.last_at >= r.reviewed_at - INTERVAL '1 hour'
    ORDER BY k.ticket_id LIMIT 1) t ON true
WHERE (%(site)s::text IS NULL OR f.site_id = %(site)s) AND (%(item)s::text IS NULL OR i.code = %(item)s)
    AND r.review_id IN (SELECT DISTINCT ON (l.site_id) l.review_id FROM forecast_review l ORDER BY l.site_id, l.review_id DESC)
    AND (f.chance, f.site_id, i.code) > (%(after_chance)s::double precision, %(after_site)s::text, %(after_item)s::text)
ORDER BY f.chance, f.site_id, i.code
LIMIT %(limit)s;
