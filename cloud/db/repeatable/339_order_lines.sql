-- Lines of purchase orders as they hold now: what was ordered, and what was confirmed and taken since.
CREATE OR REPLACE VIEW purchase_order_line_now WITH (security_invoker = true) AS
    SELECT l.site_id, l.id, l.line, l.type, l.item_id, l.quantity AS ordered, l.price AS ordered_price,
        l.due_on AS ordered_for, coalesce(t.quantity, l.quantity) AS quantity,
        CASE WHEN t.revision IS NULL THEN l.price ELSE t.price END AS price, coalesce(d.due_on, l.due_on) AS due_on
    FROM purchase_order_line l
    LEFT JOIN LATERAL (
        SELECT x.revision, x.quantity, x.price FROM purchase_order_terms x
        WHERE (x.site_id, x.id, x.line) = (l.site_id, l.id, l.line) ORDER BY x.revision DESC LIMIT 1) t ON true
    LEFT JOIN LATERAL (
        SELECT x.due_on FROM purchase_order_date x
        WHERE (x.site_id, x.id, x.line) = (l.site_id, l.id, l.line) ORDER BY x.revision DESC LIMIT 1) d ON true;
GRANT SELECT ON purchase_order_line_now TO dockledger_app, dockledger_auditor, dockledger_planner;
