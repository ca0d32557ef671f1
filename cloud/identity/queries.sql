-- name: insert_user
INSERT INTO app_user (name, password_hash) VALUES (%(name)s, %(password_hash)s)
ON CONFLICT (name) DO NOTHING
RETURNING user_id;

-- name: user_by_name
SELECT user_id, name, password_hash, disabled_at
FROM app_user
WHERE name = %(name)s;

-- name: users
SELECT u.name, u.created_at, u.disabled_at,
       coalesce(array_agg(concat_ws('@', g.role, g.site) ORDER BY g.role, g.site)
                FILTER (WHERE g.role IS NOT NULL), '{}') AS grants,
       (SELECT max(s.last_seen_at) FROM session AS s WHERE s.user_id = u.user_id) AS last_seen_at
FROM app_user AS u
LEFT JOIN role_grant AS g USING (user_id)
GROUP BY u.user_id
ORDER BY u.name
LIMIT 10000;

-- name: grants_of_user
SELECT role, site FROM role_grant WHERE user_id = %(user_id)s ORDER BY role, site LIMIT 1000;

-- name: insert_grant
INSERT INTO role_grant (user_id, role, site, granted_by)
VALUES (%(user_id)s, %(role)s, %(site)s, %(granted_by)s)
ON CONFLICT DO NOTHING;

-- name: delete_grant
DELETE FROM role_grant
WHERE user_id = %(user_id)s AND role = %(role)s AND site IS NOT DISTINCT FROM %(site)s;

-- name: set_password
UPDATE app_user SET password_hash = %(password_hash)s WHERE user_id = %(user_id)s;

-- name: set_disabled
UPDATE app_user SET disabled_at = %(disabled_at)s WHERE user_id = %(user_id)s;

-- name: lock_attempts
INSERT INTO login_attempt AS a (name, failures, locked_until, last_at)
VALUES (%(name)s, 0, %(now)s, %(now)s)
ON CONFLICT (name) DO UPDATE SET last_at = a.last_at
RETURNING failures, locked_until;

-- name: count_attempt
UPDATE login_attempt SET failures = %(failures)s, locked_until = %(locked_until)s, last_at = %(now)s
WHERE name = %(name)s;

-- name: forget_attempts
DELETE FROM login_attempt WHERE name = %(name)s OR last_at < %(now)s - interval '1 day';

-- name: insert_session
INSERT INTO session (token_sha256, user_id, created_at, last_seen_at, expires_at)
VALUES (%(token_sha256)s, %(user_id)s, %(now)s, %(now)s, %(expires_at)s);

-- name: session_by_token
SELECT s.user_id, u.name, s.last_seen_at, s.expires_at
FROM session AS s
JOIN app_user AS u USING (user_id)
WHERE s.token_sha256 = %(token_sha256)s AND u.disabled_at IS NULL;

-- name: touch_session
UPDATE session SET last_seen_at = %(now)s WHERE token_sha256 = %(token_sha256)s;

-- name: delete_session
DELETE FROM session WHERE token_sha256 = %(token_sha256)s;

-- name: delete_sessions_of_user
DELETE FROM session WHERE user_id = %(user_id)s;

-- name: delete_ended_sessions
DELETE FROM session WHERE expires_at <= %(now)s OR last_seen_at <= %(idle_since)s;

-- name: insert_login_link
INSERT INTO login_link (token_sha256, user_id, expires_at)
VALUES (%(token_sha256)s, %(user_id)s, %(expires_at)s);

-- name: use_login_link
UPDATE login_link AS l SET used_at = %(now)s
FROM app_user AS u
WHERE l.token_sha256 = %(token_sha256)s AND l.used_at IS NULL AND l.expires_at > %(now)s
  AND u.user_id = l.user_id AND u.disabled_at IS NULL
RETURNING u.user_id, u.name;

-- name: insert_api_key
INSERT INTO api_key (key_id, key_sha256, name, grants, created_by, expires_at)
VALUES (%(key_id)s, %(key_sha256)s, %(name)s, %(grants)s, %(created_by)s, %(expires_at)s);

-- name: api_key_by_hash
SELECT k.key_id, k.name, k.grants, k.expires_at, k.last_used_at, p.person
FROM api_key AS k
LEFT JOIN api_key_person AS p ON p.name = k.name
LEFT JOIN app_user AS u ON u.name = p.person
WHERE k.key_sha256 = %(key_sha256)s AND k.revoked_at IS NULL AND u.disabled_at IS NULL;

-- name: touch_api_key
UPDATE api_key SET last_used_at = %(now)s WHERE key_id = %(key_id)s;

-- name: revoke_api_key
UPDATE api_key SET revoked_at = coalesce(revoked_at, %(now)s)
WHERE key_id = %(key_id)s
RETURNING key_id;

-- name: api_keys
SELECT k.key_id, k.name, k.grants, k.created_by, k.created_at, k.expires_at, k.revoked_at, k.last_used_at, p.person
FROM api_key AS k
LEFT JOIN api_key_person AS p ON p.name = k.name
ORDER BY k.created_at, k.key_id
LIMIT 10000;

-- name: bind_api_key
INSERT INTO api_key_person (name, person, bound_by) VALUES (%(name)s, %(person)s, %(bound_by)s)
ON CONFLICT (name) DO NOTHING;

-- name: person_of_api_key
SELECT person FROM api_key_person WHERE name = %(name)s;

-- name: api_key_named
SELECT k.name FROM api_key AS k WHERE k.name = %(name)s LIMIT 1;

-- name: record
SELECT record_audit(%(actor)s, %(action)s, %(target)s, NULL, NULL, %(detail)s);

-- name: act_as
SELECT set_config('dockledger.actor', %(actor)s, true),
       set_config('dockledger.sites', CASE WHEN %(all_sites)s THEN '*' ELSE (%(sites)s::text[])::text END, true);
