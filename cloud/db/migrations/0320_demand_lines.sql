-- What customers asked for, line by line (DOMAIN D9, D10), and the site's day. A line is named by site, source,
-- document and line; what a later revision replaced is kept beside. No foreign keys from here, as in the ledger:
-- each would cost a look-up per row, and neither sites nor items are ever deleted.
CREATE TABLE demand_line (
    site_id           text COLLATE "C" NOT NULL,
    source            text COLLATE "C" NOT NULL,
    document          text COLLATE "C" NOT NULL,
    line              text COLLATE "C" NOT NULL,
    revision          integer NOT NULL CHECK (revision > 0),
    kind              text NOT NULL CHECK (kind IN ('requested', 'cancelled', 'returned')),
    item_id           bigint NOT NULL,
    channel           text,
    requested_at      timestamptz NOT NULL,
    quantity          numeric(26, 6) NOT NULL CHECK (quantity > 0),
    of_document       text COLLATE "C",
    of_line           text COLLATE "C",
    identifier_scheme text NOT NULL,
    identifier        text NOT NULL,
    quantity_seen     numeric(20, 6) NOT NULL CHECK (quantity_seen > 0),
    recorded_at       timestamptz NOT NULL,
    recorded_by       text NOT NULL,
    PRIMARY KEY (site_id, source, document, line),
    CHECK ((of_document IS NULL) = (of_line IS NULL)),
    CHECK (of_document IS NULL OR kind <> 'requested')
);
COMMENT ON COLUMN demand_line.quantity IS 'In base units; quantity_seen is what was sent, in units of the identifier';
COMMENT ON COLUMN demand_line.of_line IS 'The request that is cancelled or returned, in the same source';
CREATE INDEX demand_line_requested ON demand_line (site_id, requested_at) INCLUDE (item_id, kind, quantity);
CREATE INDEX demand_line_of ON demand_line (site_id, source, of_document, of_line) WHERE of_document IS NOT NULL;

CREATE TABLE demand_line_past (
    LIKE demand_line,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, source, document, line, revision)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON demand_line_past
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON demand_line_past
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_deleted BEFORE DELETE ON demand_line FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON demand_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

-- A site's day begins at this local time and belongs to the date it began on; opening hours may pass midnight.
ALTER TABLE site
    ADD business_day_start time NOT NULL DEFAULT '00:00',
    ADD week_start         smallint NOT NULL DEFAULT 1 CHECK (week_start BETWEEN 1 AND 7),
    ADD opens_at           time,
    ADD closes_at          time,
    ADD CONSTRAINT opening_hours CHECK ((opens_at IS NULL) = (closes_at IS NULL) AND coalesce(opens_at <> closes_at, true));
COMMENT ON COLUMN site.week_start IS 'ISO: 1 is Monday';
COMMENT ON COLUMN site.opens_at IS 'NULL: always open';

-- Written only by import_demand(), which checks the session's sites.
GRANT SELECT ON demand_line, demand_line_past TO dockledger_app, dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['demand_line', 'demand_line_past'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY by_site ON %I TO dockledger_app USING (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
