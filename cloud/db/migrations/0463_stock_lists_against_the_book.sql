-- A stated stock list, whole: its differences to the book are posted as bound adjustments when somebody else approves.
CREATE TABLE reconciliation (
    reconciliation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id           text NOT NULL REFERENCES site,
    observed_at       timestamptz NOT NULL,
    origin            text NOT NULL,
    stated_by         text NOT NULL,
    stated_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE reconciliation_line (
    reconciliation_id bigint NOT NULL REFERENCES reconciliation,
    line_no           integer NOT NULL,
    site_id           text NOT NULL,
    item_id           bigint NOT NULL REFERENCES item,
    location_id       bigint NOT NULL REFERENCES location,
    lot               text,
    disposition       text,
    owner             text,
    counted           numeric(26, 6) NOT NULL CHECK (counted >= 0),
    PRIMARY KEY (reconciliation_id, line_no)
);
GRANT SELECT, INSERT ON reconciliation, reconciliation_line TO dockledger_app;
GRANT SELECT ON reconciliation, reconciliation_line TO dockledger_auditor;

DO $$
DECLARE
    stated text;
BEGIN
    FOREACH stated IN ARRAY ARRAY['reconciliation', 'reconciliation_line'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', stated);
        EXECUTE format('CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', stated);
        EXECUTE format('CREATE POLICY everywhere ON %I TO dockledger_auditor USING (true)', stated);
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I '
            'FOR EACH ROW EXECUTE FUNCTION refuse_rewrite()', stated);
        EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()', stated);
    END LOOP;
END
$$;
