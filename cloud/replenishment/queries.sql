-- name: sites
SELECT s.site_id, s.time_zone, s.business_day_start, s.currency
FROM site s
WHERE (%(sites)s::text[] IS NULL OR s.site_id = ANY (%(sites)s)) AND sees_site(s.site_id)
ORDER BY s.site_id;

-- name: lock_site
SELECT pg_advisory_xact_lock(hashtextextended('replenishment/' || %(site)s, 0));

-- name: ledger_position
SELECT h.position, clock_timestamp() FROM ledger_head h WHERE h.shard = 0;

-- name: buckets
SELECT b.item_id, b.bucket, b.choice_id FROM pub_forecast_buckets(ARRAY[%(site)s::text]) b;

-- name: items
SELECT i.item_id, i.code, i.base_unit, i.is_integer_only
FROM item i
WHERE i.item_id = ANY (%(items)s::bigint[]);

-- name: planned_items
SELECT DISTINCT c.canonical_id
FROM canonical_item c
WHERE c.item_id IN (
    SELECT e.item_id FROM pub_demand_extent(ARRAY[%(site)s::text]) e
    UNION
    SELECT f.item_id FROM pub_forecasts(ARRAY[%(site)s::text]) f
    UNION
    SELECT t.item_id FROM supplier_item t WHERE t.site_id = %(site)s
    UNION
    SELECT p.item_id FROM replenishment_policy p WHERE p.site_id = %(site)s
    UNION
    SELECT s.item_id FROM sites_supplied() s WHERE s.from_site = %(site)s)
ORDER BY 1;

-- name: supplies
SELECT DISTINCT s.from_site, s.to_site FROM sites_supplied() s;

-- name: whose_demand
SELECT s.item_id, EXISTS (
    SELECT FROM pub_demand_extent(ARRAY[%(site)s::text]) e JOIN canonical_item c ON c.item_id = e.item_id
    WHERE c.canonical_id = s.item_id)
FROM (SELECT DISTINCT x.item_id FROM sites_supplied() x WHERE x.from_site = %(site)s) s;

-- name: requirements
SELECT r.item_id, r.to_site, r.id AS transfer, r.quantity, r.due_on, r.drafted, r.planned_on, r.way
FROM pub_dependent_requirements(%(site)s) r;

-- name: open_transfers
SELECT t.item_id, t.id, t.line, t.from_site, t.quantity, t.due_on, t.drafted_at FROM pub_open_transfer_lines(%(site)s) t;

-- name: own_site
SELECT s.own_site FROM supplier s WHERE s.supplier = %(supplier)s;

-- name: forget_planned_transfers
DELETE FROM planned_transfer p WHERE p.site_id = %(site)s;

-- name: add_planned_transfers
INSERT INTO planned_transfer (run_id, site_id, item_id, from_site, leaves_on, quantity)
SELECT %(run_id)s, %(site)s, x.item_id, x.from_site, x.leaves_on, x.quantity
FROM unnest(%(items)s::bigint[], %(from_sites)s::text[], %(days)s::date[], %(quantities)s::numeric[])
    AS x (item_id, from_site, leaves_on, quantity);

-- name: forecasts
SELECT f.run_id, f.finished_at, f.item_id, f.first_day, f.mean, f.horizons, f.cum_q, f.model, f.is_sufficient
FROM pub_forecasts(ARRAY[%(site)s::text]) f
ORDER BY f.item_id;

-- name: usable_stock
SELECT u.item_id, u.quantity FROM pub_usable_stock(ARRAY[%(site)s::text]) u;

-- name: open_lines
SELECT o.item_id, o.id, o.line, o.supplier, o.quantity, o.due_on, o.sent_at
FROM pub_open_order_lines(ARRAY[%(site)s::text]) o;

-- name: customer_orders
SELECT c.canonical_id, l.id, sum(round(l.quantity * n.numerator / n.denominator * c.numerator / c.denominator, 6)),
    min(due.on_day)
