-- What the warehouse sent in place of what a line of demand asked for. Demand belongs to the item that was asked for: a
-- line that tells the item sent counts as the one asked for, in pub_demand_days(). Quantities are in base units of their
-- item; 0 takes a substitution back. Never deleted; what it was before is in the audit trail.
CREATE TABLE demand_substitution (
    site_id        text COLLATE "C" NOT NULL REFERENCES site,
    source         text COLLATE "C" NOT NULL,
    document       text COLLATE "C" NOT NULL,
    line           text COLLATE "C" NOT NULL,
    asked_item_id  bigint NOT NULL REFERENCES item,
    asked_quantity numeric(20, 6) NOT NULL CHECK (asked_quantity >= 0),
    sent_item_id   bigint NOT NULL REFERENCES item,
    sent_quantity  numeric(20, 6) NOT NULL CHECK (sent_quantity >= 0),
    sent_at        timestamptz NOT NULL,
    reason         text CHECK (reason <> ''),
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by    text NOT NULL,
    PRIMARY KEY (site_id, source, document, line, sent_item_id),
    CHECK (asked_item_id <> sent_item_id),
    CHECK ((asked_quantity = 0) = (sent_quantity = 0))
);
CREATE INDEX demand_substitution_sent ON demand_substitution (site_id, sent_at);

CREATE TRIGGER not_deleted BEFORE DELETE ON demand_substitution FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON demand_substitution FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

GRANT SELECT, INSERT, UPDATE ON demand_substitution TO dockledger_app;
GRANT SELECT ON demand_substitution TO dockledger_auditor, dockledger_planner;
ALTER TABLE demand_substitution ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON demand_substitution TO dockledger_app
    USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON demand_substitution TO dockledger_auditor, dockledger_planner USING (true);
