-- Lots that expire soon or have (DOMAIN D1, D6): who looks after them at a site, and what people have been told.
CREATE INDEX lot_expires ON lot (expires_on, item_id, lot) WHERE expires_on IS NOT NULL;

CREATE TABLE expiry_watch (
    site_id text PRIMARY KEY REFERENCES site,
    days    integer NOT NULL CHECK (days BETWEEN 0 AND 3650),
    owner   text,
    set_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    set_by  text NOT NULL
);
COMMENT ON COLUMN expiry_watch.days IS 'How many days before a lot expires people are told';
COMMENT ON COLUMN expiry_watch.owner IS 'Whose the tickets are; NULL: of whoever stated the lot''s date';

CREATE TABLE expiry_told (
    site_id text NOT NULL REFERENCES site,
    item_id bigint NOT NULL REFERENCES item,
    lot     text NOT NULL,
    told_as text NOT NULL CHECK (told_as IN ('soon', 'expired')),
    told_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (site_id, item_id, lot)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON expiry_watch, expiry_told TO dockledger_app;
GRANT SELECT ON expiry_watch, expiry_told TO dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['expiry_watch', 'expiry_told'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