FROM document_line l
JOIN document d ON (d.site_id, d.type, d.id) = (l.site_id, l.type, l.id)
JOIN site s ON s.site_id = l.site_id
CROSS JOIN LATERAL (
    SELECT (coalesce(min(v.from_at), d.created_at) AT TIME ZONE s.time_zone - s.business_day_start)::date AS on_day
    FROM visit_document x JOIN visit v ON (v.site_id, v.visit) = (x.site_id, x.visit) AND v.state = 'open'
    WHERE (x.site_id, x.type, x.id) = (l.site_id, l.type, l.id)) due
CROSS JOIN LATERAL (
    SELECT i.item_id FROM identifier i
    WHERE i.scheme = l.identifier_scheme AND i.value = l.identifier
    ORDER BY i.valid_from DESC LIMIT 1) named
CROSS JOIN LATERAL (
    SELECT 1::bigint AS numerator, 1::bigint AS denominator WHERE l.unit_seen = 'base'
    UNION ALL
    (SELECT i.numerator, i.denominator FROM identifier i
     WHERE i.scheme = 'gtin' AND i.value = l.unit_seen AND l.unit_seen <> 'base'
     ORDER BY i.valid_from DESC LIMIT 1)) n
JOIN canonical_item c ON c.item_id = named.item_id
WHERE l.site_id = %(site)s AND l.type = 'outbound_order' AND due.on_day >= %(since)s
    AND NOT EXISTS (SELECT FROM claim m WHERE m.kind = 'document_line'
        AND m.target = l.site_id || '/' || l.type || '/' || l.id || '/' || l.line)
GROUP BY c.canonical_id, l.id
ORDER BY c.canonical_id, l.id;

-- name: terms
SELECT c.canonical_id AS item_id, t.supplier, s.name, s.currency, s.working_days, s.order_days, t.site_id, t.code, t.pack,
    t.min_order, t.multiple, t.price, t.lead_time_days, t.lead_time_basis, t.is_preferred, t.updated_at,
    s.own_site
FROM supplier_item t
JOIN supplier s ON s.supplier = t.supplier AND s.own_site IS DISTINCT FROM %(site)s
JOIN canonical_item c ON c.item_id = t.item_id
WHERE (t.site_id IS NULL OR t.site_id = %(site)s)
    AND (%(item_id)s::bigint IS NULL OR c.canonical_id = %(item_id)s)
ORDER BY c.canonical_id, t.supplier, t.site_id NULLS LAST;

-- name: receipts
SELECT o.supplier, (r.first_at AT TIME ZONE s.time_zone)::date - (o.sent_at AT TIME ZONE s.time_zone)::date
FROM order_lines_received(ARRAY[%(site)s::text], NULL) r
JOIN purchase_order o ON (o.site_id, o.id) = (r.site, r.id)
JOIN site s ON s.site_id = o.site_id
WHERE r.first_at IS NOT NULL AND o.sent_at IS NOT NULL
ORDER BY o.supplier, r.first_at, r.id, r.line;

-- name: policies
SELECT DISTINCT ON (p.item_id) c.canonical_id, p.review_days, p.target_kind, p.target, p.set_by
FROM replenishment_policy p LEFT JOIN canonical_item c ON c.item_id = p.item_id
WHERE p.site_id = %(site)s
ORDER BY p.item_id, p.policy_id DESC;

-- name: add_policy
INSERT INTO replenishment_policy (site_id, item_id, review_days, target_kind, target, set_by)
VALUES (%(site)s, %(item_id)s, %(review_days)s, %(target_kind)s, %(target)s, %(actor)s);

-- name: item_id
SELECT c.canonical_id FROM item i JOIN canonical_item c ON c.item_id = i.item_id WHERE i.code = %(item)s;

-- name: site_exists
SELECT s.site_id FROM site s WHERE s.site_id = %(site)s;

