-- name: add_wave
INSERT INTO wave (site_id, gateway_id, to_location, asked, created_by)
SELECT %(site)s, g.gateway_id, %(to_location)s, %(asked)s::jsonb, %(actor)s FROM gateway g WHERE g.name = %(gateway)s
RETURNING wave_id;

-- name: number_tasks
SELECT 'T' || nextval('task_number') FROM generate_series(1, %(count)s) ORDER BY 1;

-- name: add_tasks
INSERT INTO task (task, site_id, gateway_id, wave_id, kind, expires_at, created_by)
SELECT x.task, %(site)s, g.gateway_id, %(wave)s, %(kind)s, %(expires_at)s, %(actor)s
FROM unnest(%(tasks)s::text[]) AS x (task)
JOIN gateway g ON g.name = %(gateway)s;

-- name: add_lines
INSERT INTO task_line (task, number, site_id, type, id, line, item_id, cell_id, from_location, to_location, quantity)
SELECT x.task, x.number, %(site)s, x.type, x.id, x.line, x.item_id, x.cell_id, x.from_location, x.to_location, x.quantity
FROM unnest(%(tasks)s::text[], %(numbers)s::integer[], %(types)s::text[], %(ids)s::text[], %(lines)s::text[],
    %(items)s::bigint[], %(cells)s::bigint[], %(from_locations)s::text[], %(to_locations)s::text[], %(quantities)s::numeric[])
    AS x (task, number, type, id, line, item_id, cell_id, from_location, to_location, quantity);

-- name: put_on_tasks
UPDATE allocation k SET task = x.task, task_line = x.number
FROM unnest(%(claims)s::bigint[], %(tasks)s::text[], %(numbers)s::integer[]) AS x (allocation_id, task, number)
WHERE k.allocation_id = x.allocation_id;

-- name: claims_without_task
WITH stands AS MATERIALIZED (
    SELECT s.unit, s.location FROM where_units_stand(ARRAY(
        SELECT DISTINCT l.code FROM allocation k
        JOIN cell c ON c.cell_id = k.cell_id
        JOIN location l ON l.location_id = c.location_id AND l.kind = 'unit'
        WHERE k.site_id = %(site)s AND k.ended_at IS NULL AND k.kind = 'hard' AND k.task IS NULL)) s
)
SELECT k.allocation_id, k.type, k.id, k.line, k.item_id, k.cell_id, k.quantity, k.needed_on,
    coalesce(w.location, l.code) AS from_location, k.why
FROM allocation k
JOIN cell c ON c.cell_id = k.cell_id
JOIN location l ON l.location_id = c.location_id
LEFT JOIN stands w ON l.kind = 'unit' AND w.unit = l.code
WHERE k.site_id = %(site)s AND k.ended_at IS NULL AND k.kind = 'hard' AND k.task IS NULL
    AND (k.type, k.id, k.line) IN (
        SELECT x.type, x.id, x.line
        FROM unnest(%(types)s::text[], %(ids)s::text[], %(lines)s::text[]) AS x (type, id, line))
ORDER BY k.allocation_id
FOR UPDATE OF k;

-- name: begin_following
SELECT t.position, h.position, EXISTS (SELECT FROM task) FROM task_head t, ledger_head h WHERE h.shard = 0 FOR UPDATE OF t;

-- name: followed
UPDATE task_head SET position = %(position)s;

-- name: facts
SELECT f.site, f.task, f.number, f.kind, f.item_id, f.quantity, f.from_cell, f.to_cell, f.gateway_id, f.epoch, f.seq,
    f.occurred_at, f.actor, f.reason
FROM task_facts(%(above)s, %(up_to)s) f;

-- name: add_fact
INSERT INTO task_fact (task, number, site_id, kind, quantity, cell_id, gateway_id, epoch, seq, occurred_at, actor, reason)
VALUES (%(task)s, %(number)s, %(site)s, %(kind)s, %(quantity)s, %(cell_id)s, %(gateway_id)s, %(epoch)s, %(seq)s,
    %(occurred_at)s, %(actor)s, %(reason)s)
