-- Who may do what (PROTOCOL P9). Movements, positions and crossings are read through functions only.
GRANT USAGE ON SCHEMA public
    TO dockledger_ingest, dockledger_app, dockledger_planner, dockledger_auditor;

GRANT INSERT ON
    batch, movement, unit_position, crossing, count, count_line, workflow_event, gap, claim, quarantine,
    location, logistic_unit, item, identifier, cell
    TO dockledger_ingest, dockledger_app;
GRANT INSERT ON item_alias, adjustment, count_anchor, period_close, period_balance, site, item_cost
    TO dockledger_app;
GRANT UPDATE ON adjustment TO dockledger_app;
GRANT UPDATE (adjusted, state) ON count_anchor TO dockledger_app;
GRANT SELECT ON
    ledger_identity, ledger_head, ledger_entry, batch, quarantine, completeness, gateway, gateway_status,
    gateway_message, site, location, logistic_unit, item, identifier, item_alias, cell, claim, job_run,
    schema_migration
    TO dockledger_ingest, dockledger_app;
GRANT SELECT ON
    count, count_line, workflow_event, gap, adjustment, count_anchor, period_close, period_balance,
    audit_event, item_cost, balance, fold_head
    TO dockledger_app;

GRANT USAGE ON SEQUENCE cloud_row_seq TO dockledger_ingest, dockledger_app;
GRANT INSERT, UPDATE ON completeness, gateway_status TO dockledger_ingest;
GRANT UPDATE (published_at) ON gateway_message TO dockledger_ingest;
GRANT UPDATE (state, settled_at, settled_by, settled_posting) ON quarantine TO dockledger_ingest, dockledger_app;
GRANT INSERT ON gateway_message TO dockledger_app;
GRANT INSERT, UPDATE ON gateway TO dockledger_app;
GRANT INSERT ON site TO dockledger_app;
GRANT UPDATE (parent_id, is_provisional) ON location TO dockledger_app;
GRANT UPDATE ON item, site TO dockledger_app;
GRANT UPDATE (abandoned_at) ON completeness TO dockledger_app;
GRANT INSERT, UPDATE ON job_run TO dockledger_app, dockledger_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_key TO dockledger_app;

GRANT SELECT ON site, location, item, identifier, item_alias, cell, item_cost, ledger_identity, ledger_entry
    TO dockledger_planner;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO dockledger_auditor;

-- A session names its sites in `dockledger.sites`: a text array, or `*`.
CREATE FUNCTION sees_site(site text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('dockledger.sites', true) = '*'
        OR site = ANY (
            CASE WHEN current_setting('dockledger.sites', true) LIKE '{%'
                THEN current_setting('dockledger.sites', true)::text[] END);

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['balance', 'adjustment', 'quarantine'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (site_id IS NULL OR sees_site(site_id)) WITH CHECK (site_id IS NULL OR sees_site(site_id))',
            guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_ingest, dockledger_auditor, dockledger_planner '
            'USING (true) WITH CHECK (true)', guarded);
    END LOOP;
END
$$;