-- name: refused_to_hurry
SELECT p.item_id, p.arithmetic #>> '{expedite,order}', p.arithmetic #>> '{expedite,line}'
FROM proposal p
WHERE p.site_id = %(site)s AND p.kind = 'expedite' AND p.state = 'rejected';

-- name: lead_time_id
SELECT d.lead_time_dist_id FROM lead_time_distribution d
WHERE d.supplier IS NOT DISTINCT FROM %(supplier)s AND d.days = %(days)s::integer[]
    AND d.probability = %(probability)s::double precision[] AND d.source = %(source)s AND d.samples = %(samples)s
ORDER BY d.lead_time_dist_id DESC LIMIT 1;

-- name: add_lead_time
INSERT INTO lead_time_distribution (supplier, days, probability, source, samples, as_of)
VALUES (%(supplier)s, %(days)s, %(probability)s, %(source)s, %(samples)s, %(as_of)s)
RETURNING lead_time_dist_id;

-- name: add_parameters
INSERT INTO planning_parameters (run_id, site_id, item_id, review_days, lead_time_dist_id, protection_days, target_kind,
    target, defaults, approved_at, approved_by, bucket, bucket_choice_id, demand_type)
SELECT %(run_id)s, %(site)s, x.item_id, x.review_days, x.lead_time, x.protection_days, x.target_kind, x.target,
    coalesce(string_to_array(nullif(x.defaults, ''), ' '), '{}'), %(now)s, x.set_by, x.bucket, x.bucket_choice,
    x.demand_type
FROM unnest(%(items)s::bigint[], %(reviews)s::integer[], %(lead_times)s::bigint[], %(protections)s::integer[],
    %(kinds)s::text[], %(targets)s::double precision[], %(defaults)s::text[], %(set_by)s::text[], %(buckets)s::text[],
    %(bucket_choices)s::bigint[], %(demand_types)s::text[])
    AS x (item_id, review_days, lead_time, protection_days, target_kind, target, defaults, set_by, bucket, bucket_choice,
        demand_type)
WHERE NOT EXISTS (
    SELECT FROM (
        SELECT p.* FROM planning_parameters p
        WHERE p.site_id = %(site)s AND p.item_id = x.item_id
        ORDER BY p.parameter_id DESC LIMIT 1) p
    WHERE (p.review_days, p.lead_time_dist_id, p.protection_days, p.target_kind, p.target, p.approved_by, p.bucket,
        p.bucket_choice_id, p.defaults, p.demand_type)
        IS NOT DISTINCT FROM (x.review_days, x.lead_time, x.protection_days, x.target_kind, x.target, x.set_by, x.bucket,
            x.bucket_choice, coalesce(string_to_array(nullif(x.defaults, ''), ' '), '{}'), x.demand_type));

-- name: settle_refused
UPDATE proposal p SET settled_at = %(now)s, settled_why = 'decision ' || d.state
FROM decision d
WHERE p.site_id = %(site)s AND p.settled_at IS NULL AND d.decision_id = p.decision_id
    AND d.state IN ('rejected', 'reversed');

-- name: expire
UPDATE proposal p
SET state = 'expired', settled_at = %(now)s, settled_why = 'replaced by run ' || %(run_id)s::text, decided_at = %(now)s,
    decided_by = %(actor)s
WHERE p.site_id = %(site)s AND p.state = 'proposed' AND p.proposal_id <> ALL (%(keep)s::text[]);

-- name: unsent_items
SELECT p.item_id, p.proposal_id FROM proposal p WHERE p.site_id = %(site)s AND p.settled_at IS NULL;

