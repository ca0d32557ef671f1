-- name: add
INSERT INTO webhook_subscription (name, site_id, url, events, secret, created_by)
VALUES (%(name)s, %(site)s, %(url)s, %(events)s, %(secret)s, %(actor)s)
ON CONFLICT (name) DO NOTHING
RETURNING subscription_id;

-- name: subscriptions
SELECT s.subscription_id, s.name, s.site_id AS site, s.url, s.events, s.is_active, s.stopped_because, s.created_by,
    s.created_at,
    (SELECT count(*) FROM webhook_delivery d
        WHERE d.subscription_id = s.subscription_id AND d.state = 'pending')::integer AS pending,
    (SELECT count(*) FROM webhook_delivery d
        WHERE d.subscription_id = s.subscription_id AND d.state = 'dead')::integer AS dead
FROM webhook_subscription s
WHERE s.removed_at IS NULL AND (%(all_sites)s OR s.site_id = ANY (%(sites)s))
    AND (%(subscription_id)s::bigint IS NULL OR s.subscription_id = %(subscription_id)s)
    AND s.subscription_id > %(after)s
ORDER BY s.subscription_id
LIMIT %(limit)s;

-- name: hold
SELECT FROM webhook_subscription WHERE subscription_id = %(subscription_id)s FOR UPDATE;

-- name: set_active
UPDATE webhook_subscription SET is_active = %(is_active)s, stopped_because = %(because)s
WHERE subscription_id = %(subscription_id)s;

-- name: rotate
UPDATE webhook_subscription SET old_secret = secret, old_secret_until = %(until)s, secret = %(secret)s
WHERE subscription_id = %(subscription_id)s;

-- name: remove
UPDATE webhook_subscription SET removed_at = clock_timestamp(), is_active = false, old_secret = NULL,
    name = 'removed.' || subscription_id
WHERE subscription_id = %(subscription_id)s;

-- name: give_up
UPDATE webhook_delivery SET state = 'dead', last_error = %(because)s
WHERE subscription_id = %(subscription_id)s AND state = 'pending';

-- name: test
SELECT announce_to(%(subscription_id)s, %(type)s, %(data)s);

-- name: deliveries
SELECT d.event_id, d.subscription_id, e.type, e.site_id AS site, e.occurred_at, e.data, d.state, d.attempts, d.due_at,
    d.last_at, d.last_status, d.last_error
FROM webhook_delivery d JOIN webhook_event e ON e.event_id = d.event_id
WHERE d.subscription_id = %(subscription_id)s AND (%(state)s::text IS NULL OR d.state = %(state)s)
    AND (%(before)s::bigint IS NULL OR d.event_id < %(before)s)
ORDER BY d.event_id DESC
LIMIT %(limit)s;

-- name: again
UPDATE webhook_delivery SET state = 'pending', attempts = 0, due_at = clock_timestamp()
WHERE subscription_id = %(subscription_id)s AND event_id = %(event_id)s;

-- name: claim
WITH ranked AS (
    SELECT d.event_id, d.subscription_id, d.due_at,
        row_number() OVER (PARTITION BY d.subscription_id ORDER BY d.due_at, d.event_id) AS place
    FROM webhook_delivery d
    JOIN webhook_subscription s ON s.subscription_id = d.subscription_id AND s.is_active
    WHERE d.state = 'pending' AND d.due_at <= %(now)s
), chosen AS (
    SELECT d.event_id, d.subscription_id
    FROM webhook_delivery d JOIN ranked r USING (event_id, subscription_id)
    WHERE r.place <= %(per_subscription)s AND d.state = 'pending' AND d.due_at <= %(now)s
    ORDER BY r.due_at, d.event_id, d.subscription_id
    LIMIT %(limit)s
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE webhook_delivery d SET attempts = d.attempts + 1, due_at = %(now)s + %(lease)s, last_at = %(now)s
FROM chosen c, webhook_event e, webhook_subscription s
WHERE (d.event_id, d.subscription_id) = (c.event_id, c.subscription_id) AND e.event_id = d.event_id
    AND s.subscription_id = d.subscription_id
RETURNING d.event_id, d.subscription_id, s.name, s.url, s.secret,
    CASE WHEN s.old_secret_until > %(now)s THEN s.old_secret END AS old_secret, e.type, e.occurred_at, e.data,
    d.attempts;

-- name: taken
UPDATE webhook_delivery SET state = 'delivered', last_status = %(status)s, last_error = NULL
WHERE event_id = %(event_id)s AND subscription_id = %(subscription_id)s AND attempts = %(attempts)s;

-- name: later
UPDATE webhook_delivery SET due_at = %(due_at)s, last_status = %(status)s, last_error = %(error)s
WHERE event_id = %(event_id)s AND subscription_id = %(subscription_id)s AND attempts = %(attempts)s
    AND state = 'pending';

-- name: dead
UPDATE webhook_delivery SET state = 'dead', last_status = %(status)s, last_error = %(error)s
WHERE event_id = %(event_id)s AND subscription_id = %(subscription_id)s AND attempts = %(attempts)s
    AND state = 'pending';

-- name: has_dead
SELECT EXISTS (
    SELECT FROM webhook_delivery WHERE subscription_id = %(subscription_id)s AND state = 'dead');

-- name: forget
SELECT forget_events(%(before)s, %(most)s);

-- name: record
SELECT record_audit(%(actor)s, %(action)s, %(target)s, %(site)s, NULL, %(detail)s);