ON CONFLICT DO NOTHING;

-- name: withdraw_lines
INSERT INTO task_fact (task, number, site_id, kind, quantity, gateway_id, epoch, seq, occurred_at, actor, reason)
SELECT x.task, x.number, l.site_id, 'withdrawn', x.quantity, g.gateway_id, 0, nextval('cloud_row_seq'), %(now)s, %(actor)s,
    %(because)s
FROM unnest(%(tasks)s::text[], %(numbers)s::integer[], %(quantities)s::numeric[]) AS x (task, number, quantity)
JOIN task_line l ON (l.task, l.number) = (x.task, x.number)
JOIN gateway g ON g.name = '_cloud';

-- name: end_tasks
WITH seen AS (
    SELECT t.task, bool_and(l.open <= 0) AS is_over, bool_or(l.short > 0) AS is_short, sum(l.picked) AS picked,
        bool_or(EXISTS (SELECT FROM task_fact f WHERE (f.task, f.number) = (l.task, l.number)
            AND f.kind = 'withdrawn' AND f.reason = 'task_called_off')) AS is_called_off
    FROM task t JOIN task_line_now l ON l.task = t.task
    WHERE t.task = ANY (%(tasks)s::text[])
    GROUP BY t.task
), changed AS (
    UPDATE task t SET ended_at = CASE WHEN s.is_over THEN clock_timestamp() END,
        ended_because = CASE WHEN NOT s.is_over THEN NULL WHEN s.is_called_off THEN 'cancelled' WHEN s.is_short THEN 'short'
            WHEN s.picked > 0 THEN 'done' ELSE 'cancelled' END
    FROM seen s
    WHERE t.task = s.task AND (t.ended_at IS NULL) = s.is_over AND t.ended_because IS DISTINCT FROM 'expired'
    RETURNING t.task
)
SELECT c.task FROM changed c ORDER BY c.task;

-- name: expire_tasks
UPDATE task SET ended_at = clock_timestamp(), ended_because = 'expired'
WHERE task = ANY (%(tasks)s::text[]) AND ended_at IS NULL;

-- name: overdue_tasks
SELECT t.task, g.name FROM task t JOIN gateway g ON g.gateway_id = t.gateway_id
WHERE t.site_id = %(site)s AND t.ended_at IS NULL AND t.expires_at <= %(now)s
ORDER BY t.task
FOR UPDATE OF t;

-- name: gateways_of_tasks
SELECT DISTINCT t.site_id, g.name FROM task t JOIN gateway g ON g.gateway_id = t.gateway_id
WHERE t.task = ANY (%(tasks)s::text[]) ORDER BY t.site_id, g.name;

-- name: task_line
SELECT l.task, l.number, l.site_id AS site, l.type, l.id, l.line, l.item_id, i.code AS item, l.cell_id, l.from_location,
    l.to_location, l.quantity, l.picked, l.short, l.open, c.lot, t.wave_id, g.name AS gateway, t.kind, t.ended_because
FROM task_line_now l
JOIN task t ON t.task = l.task
JOIN gateway g ON g.gateway_id = t.gateway_id
JOIN item i ON i.item_id = l.item_id
JOIN cell c ON c.cell_id = l.cell_id
WHERE l.task = %(task)s AND l.number = %(number)s;

-- name: claims_of_task_line
SELECT k.allocation_id, k.type, k.id, k.line, k.item_id, k.kind, k.cell_id, k.quantity, k.needed_on, k.why, k.task, k.task_line
FROM allocation k
WHERE k.task = %(task)s AND k.task_line = %(number)s AND k.ended_at IS NULL
ORDER BY k.allocation_id
FOR UPDATE;

-- name: lock_sending
SELECT pg_advisory_xact_lock(1952541547, g.gateway_id) FROM gateway g WHERE g.name = %(gateway)s;

