-- name: draft
INSERT INTO decision (kind, site_id, subject, item, author, contributors, reason, note, value, currency, evidence,
    inputs, parameters, effect)
VALUES (%(kind)s, %(site)s, %(subject)s, %(item)s, %(author)s, %(contributors)s, %(reason)s, %(note)s, %(value)s,
    %(currency)s, %(evidence)s, %(inputs)s, %(parameters)s, %(effect)s)
ON CONFLICT (kind, subject) WHERE state NOT IN ('rejected', 'reversed') DO NOTHING
RETURNING decision_id;

-- name: standing
SELECT decision_id, effect = %(effect)s::jsonb AND value IS NOT DISTINCT FROM %(value)s::numeric
    AND currency IS NOT DISTINCT FROM %(currency)s AND item IS NOT DISTINCT FROM %(item)s
    AND site_id = %(site)s AS is_same
FROM decision
WHERE kind = %(kind)s AND subject = %(subject)s AND state NOT IN ('rejected', 'reversed');

-- name: decision
SELECT d.decision_id, d.kind, d.site_id AS site, d.subject, d.item, d.state, d.revision, d.author, d.contributors,
    persons_of(d.author || d.contributors) AS persons, person_of(d.approver) AS approving_person,
    d.reason, d.note, d.value, d.currency, d.evidence, d.inputs, d.parameters, d.effect, d.approver, d.approved_as,
    d.verdict_reason, d.verdict_note, d.outcome, d.created_at, d.submitted_at, d.decided_at, d.applied_at,
    d.reversed_at, s.time_zone
FROM decision d JOIN site s ON s.site_id = d.site_id
WHERE d.decision_id = %(decision_id)s;

-- name: hold
SELECT FROM decision WHERE decision_id = %(decision_id)s FOR UPDATE;

-- name: listed
SELECT d.decision_id, d.kind, d.site_id AS site, d.subject, d.item, d.state, d.revision, d.author, d.contributors,
    persons_of(d.author || d.contributors) AS persons, person_of(d.approver) AS approving_person,
    d.reason, d.note, d.value, d.currency, d.evidence, d.inputs, d.parameters, d.effect, d.approver, d.approved_as,
    d.verdict_reason, d.verdict_note, d.outcome, d.created_at, d.submitted_at, d.decided_at, d.applied_at,
    d.reversed_at, s.time_zone
FROM decision d JOIN site s ON s.site_id = d.site_id
WHERE (%(site)s::text IS NULL OR d.site_id = %(site)s)
    AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)
    AND (%(states)s::text[] IS NULL OR d.state = ANY (%(states)s))
    AND (%(subject)s::text IS NULL OR d.subject = %(subject)s)
    AND (%(item)s::text IS NULL OR d.item = %(item)s)
    AND (%(author)s::text IS NULL OR d.author = %(author)s)
    AND (%(before)s::bigint IS NULL OR d.decision_id < %(before)s)
ORDER BY d.decision_id DESC
LIMIT %(limit)s;

-- name: waiting
SELECT d.decision_id, d.kind, d.site_id AS site, d.subject, d.item, d.state, d.revision, d.author, d.contributors,
    persons_of(d.author || d.contributors) AS persons, person_of(d.approver) AS approving_person,
    d.reason, d.note, d.value, d.currency, d.evidence, d.inputs, d.parameters, d.effect, d.approver, d.approved_as,
    d.verdict_reason, d.verdict_note, d.outcome, d.created_at, d.submitted_at, d.decided_at, d.applied_at,
    d.reversed_at, s.time_zone
FROM decision d JOIN site s ON s.site_id = d.site_id
WHERE d.state = 'submitted'
    AND (%(site)s::text IS NULL OR d.site_id = %(site)s)
    AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)
    AND (%(after_at)s::timestamptz IS NULL OR (d.submitted_at, d.decision_id) > (%(after_at)s, %(after_id)s))
ORDER BY d.submitted_at, d.decision_id
LIMIT %(limit)s;

-- name: steps
SELECT step, from_state, to_state, revision, actor, acting_as, reason, note, value, currency, detail, taken_at, audit_id
FROM decision_step
WHERE decision_id = %(decision_id)s
ORDER BY step;

-- name: allowances
SELECT r.role, l.is_set, l.amount, l.self_amount
FROM unnest(%(roles)s::text[]) WITH ORDINALITY AS r (role, place)
CROSS JOIN LATERAL approval_limit_for(%(site)s, %(kind)s, r.role, %(currency)s) l
ORDER BY r.place;

-- name: spent
SELECT approved_that_day(%(person)s, %(decision_id)s, clock_timestamp());

-- name: submit
UPDATE decision SET state = 'submitted', verdict_reason = NULL, verdict_note = %(note)s
WHERE decision_id = %(decision_id)s;

-- name: approve
UPDATE decision SET state = 'approved', approver = %(actor)s, approved_as = %(role)s, verdict_reason = NULL,
    verdict_note = %(note)s
WHERE decision_id = %(decision_id)s;

-- name: reject
UPDATE decision SET state = 'rejected', approver = %(actor)s, verdict_reason = %(reason)s, verdict_note = %(note)s
WHERE decision_id = %(decision_id)s;

-- name: revise
UPDATE decision SET state = CASE state WHEN 'draft' THEN 'draft' ELSE 'submitted' END, revision = revision + 1,
    effect = %(effect)s, value = %(value)s, currency = %(currency)s, evidence = coalesce(%(evidence)s, evidence),
    inputs = coalesce(%(inputs)s, inputs), parameters = coalesce(%(parameters)s, parameters),
    contributors = %(contributors)s, verdict_reason = %(reason)s, verdict_note = %(note)s
WHERE decision_id = %(decision_id)s;

-- name: apply
UPDATE decision SET state = 'applied', outcome = %(outcome)s, verdict_reason = NULL, verdict_note = ''
WHERE decision_id = %(decision_id)s;

-- name: reverse
UPDATE decision SET state = 'reversed', outcome = outcome || jsonb_build_object('reversal', %(outcome)s::jsonb),
    verdict_reason = %(reason)s, verdict_note = %(note)s
WHERE decision_id = %(decision_id)s;

-- name: limits
SELECT limit_id, site_id AS site, kind, role, currency, self_limit, limit_amount AS "limit", set_by, set_at
FROM approval_limit
WHERE limit_id > %(after)s AND (%(site)s::text IS NULL OR site_id IS NULL OR site_id = %(site)s)
ORDER BY limit_id
LIMIT %(limit)s;

-- name: put_limit
INSERT INTO approval_limit (site_id, kind, role, currency, self_limit, limit_amount, set_by)
SELECT %(site)s::text, %(kind)s, %(role)s, %(currency)s, %(self_limit)s, %(limit)s, %(actor)s
WHERE %(site)s::text IS NULL OR EXISTS (SELECT FROM site WHERE site_id = %(site)s)
ON CONFLICT (site_id, kind, role, currency) DO UPDATE
SET self_limit = excluded.self_limit, limit_amount = excluded.limit_amount, set_by = excluded.set_by,
    set_at = clock_timestamp()
RETURNING limit_id;

-- name: remove_limit
DELETE FROM approval_limit WHERE limit_id = %(limit_id)s;
