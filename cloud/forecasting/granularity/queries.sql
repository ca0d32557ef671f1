-- name: choices
SELECT b.class_name, b.bucket, b.decided_on, b.evidence, b.run_id
FROM forecast_bucket b
WHERE b.site_id = %(site)s AND b.decided_on <= %(until)s
ORDER BY b.choice_id;

-- name: add_choices
INSERT INTO forecast_bucket (site_id, class_name, bucket, decided_on, evidence, run_id)
SELECT %(site)s, x.class_name, x.bucket, %(decided_on)s, x.evidence::jsonb, %(run_id)s
FROM unnest(%(class_names)s::text[], %(buckets)s::text[], %(evidences)s::text[]) AS x (class_name, bucket, evidence);

-- name: listed
SELECT b.choice_id, b.site_id AS site, b.class_name, b.bucket, b.decided_on, b.evidence, b.run_id, b.decided_at,
    NOT EXISTS (SELECT FROM forecast_bucket l
        WHERE l.site_id = b.site_id AND l.class_name = b.class_name AND l.choice_id > b.choice_id) AS is_in_force
FROM forecast_bucket b
WHERE (%(site)s::text IS NULL OR b.site_id = %(site)s) AND b.choice_id < %(before)s
ORDER BY b.choice_id DESC
LIMIT %(limit)s;