-- name: last_revision
SELECT coalesce(max(m.revision), 0) FROM gateway_message m
JOIN gateway g ON g.gateway_id = m.gateway_id
WHERE g.name = %(gateway)s AND m.channel = 'task';

-- name: send
INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by)
SELECT g.gateway_id, 'task', %(revision)s, %(payload)s::jsonb, %(actor)s
FROM gateway g WHERE g.name = %(gateway)s;

-- name: tasks_to_send
SELECT t.task, t.kind, t.expires_at
FROM task t JOIN gateway g ON g.gateway_id = t.gateway_id
WHERE g.name = %(gateway)s AND t.ended_at IS NULL
ORDER BY t.created_at, length(t.task), t.task;

-- What is done of lines and which records are in it are of one instant, so they are one statement's.
-- name: lines_to_send
SELECT ARRAY(SELECT jsonb_build_object('epoch', lpad(to_hex(k.epoch), 16, '0'), 'seq', k.seq)
    FROM records_told_to_tasks(%(gateway)s) k ORDER BY k.epoch), l.task, l.number, l.type, l.id, l.line, i.code, i.item_id, l.quantity - l.withdrawn - l.short, l.picked, c.lot,
    c.disposition, c.owner, l.from_location, CASE WHEN p.kind = 'unit' THEN p.code END, l.to_location
FROM task_line_now l
JOIN item i ON i.item_id = l.item_id
JOIN cell c ON c.cell_id = l.cell_id
JOIN location p ON p.location_id = c.location_id
WHERE l.task = ANY (%(tasks)s::text[]) AND l.quantity > l.withdrawn + l.short
ORDER BY l.task, l.number;

-- name: names_of_items
SELECT c.canonical_id, n.scheme, n.value, n.numerator * c.numerator, n.denominator * c.denominator
FROM canonical_item c
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (x.scheme, x.value) x.scheme, x.value, x.numerator, x.denominator
    FROM identifier x WHERE x.item_id = c.item_id AND x.scheme <> 'sgtin'
    ORDER BY x.scheme, x.value, x.valid_from DESC) n
WHERE c.canonical_id = ANY (%(items)s::bigint[])
ORDER BY c.canonical_id, n.scheme, n.value;

-- name: claims_of_task
SELECT k.allocation_id, k.type, k.id, k.line, k.item_id, k.kind, k.cell_id, k.quantity, k.needed_on, k.why, k.task, k.task_line
FROM allocation k
WHERE k.task = %(task)s AND k.ended_at IS NULL AND k.kind = 'hard'
ORDER BY k.allocation_id
FOR UPDATE;

-- name: waves
SELECT w.wave_id, w.site_id AS site, s.time_zone, g.name AS gateway, w.to_location, w.asked, w.created_at, w.created_by,
    count(DISTINCT t.task) AS tasks, count(DISTINCT t.task) FILTER (WHERE t.ended_at IS NULL) AS open_tasks,
    count(l.number) AS lines, count(l.number) FILTER (WHERE l.open <= 0) AS done_lines,
    count(l.number) FILTER (WHERE l.short > 0) AS short_lines
FROM (
    SELECT x.wave_id, x.site_id, x.gateway_id, x.to_location, x.asked, x.created_at, x.created_by FROM wave x
    WHERE (%(site)s::text IS NULL OR x.site_id = %(site)s) AND x.wave_id < %(before)s
    ORDER BY x.wave_id DESC
    LIMIT %(limit)s) w
JOIN site s ON s.site_id = w.site_id
JOIN gateway g ON g.gateway_id = w.gateway_id
LEFT JOIN task t ON t.wave_id = w.wave_id
LEFT JOIN task_line_now l ON l.task = t.task
GROUP BY w.wave_id, w.site_id, w.to_location, w.asked, w.created_at, w.created_by, s.time_zone, g.name
ORDER BY w.wave_id DESC;

