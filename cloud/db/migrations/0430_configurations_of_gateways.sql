-- What a gateway is to run, and what it said became of that (PROTOCOL P10). Rows are added and never changed.
CREATE TABLE gateway_config (
    gateway_id integer NOT NULL REFERENCES gateway,
    revision   bigint NOT NULL CHECK (revision > 0),
    site_id    text NOT NULL REFERENCES site,
    settings   jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
    reason     text NOT NULL,
    set_by     text NOT NULL,
    set_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (gateway_id, revision)
);

CREATE TABLE gateway_config_report (
    report_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway_id       integer NOT NULL REFERENCES gateway,
    site_id          text NOT NULL REFERENCES site,
    revision         bigint NOT NULL,
    outcome          text NOT NULL,
    running_revision bigint,
    settings         jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
    origins          jsonb NOT NULL,
    errors           jsonb NOT NULL,
    reported_at      timestamptz NOT NULL,
    heard_at         timestamptz NOT NULL
);
COMMENT ON COLUMN gateway_config_report.reported_at IS 'By the gateway''s own clock';
CREATE INDEX gateway_config_report_last ON gateway_config_report (gateway_id, report_id);

GRANT SELECT, INSERT ON gateway_config TO dockledger_app;
GRANT SELECT ON gateway_config_report TO dockledger_app;
GRANT SELECT, INSERT ON gateway_config_report TO dockledger_ingest;
GRANT SELECT ON gateway_config, gateway_config_report TO dockledger_auditor;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['gateway_config', 'gateway_config_report'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format('CREATE POLICY everywhere ON %I TO dockledger_auditor USING (true)', guarded);
    END LOOP;
END
$$;
CREATE POLICY of_ingest ON gateway_config_report TO dockledger_ingest USING (true) WITH CHECK (true);