-- name: steps_taken
SELECT c.canonical_id, sum(s.steps)::bigint
FROM (
    SELECT l.item_id, count(*) AS steps
    FROM purchase_order_line l JOIN purchase_order o ON (o.site_id, o.id) = (l.site_id, l.id)
    WHERE l.site_id = %(site)s AND o.sent_at IS NOT NULL
    GROUP BY l.item_id
    UNION ALL
    SELECT l.item_id, count(*)
    FROM purchase_order_date d JOIN purchase_order_line l ON (l.site_id, l.id, l.line) = (d.site_id, d.id, d.line)
    WHERE d.site_id = %(site)s
    GROUP BY l.item_id
    UNION ALL
    SELECT l.item_id, count(*)
    FROM purchase_order_terms t JOIN purchase_order_line l ON (l.site_id, l.id, l.line) = (t.site_id, t.id, t.line)
    WHERE t.site_id = %(site)s
    GROUP BY l.item_id
    UNION ALL
    SELECT p.item_id, count(*)
    FROM proposal p
    WHERE p.site_id = %(site)s AND p.settled_at IS NOT NULL AND p.state <> 'expired'
        AND p.settled_why NOT LIKE 'decision %%'
    GROUP BY p.item_id) s
JOIN canonical_item c ON c.item_id = s.item_id
GROUP BY c.canonical_id;

-- name: add_proposal
INSERT INTO proposal AS p (proposal_id, run_id, site_id, item_id, kind, supplier, quantity, price, currency, value, order_by,
    needed_by, arrives_on, summary, arithmetic, inputs_at)
VALUES (%(proposal_id)s, %(run_id)s, %(site)s, %(item_id)s, %(kind)s, %(supplier)s, %(quantity)s, %(price)s, %(currency)s,
    %(value)s, %(order_by)s, %(needed_by)s, %(arrives_on)s, %(summary)s, %(arithmetic)s, %(inputs_at)s)
ON CONFLICT (proposal_id) DO UPDATE
SET state = 'proposed', settled_at = NULL, settled_why = NULL, decided_at = NULL, decided_by = NULL
WHERE p.state = 'expired';

-- name: listed
SELECT p.proposal_id, p.run_id, p.site_id AS site, s.time_zone, i.code AS item, i.name AS item_name, i.base_unit, p.kind,
    p.supplier, p.quantity, p.price, p.currency, p.value, p.order_by, p.needed_by, p.arrives_on, p.summary, p.arithmetic,
    p.inputs_at, p.created_at, p.state, p.chosen, p.reason, p.note, p.decided_at, p.decided_by, p.decision_id,
    d.state AS decision_state, p.settled_at, p.settled_why, o.id AS order_id, o.state AS order_state
FROM proposal p
JOIN site s ON s.site_id = p.site_id
JOIN item i ON i.item_id = p.item_id
LEFT JOIN decision d ON d.decision_id = p.decision_id
LEFT JOIN purchase_order o ON o.decision_id = p.decision_id
WHERE (%(site)s::text IS NULL OR p.site_id = %(site)s)
    AND (%(proposal_id)s::text IS NULL OR p.proposal_id = %(proposal_id)s)
    AND (%(states)s::text[] IS NULL OR p.state = ANY (%(states)s))
    AND (NOT %(unsent)s OR p.settled_at IS NULL)
    AND (%(item)s::text IS NULL OR i.code = %(item)s)
    AND (p.needed_by, p.proposal_id) > (%(after_day)s::date, %(after_id)s)
ORDER BY p.needed_by, p.proposal_id
LIMIT %(limit)s;

-- name: lock_proposal
SELECT p.state FROM proposal p WHERE p.proposal_id = %(proposal_id)s FOR UPDATE;

-- name: answer
UPDATE proposal
SET state = %(state)s, chosen = %(chosen)s, reason = %(reason)s, note = %(note)s, decided_at = %(now)s,
    decided_by = %(actor)s, decision_id = %(decision_id)s, settled_at = %(settled_at)s, settled_why = %(settled_why)s
WHERE proposal_id = %(proposal_id)s AND state = 'proposed';

-- name: settle_of_decision
UPDATE proposal SET settled_at = %(now)s, settled_why = %(why)s
WHERE decision_id = %(decision_id)s AND settled_at IS NULL;

