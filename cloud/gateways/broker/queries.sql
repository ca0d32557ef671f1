-- name: accounts
SELECT g.name, s.broker_hash, g.state = 'retired' AS is_ended
FROM gateway g LEFT JOIN gateway_secret s ON s.gateway_id = g.gateway_id AND s.kept_by = 'registry'
WHERE g.kind = 'edge' AND (g.state = 'retired' OR g.state IN ('active', 'paused') AND s.broker_hash IS NOT NULL)
ORDER BY g.name
LIMIT 100000;

-- name: note_list
INSERT INTO revoked_list (made_at, ends_at, serials, is_laid_out)
VALUES (%(made_at)s, %(ends_at)s, %(serials)s, %(is_laid_out)s)
ON CONFLICT (is_only) DO UPDATE
    SET made_at = excluded.made_at, ends_at = excluded.ends_at, serials = excluded.serials,
        is_laid_out = excluded.is_laid_out;

-- name: present
SELECT clock_timestamp();

-- name: list_state
WITH list AS (SELECT made_at, ends_at, is_laid_out FROM revoked_list),
    later AS (
        SELECT c.revoked_at AS at FROM gateway_certificate c
        WHERE c.revoked_at IS NOT NULL AND c.not_after > %(now)s
        UNION ALL
        SELECT f.added_at FROM called_back_serial f
        WHERE NOT EXISTS (SELECT FROM gateway_certificate c WHERE c.serial = f.serial))
SELECT l.made_at, l.ends_at, coalesce(l.is_laid_out, false) AS is_laid_out,
    (SELECT count(*) FROM later WHERE at > coalesce(l.made_at, '-infinity'))::integer AS lacking,
    (SELECT min(at) FROM later WHERE at > coalesce(l.made_at, '-infinity')) AS lacking_since
FROM (SELECT) AS always LEFT JOIN list l ON true;
