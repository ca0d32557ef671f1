-- What records say of tasks' lines, in the order of the ledger; a reversal says undone, whoever made it.
CREATE OR REPLACE FUNCTION task_facts(above bigint, up_to bigint)
    RETURNS TABLE (site text, task text, number integer, kind text, item_id bigint, quantity numeric, from_cell bigint,
        to_cell bigint, gateway_id integer, epoch bigint, seq bigint, occurred_at timestamptz, actor text, reason text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH moved AS (
        SELECT e.position, m.* FROM ledger_entry e JOIN movement m ON m.posting_id = e.posting_id
        WHERE e.position > above AND e.position <= up_to AND sees_site(m.site_id)
            AND (m.detail @> '{"documents": [{"type": "task"}]}' OR m.reverses_seq IS NOT NULL)
    ), named AS (
        SELECT m.position, m.site_id, d ->> 'id' AS task, d ->> 'line' AS line,
            CASE WHEN m.reverses_seq IS NULL THEN 'picked' ELSE 'undone' END AS kind, c.canonical_id AS item_id,
            round(m.quantity * c.numerator / c.denominator, 6) AS quantity, m.from_cell, m.to_cell, m.gateway_id, m.epoch,
            m.seq, m.occurred_at, m.detail ->> 'actor' AS actor, m.reason
        FROM moved m
        JOIN canonical_item c ON c.item_id = m.item_id
        LEFT JOIN movement o ON m.reverses_seq IS NOT NULL
            AND (o.gateway_id, o.epoch, o.seq) = (m.reverses_gateway, m.reverses_epoch, m.reverses_seq)
        CROSS JOIN LATERAL jsonb_array_elements(coalesce(o.detail, m.detail) -> 'documents') d
        WHERE d ->> 'type' = 'task'
        UNION ALL
        SELECT e.position, w.site_id, d ->> 'id', d ->> 'line', 'short', NULL, 0, NULL, NULL, w.gateway_id, w.epoch, w.seq,
            w.occurred_at, w.detail ->> 'actor', w.outcome
        FROM ledger_entry e
        JOIN workflow_event w ON w.posting_id = e.posting_id
        CROSS JOIN LATERAL jsonb_array_elements(w.detail -> 'documents') d
        WHERE e.position > above AND e.position <= up_to AND w.step = 'short' AND sees_site(w.site_id)
            AND d ->> 'type' = 'task'
    )
    SELECT n.site_id, l.task, l.number, n.kind, coalesce(n.item_id, l.item_id), n.quantity, n.from_cell, n.to_cell,
        n.gateway_id, n.epoch, n.seq, n.occurred_at, n.actor, n.reason
    FROM named n
    JOIN task_line l ON l.task = n.task AND l.number::text = n.line AND l.site_id = n.site_id
    ORDER BY n.position, n.gateway_id, n.epoch, n.seq
$$;

-- Lines of tasks with what became of them; what is open may be below zero where more was picked than was asked for.
CREATE OR REPLACE VIEW task_line_now WITH (security_invoker = true) AS
    SELECT l.task, l.number, l.site_id, l.type, l.id, l.line, l.item_id, l.cell_id, l.from_location, l.to_location,
        l.quantity, coalesce(f.picked, 0) AS picked, coalesce(f.short, 0) AS short, coalesce(f.withdrawn, 0) AS withdrawn,
        l.quantity - coalesce(f.picked, 0) - coalesce(f.short, 0) - coalesce(f.withdrawn, 0) AS open, f.reason, f.last_at,
        f.actor
    FROM task_line l
    LEFT JOIN LATERAL (
        SELECT sum(CASE x.kind WHEN 'picked' THEN x.quantity WHEN 'undone' THEN -x.quantity END) AS picked,
            sum(x.quantity) FILTER (WHERE x.kind = 'short') AS short,
            sum(x.quantity) FILTER (WHERE x.kind = 'withdrawn') AS withdrawn,
            max(x.reason) FILTER (WHERE x.kind = 'short') AS reason,
            max(x.occurred_at) FILTER (WHERE x.kind <> 'withdrawn') AS last_at,
            (array_agg(x.actor ORDER BY x.occurred_at DESC) FILTER (WHERE x.kind <> 'withdrawn'))[1] AS actor
        FROM task_fact x WHERE (x.task, x.number) = (l.task, l.number)) f ON true;
GRANT SELECT ON task_line_now TO dockledger_app, dockledger_auditor, dockledger_planner;

-- Up to which record of each of a gateway's epochs tasks know what was said: all that came without a hole, less what was
-- posted after the position that claims have followed to. Of the latest epochs: what is in older ones was told long ago.
CREATE OR REPLACE FUNCTION records_told_to_tasks(of_gateway text) RETURNS TABLE (epoch bigint, seq bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT c.epoch, b.last_seq
    FROM gateway g
    CROSS JOIN LATERAL (
        SELECT x.epoch, x.contiguous_no FROM completeness x
        WHERE x.gateway_id = g.gateway_id ORDER BY x.complete_until DESC, x.epoch LIMIT 20) c
    LEFT JOIN LATERAL (
        SELECT min(n.batch_no) AS batch_no
        FROM ledger_entry e JOIN batch n ON n.posting_id = e.posting_id
        WHERE e.position > (SELECT t.position FROM task_head t) AND (n.gateway_id, n.epoch) = (g.gateway_id, c.epoch)
    ) untold ON true
    CROSS JOIN LATERAL (
        SELECT n.last_seq FROM batch n
        WHERE (n.gateway_id, n.epoch) = (g.gateway_id, c.epoch)
            AND n.batch_no <= least(c.contiguous_no, untold.batch_no - 1)
        ORDER BY n.batch_no DESC LIMIT 1) b
    WHERE g.name = of_gateway AND sees_site(g.site_id)
$$;

REVOKE ALL ON FUNCTION task_facts(bigint, bigint), records_told_to_tasks(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION task_facts(bigint, bigint), records_told_to_tasks(text) TO dockledger_app;
