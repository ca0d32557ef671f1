-- Recalls of lots, with everything made of them (DOMAIN D6). What is held is what movements that name the recall say.
CREATE TABLE recall (
    recall_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id       bigint NOT NULL REFERENCES item,
    lot           text NOT NULL,
    reason        text NOT NULL CHECK (reason ~ '^[a-z][a-z0-9_]{0,63}$'),
    note          text NOT NULL,
    with_possible boolean NOT NULL,
    opened_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    opened_by     text NOT NULL,
    ended_at      timestamptz,
    ended_by      text,
    ended_because text,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (ended_because IS NULL))
);
COMMENT ON COLUMN recall.with_possible IS 'Whether goods of which no lot was kept, and which may be of it, are held too';
CREATE UNIQUE INDEX recall_open ON recall (item_id, lot) WHERE ended_at IS NULL;

-- What a recall reaches; it grows while things are made of what it reaches.
CREATE TABLE recall_lot (
    recall_id   bigint NOT NULL REFERENCES recall,
    item_id     bigint NOT NULL REFERENCES item,
    lot         text,
    steps       integer NOT NULL CHECK (steps >= 0),
    is_possible boolean NOT NULL,
    since       timestamptz,
    added_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (recall_id, item_id, lot)
);
CREATE INDEX recall_lot_lot ON recall_lot (item_id, lot);

-- By which decision stock of a site is held.
CREATE TABLE recall_site (
    recall_id   bigint NOT NULL REFERENCES recall,
    site_id     text NOT NULL REFERENCES site,
    decision_id bigint NOT NULL UNIQUE REFERENCES decision,
    PRIMARY KEY (recall_id, site_id)
);

CREATE TRIGGER not_deleted BEFORE DELETE ON recall FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON recall FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_deleted BEFORE DELETE ON recall_lot FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON recall_lot FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

GRANT SELECT, INSERT ON recall, recall_lot, recall_site TO dockledger_app;
GRANT UPDATE (ended_at, ended_by, ended_because) ON recall TO dockledger_app;
GRANT UPDATE (steps, is_possible, since) ON recall_lot TO dockledger_app;
GRANT SELECT ON recall, recall_lot, recall_site TO dockledger_auditor, dockledger_planner;

ALTER TABLE recall_site ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON recall_site TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON recall_site TO dockledger_auditor, dockledger_planner USING (true);
