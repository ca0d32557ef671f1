-- Every statement limits itself by sees_site(), which reads the sites that act_as() named.

-- name: calendar
SELECT s.time_zone, s.business_day_start, s.week_start, s.period_calendar
FROM site s WHERE s.site_id = %(site)s AND sees_site(s.site_id);

-- name: set_pattern
UPDATE site SET period_calendar = %(pattern)s WHERE site_id = %(site)s AND period_calendar <> %(pattern)s;

-- name: closes
SELECT c.close_id, c.site_id AS site, s.time_zone, c.period, c.revision, c.starts_at, c.ends_at, c.as_of_position,
    e.position, e.recorded_at AS closed_at, c.closed_by, c.asked_by, c.reason, c.note, c.open_points, c.currency,
    c.decision_id,
    NOT EXISTS (SELECT FROM period_close x
        WHERE x.site_id = c.site_id AND x.ends_at = c.ends_at AND x.revision > c.revision) AS is_last
FROM period_close c
JOIN ledger_entry e ON e.posting_id = c.posting_id
JOIN site s ON s.site_id = c.site_id
WHERE sees_site(c.site_id)
    AND (%(site)s::text IS NULL OR c.site_id = %(site)s)
    AND (%(ends_at)s::timestamptz IS NULL OR c.ends_at = %(ends_at)s)
    AND (%(close_id)s::bigint IS NULL OR c.close_id = %(close_id)s)
    AND c.close_id < %(before)s
ORDER BY c.close_id DESC
LIMIT %(limit)s;

-- name: last_closes
SELECT DISTINCT ON (c.ends_at) c.close_id, c.site_id AS site, s.time_zone, c.period, c.revision, c.starts_at, c.ends_at,
    c.as_of_position, e.position, e.recorded_at AS closed_at, c.closed_by, c.asked_by, c.reason, c.note, c.open_points,
    c.currency, c.decision_id, true AS is_last
FROM period_close c
JOIN ledger_entry e ON e.posting_id = c.posting_id
JOIN site s ON s.site_id = c.site_id
WHERE sees_site(c.site_id) AND c.site_id = %(site)s AND c.ends_at BETWEEN %(from_at)s::timestamptz AND %(until_at)s::timestamptz
ORDER BY c.ends_at DESC, c.revision DESC
LIMIT 1000;

-- name: first_closed
SELECT c.ends_at FROM period_close c
WHERE c.site_id = %(site)s AND sees_site(c.site_id) ORDER BY c.ends_at LIMIT 1;

-- name: last_close
SELECT max(c.ends_at) FROM period_close c WHERE c.site_id = %(site)s AND sees_site(c.site_id);

-- name: head
SELECT h.position FROM ledger_head h WHERE h.shard = 0;

-- name: points
SELECT kind, number, detail FROM period_points(%(site)s, %(ends_at)s);

-- name: figure
SELECT read_figure(%(close_id)s::bigint, %(site)s, %(until_at)s::timestamptz, %(position)s::bigint, %(is_closing)s);

-- name: currency
SELECT CASE WHEN %(close_id)s::bigint IS NULL THEN book_currency(%(site)s)
    ELSE (SELECT c.currency FROM period_close c WHERE c.close_id = %(close_id)s AND sees_site(c.site_id)) END;

-- name: lines
SELECT * FROM read_value_lines(
    of_close => %(close_id)s, of_site => %(site)s, until_at => %(until_at)s::timestamptz, until_position => %(position)s,
    is_closing => %(is_closing)s, in_category => %(category)s, in_zone => %(zone)s, only_unknown => %(only_unknown)s,
    after_item => %(after_item)s, after_cell => %(after_cell)s, at_most => %(limit)s);

-- name: prior_facts
SELECT * FROM read_prior_facts(
    of_close => %(close_id)s, up_to => %(up_to)s, after_position => %(after_position)s, after_gateway => %(after_gateway)s,
    after_epoch => %(after_epoch)s, after_seq => %(after_seq)s, at_most => %(limit)s);

-- name: facts_since
SELECT facts_since(%(site)s, %(until_at)s::timestamptz, %(position)s::bigint);

-- name: standing_decision
SELECT d.decision_id FROM decision d
WHERE d.kind = %(kind)s AND d.site_id = %(site)s AND d.subject = %(subject)s
    AND d.state IN ('draft', 'submitted', 'approved')
ORDER BY d.decision_id DESC LIMIT 1;