-- name: tasks
SELECT t.task, t.site_id AS site, s.time_zone, g.name AS gateway, t.wave_id, t.kind, t.expires_at, t.created_at, t.created_by,
    t.ended_at, t.ended_because,
    (SELECT string_agg(DISTINCT l.type || '/' || l.id, ', ') FROM task_line l WHERE l.task = t.task) AS documents,
    n.lines, n.done_lines, n.short_lines, n.last_at, n.actor
FROM (
    SELECT x.task, x.site_id, x.gateway_id, x.wave_id, x.kind, x.expires_at, x.created_at, x.created_by, x.ended_at,
        x.ended_because
    FROM task x
    WHERE (%(site)s::text IS NULL OR x.site_id = %(site)s) AND (%(task)s::text IS NULL OR x.task = %(task)s)
        AND (%(wave)s::bigint IS NULL OR x.wave_id = %(wave)s)
        AND (%(open_only)s IS FALSE OR x.ended_at IS NULL)
        AND (x.created_at, x.task) < (
            coalesce((SELECT b.created_at FROM task b WHERE b.task = %(before)s), 'infinity'), %(before)s)
    ORDER BY x.created_at DESC, x.task DESC
    LIMIT %(limit)s) t
JOIN site s ON s.site_id = t.site_id
JOIN gateway g ON g.gateway_id = t.gateway_id
CROSS JOIN LATERAL (
    SELECT count(*) AS lines, count(*) FILTER (WHERE l.open <= 0) AS done_lines,
        count(*) FILTER (WHERE l.short > 0) AS short_lines, max(l.last_at) AS last_at,
        (array_agg(l.actor ORDER BY l.last_at DESC NULLS LAST))[1] AS actor
    FROM task_line_now l WHERE l.task = t.task) n
ORDER BY t.created_at DESC, t.task DESC;

-- name: lines_of_task
SELECT l.task, l.number, l.type, l.id, l.line, i.code AS item, i.name AS item_name, i.base_unit, c.lot, x.expires_on,
    l.from_location, CASE WHEN p.kind = 'unit' THEN p.code END AS unit, l.to_location, l.quantity, l.picked, l.short, l.withdrawn,
    l.open, l.reason, l.last_at, l.actor, k.why
FROM task_line_now l
JOIN item i ON i.item_id = l.item_id
JOIN cell c ON c.cell_id = l.cell_id
JOIN location p ON p.location_id = c.location_id
LEFT JOIN lot x ON x.item_id = l.item_id AND x.lot = c.lot
LEFT JOIN LATERAL (
    SELECT a.why FROM allocation a WHERE a.task = l.task AND a.task_line = l.number ORDER BY a.allocation_id LIMIT 1) k ON true
WHERE l.task = %(task)s
ORDER BY l.number;

-- name: shorts
SELECT f.task, f.number, f.occurred_at, f.actor, f.reason, f.quantity, i.code AS item, i.base_unit, l.from_location AS location,
    c.lot, l.type, l.id, l.line, t.site_id AS site, s.time_zone,
    NOT EXISTS (SELECT FROM count_line n WHERE n.cell_id = f.cell_id AND n.occurred_at >= f.occurred_at) AS is_doubted
FROM task_fact f
JOIN task_line l ON (l.task, l.number) = (f.task, f.number)
JOIN task t ON t.task = f.task
JOIN site s ON s.site_id = t.site_id
JOIN item i ON i.item_id = l.item_id
JOIN cell c ON c.cell_id = l.cell_id
WHERE f.kind = 'short' AND (%(site)s::text IS NULL OR f.site_id = %(site)s)
ORDER BY f.occurred_at DESC, f.task, f.number
LIMIT %(limit)s;

-- name: open_task
SELECT t.task, t.site_id FROM task t WHERE t.task = %(task)s AND t.site_id = %(site)s AND t.ended_at IS NULL FOR UPDATE;

-- name: items_of_task
SELECT DISTINCT l.item_id FROM task_line l WHERE l.task = %(task)s ORDER BY l.item_id;