-- name: parameters
SELECT DISTINCT ON (p.item_id) p.parameter_id, p.run_id, p.site_id AS site, p.item_id, i.code AS item, p.review_days,
    p.protection_days, p.bucket, p.bucket_choice_id, p.target_kind, p.target, p.defaults, p.approved_at, p.approved_by,
    d.supplier, d.days, d.probability, d.source, d.samples
FROM planning_parameters p
JOIN item i ON i.item_id = p.item_id
JOIN lead_time_distribution d ON d.lead_time_dist_id = p.lead_time_dist_id
WHERE p.site_id = %(site)s AND (%(item)s::text IS NULL OR i.code = %(item)s) AND p.item_id > %(after)s
ORDER BY p.item_id, p.parameter_id DESC
LIMIT %(limit)s;

-- name: item_of_code
SELECT c.canonical_id, k.base_unit, k.is_integer_only
FROM item i
JOIN canonical_item c ON c.item_id = i.item_id
JOIN item k ON k.item_id = c.canonical_id
WHERE i.code = %(item)s;

-- name: supplier_currency
SELECT s.currency FROM supplier s WHERE s.supplier = %(supplier)s;

-- name: confirmation_tolerance
SELECT t.quantity_percent, t.price_percent, t.site_id, t.set_by
FROM confirmation_tolerance t
WHERE t.site_id IS NULL OR t.site_id = %(site)s
ORDER BY t.site_id NULLS LAST, t.tolerance_id DESC LIMIT 1;

-- name: add_confirmation_tolerance
INSERT INTO confirmation_tolerance (site_id, quantity_percent, price_percent, set_by)
VALUES (%(site)s, %(quantity_percent)s, %(price_percent)s, %(actor)s);

-- name: changes_waiting
SELECT c.line, d.decision_id
FROM purchase_order_confirmation c JOIN decision d ON d.decision_id = c.decision_id
WHERE c.site_id = %(site)s AND c.id = %(id)s AND d.state IN ('draft', 'submitted')
ORDER BY d.decision_id;

-- name: approved_terms
SELECT coalesce(t.quantity, l.quantity), CASE WHEN t.revision IS NULL THEN l.price ELSE t.price END
FROM purchase_order_line l
LEFT JOIN LATERAL (
    SELECT x.revision, x.quantity, x.price
    FROM purchase_order_terms x JOIN decision d ON d.decision_id = x.decision_id
    WHERE (x.site_id, x.id, x.line) = (l.site_id, l.id, l.line) AND d.state = 'applied'
    ORDER BY x.revision DESC LIMIT 1) t ON true
WHERE l.site_id = %(site)s AND l.id = %(id)s AND l.line = %(line)s;

-- name: add_confirmation
INSERT INTO purchase_order_confirmation (site_id, id, line, revision, quantity, price, due_on, reference, base_quantity,
    base_price, quantity_percent, price_percent, beyond, decision_id, stated_by)
VALUES (%(site)s, %(id)s, %(line)s, %(revision)s, %(quantity)s, %(price)s, %(due_on)s, %(reference)s, %(base_quantity)s,
    %(base_price)s, %(quantity_percent)s, %(price_percent)s, %(beyond)s, %(decision_id)s, %(actor)s);

-- name: add_order_terms
INSERT INTO purchase_order_terms (site_id, id, line, revision, quantity, price, decision_id, set_by)
SELECT %(site)s, %(id)s, %(line)s, 1 + coalesce(max(t.revision), 0), %(quantity)s, %(price)s, %(decision_id)s, %(actor)s
FROM purchase_order_terms t
WHERE t.site_id = %(site)s AND t.id = %(id)s AND t.line = %(line)s;

-- name: order_terms
SELECT t.revision, t.quantity, t.price, t.decision_id
FROM purchase_order_terms t
WHERE t.site_id = %(site)s AND t.id = %(id)s AND t.line = %(line)s
ORDER BY t.revision DESC LIMIT 2;
